"""Refused secrets, remembered in the ledger: one wrong PIN is one try, however many processes there are.

No transaction is open while a secret is shown. What a process does then stands in the ledger before it: its claim on
the place, and a mark on the secret.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from anchorhold.errors import BusyError, LedgerError, SecretWrongError
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.claims import Claim
    from anchorhold.ledger.refused_secrets import RefusedSecret
    from anchorhold.secret_sources import SecretSource

LOGIN_TIMEOUT: Final = 20.0
"""Seconds that a process waits for others that are showing a secret to the same place."""
PAUSES: Final = (0.002, 0.1)
"""Seconds between two checks whether they have ended: initially, when most logins have ended, and at most."""

logger = logging.getLogger(__name__)


class LedgerRefusedSecrets:
    """See `anchorhold.plugin.RefusedSecrets`.

    Args:
        ledger: Opens the ledger.
    """

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        self._ledger = ledger
        self._owed: dict[str, _Presentation] = {}

    @contextmanager
    def presenting(self, place: str, source: SecretSource | None, subject: str) -> Iterator[Callable[[], None]]:
        """See `anchorhold.plugin.RefusedSecrets.presenting`."""
        if source is None:
            yield _nothing
            return
        ledger = self._ledger()
        was_closed = ledger.database.is_closed()
        try:
            self._pay(ledger, place)
            showing = _Presentation(place, source, _begin(ledger, place, source, subject))
            try:
                yield showing.refuse
                showing.is_known = True
            except Exception:
                showing.is_known = True
                raise
            finally:
                self._end(ledger, showing)
        finally:
            if was_closed:
                ledger.close()  # this thread needs it for nothing else

    def _end(self, ledger: Ledger, showing: _Presentation) -> None:
        """Note what became of the secret, and give the place back; where that fails others wait, and it is owed."""
        self._owed[showing.place] = showing
        try:
            try:
                self._pay(ledger, showing.place)
            except LedgerError:  # a server that was restarted has closed the connection
                self._pay(ledger, showing.place)
        except LedgerError as error:
            if not showing.is_refused:
                raise
            logger.debug("could not record a refusal", exc_info=error)  # the mark that was made before is as good

    def _pay(self, ledger: Ledger, place: str) -> None:
        """Note what this process could not note the last time."""
        owed = self._owed.pop(place, None)  # threads may come at once, and one of them pays
        if owed is None:
            return
        try:
            _note(ledger, owed)
        except BaseException:
            self._owed[place] = owed
            raise


@dataclass(slots=True)
class _Presentation:
    """A secret that is shown, and what became of it; not known if the process is being ended."""

    place: str
    source: SecretSource
    claim: Claim
    is_known: bool = False
    is_refused: bool = False

    def refuse(self) -> None:
        self.is_refused = True


def _begin(ledger: Ledger, place: str, source: SecretSource, subject: str) -> Claim:
    """Have the place to oneself, and mark the secret; both in one commit."""
    wanted, end, pause = f"login {place}", time.monotonic() + LOGIN_TIMEOUT, PAUSES[0]
    while True:
        with ledger.translate_errors():
            other = ledger.claims.of(wanted)
        if other is None:
            with ledger.transaction():
                other, mine = ledger.claims.claim(wanted, "being logged in to")
                if mine:
                    _check(ledger.refusals.find(place, source), source, subject)
                    ledger.refusals.mark_presented(place, source)
                    return other
        if time.monotonic() > end:
            raise BusyError(
                f"{subject} was not shown to the token, which is {other.description}",
                hint="find out why that takes so long, and retry",
            )
        time.sleep(pause)
        pause = min(2 * pause, PAUSES[1])


def _check(found: RefusedSecret | None, source: SecretSource, subject: str) -> None:
    if found is None:
        return
    how = "was refused" if found.is_certain else "was shown to the token, by a process that ended before the answer,"
    who = f"{found.at:%Y-%m-%d %H:%M:%S} UTC (process {found.process} on {found.host})"
    raise SecretWrongError(
        f"{subject} (from {source.name}) {how} at {who}, and is not tried again, because wrong PINs lock tokens",
        hint="correct it there; only if it is correct as it is, allow one more try"
        if source.version
        else "correct it, and if it is correct now, allow one more try",
        remedy=Remedy("secrets.retry_refused"),
    )


def _note(ledger: Ledger, showing: _Presentation) -> None:
    with ledger.transaction():
        if showing.is_refused:
            ledger.refusals.mark_refused(showing.place, showing.source)
        elif showing.is_known:
            ledger.refusals.forget(showing.place, showing.source)
        ledger.claims.release(showing.claim)


def _nothing() -> None:
    """Nothing is remembered about a secret given interactively."""
