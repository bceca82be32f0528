"""The state of this process that a plugin must leave as it is."""

from __future__ import annotations

import locale
import logging
import os
import signal
import socket
import threading
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from anchorhold.testing import process_state


@dataclass(frozen=True)
class ProcessState:
    """What was so at one moment.

    Attributes:
        umask: The mode bits that new files do not get.
        folder: The working folder.
        environment: All variables.
        signals: The handler of each signal.
        timeout: Seconds after which new sockets give up.
        locale: Of this process.
        logging: Level and handlers of the root logger.
    """

    umask: int
    folder: str
    environment: dict[str, str]
    signals: dict[int, Any]
    timeout: float | None
    locale: str
    logging: tuple[int, tuple[logging.Handler, ...]]

    @classmethod
    def now(cls) -> Self:
        """What is so now."""
        return cls(
            umask=process_state.umask(),
            folder=str(Path.cwd()),
            environment={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            signals=process_state.signal_handlers(),
            timeout=socket.getdefaulttimeout(),
            locale=locale.setlocale(locale.LC_ALL),
            logging=(logging.getLogger().level, tuple(_handlers())),
        )

    def changed(self, before: ProcessState) -> list[str]:
        """What is not as it was, by name; values may be secret."""
        return [each.name for each in fields(self) if getattr(self, each.name) != getattr(before, each.name)]

    def restore(self) -> None:
        """Make it so again."""
        os.umask(self.umask)
        os.chdir(self.folder)
        for name in set(os.environ) - set(self.environment):
            if not name.startswith("PYTEST_"):
                del os.environ[name]
        os.environ.update(self.environment)
        for number, handler in self.signals.items():
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)
        socket.setdefaulttimeout(self.timeout)
        locale.setlocale(locale.LC_ALL, self.locale)
        level, handlers = self.logging
        logging.getLogger().setLevel(level)
        for handler in set(_handlers()) - set(handlers):
            logging.getLogger().removeHandler(handler)


def _handlers() -> list[logging.Handler]:
    """Those of the root logger, without the ones that pytest has there now and then."""
    return [each for each in logging.getLogger().handlers if not type(each).__module__.startswith("_pytest")]


def threads() -> set[str]:
    """The names of the threads that run."""
    return {f"{thread.name} ({thread.ident})" for thread in threading.enumerate()}
