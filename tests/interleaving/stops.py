"""The steps of a command at which it can be stopped: each commit, each call that changes a place for keys.

To be put into a process of its own before the command runs. A process that stands still at a step, or is killed there,
is as one that the machine or an operator has stopped.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

from anchorhold.ledger import Ledger
from anchorhold.ledger.authorities import AuthorityRepository
from anchorhold.operations import by_alias
from anchorhold.plugin.key_backend import KeyBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Fate = Literal["stopped", "killed"]
SIGNALS: Final[dict[Fate, signal.Signals]] = {"stopped": signal.SIGSTOP, "killed": signal.SIGKILL}
HOOKS: Final = ("create_key", "import_key", "delete_key", "sign")
"""What changes something outside the ledger; what reads is as the commit before it."""

COMMITTING: Final = "a commit is about to be"
"""The step at which a command keeps others from writing."""


class Stops:
    """Counts the steps of this process, and ends it or lets it stand still at one of them.

    Args:
        at: At which step; None for none.
        fate: What happens there.
        report: The names of the steps that were reached are written into this file, one a line.
    """

    def __init__(self, at: int | None, fate: Fate, report: Path) -> None:
        self._at = at
        self._fate = fate
        self._report = report
        self._passed = 0
        self._within = 0

    def reach(self, name: str, *, within: bool = False) -> None:
        """A step is reached; those within a transaction are as its end."""
        if self._within and not within:
            return
        with self._report.open("a") as report:
            report.write(f"{name}\n")
        self._passed += 1
        if self._passed - 1 == self._at:
            os.kill(os.getpid(), SIGNALS[self._fate])

    def install(self) -> None:
        """Have the program tell of its steps, which come in the same order each time."""
        by_alias.MAX_AT_ONCE = 1  # type: ignore[misc]
        _wrap(AuthorityRepository, "all_known", lambda: self.reach("authorities were read"))
        for hook in HOOKS:
            _wrap(KeyBackend, hook, lambda hook=hook: self.reach(f"{hook} was done"))  # type: ignore[misc]
        committing: Any = Ledger._committing  # every commit, whether other threads may share it or not

        @contextmanager
        def told(ledger: Ledger, **options: Any) -> Iterator[None]:
            self._within += 1
            try:
                with committing(ledger, **options):
                    yield
                    self.reach(COMMITTING, within=True)
            finally:
                self._within -= 1
            self.reach("a commit was done")

        Ledger._committing = told  # type: ignore[assignment,method-assign]


def _wrap(owner: type, method: str, after: Callable[[], None]) -> None:
    real = getattr(owner, method)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        after()
        return result

    setattr(owner, method, wrapped)
