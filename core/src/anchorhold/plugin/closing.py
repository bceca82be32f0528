"""Closing a backend, and what to say when it or what it has lent fails to close: a warning, for the work is done."""

from __future__ import annotations

import atexit
import logging
import os
from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError
from anchorhold.plugin.blame import keep_interrupt

if TYPE_CHECKING:
    import pluggy

    from anchorhold.plugin.discovery import PluginIdentity

logger = logging.getLogger(__name__)


class BackendClosing:
    """Closes one bound backend at last, and warns of what failed to close. Threads may share it.

    The first failure of each kind is a warning that names alias and distribution; the others are logged for debugging,
    so that a server does not fill its log with them.

    Args:
        identity: The backend, for messages.
        manager: What it is bound to.
    """

    def __init__(self, identity: PluginIdentity, manager: pluggy.PluginManager) -> None:
        self._identity = identity
        self._manager = manager
        self._process = os.getpid()
        self._warned: set[str] = set()
        self._wants_close = bool(manager.hook.close_backend.get_hookimpls())
        if self._wants_close:
            _open.append(self)

    def close_backend(self) -> bool:
        """Call the hook `close_backend` once, unless a fork has inherited the backend; whether it may be used no more.

        A child that closed a connection of its parent would end the session that the parent still uses.
        """
        if not self._wants_close:
            return False
        if self in _open:
            _open.remove(self)
            if os.getpid() == self._process:
                try:
                    self._manager.hook.close_backend()
                except BaseException as error:
                    keep_interrupt(error)
                    self.warn("the backend", error)
        return True

    def warn(self, what: str, error: BaseException) -> None:
        """Say that something has failed to close.

        Args:
            what: It.
            error: What it has raised.
        """
        reason = f": {self._told(error)}" if isinstance(error, AnchorholdError) else f" ({type(error).__name__})"
        level = logging.DEBUG if what in self._warned else logging.WARNING
        self._warned.add(what)
        logger.log(
            level,
            "%s: %s failed to close%s; what was done before is not affected, report this to the author of the backend",
            self._identity,
            what,
            reason,
        )
        logger.debug("could not close", exc_info=error)

    def _told(self, error: AnchorholdError) -> str:
        """Its problem without the backend, which the warning has named already."""
        named = f"{self._identity.kind} {self._identity.name!r}"
        return error.problem.removeprefix(f"{self._identity}: ").removeprefix(f"{named}: ")


_open: Final[list[BackendClosing]] = []
"""Backends with the hook `close_backend` that were not closed yet."""


def _close_all() -> None:
    for closing in list(_open):
        closing.close_backend()


atexit.register(_close_all)
