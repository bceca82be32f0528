"""The order in which certificates come into the world.

The serial number is reserved and the TBSCertificate recorded in one commit; then the key is asked for, each
certificate signed and verified; then all are recorded in one commit, or what there is once a second if the key takes
longer. Only what was recorded is returned.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError, LedgerError, RefusedError
from anchorhold.ledger import Reservation
from anchorhold.operations import parallel
from anchorhold.x509.general_names import format_general_name
from anchorhold.x509.names import format_name
from anchorhold.x509.serials import format_serial
from anchorhold.x509.to_be_signed import capture_tbs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from anchorhold.ledger import Ledger
    from anchorhold.operations.signing_key import SigningKey
    from anchorhold.x509.draft import Draft


def issue(
    ledger: Ledger,
    key: SigningKey,
    drafts: Sequence[Draft],
    recorded: Callable[[list[bytes]], None] | None = None,
    *,
    check: Callable[[], None] | None = None,
) -> list[bytes]:
    """Sign drafts with the key of an authority.

    If one of them cannot be signed, those that were are recorded (they exist), and the rest is taken back.

    Args:
        ledger: Where it is recorded.
        key: The issuer's.
        drafts: What to sign; all of them are held in memory.
        recorded: Called with the certificates within the last transaction.
        check: Called within the first one; what it raises is raised before anything was reserved or signed.

    Returns:
        The certificates in DER, in the order of the drafts.

    Raises:
        AnchorholdError: From the backend, a wrapper or the ledger.
    """
    batch = IssuanceBatch(ledger, key, drafts)
    batch.reserve(check)
    return batch.sign_all(recorded)


class IssuanceBatch:
    """Drafts that share two commits, on their way to certificates.

    Args:
        ledger: Where they are recorded.
        key: The issuer's.
        drafts: What to sign; all of them are held in memory.
        workers: How many threads sign, if the key takes so many; by default `parallel.MAX_WORKERS`.

    Attributes:
        intents: What is recorded of each before it is signed.
    """

    def __init__(self, ledger: Ledger, key: SigningKey, drafts: Sequence[Draft], workers: int | None = None) -> None:
        self._workers = workers
        self._ledger = ledger
        self._key = key
        self._authority_id = key.authority.record.id
        self._drafts = drafts
        authority = key.authority
        self.intents = [
            reservation(draft, capture_tbs(draft, authority.public_key, authority.algorithm)) for draft in drafts
        ]
        self._outcomes: list[bytes | AnchorholdError | None] = [None] * len(drafts)
        self._begun = [False] * len(drafts)
        self._is_closed = [False] * len(drafts)
        self._refusable = False

    @property
    def recorded(self) -> list[tuple[int, bytes]]:
        """The certificates that are recorded, with the numbers of their drafts."""
        return [
            (number, outcome)
            for number, outcome in enumerate(self._outcomes)
            if isinstance(outcome, bytes) and self._is_closed[number]
        ]

    def reserve(self, check: Callable[[], None] | None = None) -> None:
        """Commit serial numbers and TBSCertificates; see `issue`.

        They are on disk before a key elsewhere is asked. What this process signs alone exists nowhere before the second
        commit, which makes both durable.
        """
        if not self._drafts:
            return

        def work() -> None:
            if check is not None:
                check()
            self._ledger.certificates.reserve(self._authority_id, self.intents)

        self._ledger.commit_together(work, durable=not self._key.signs_in_memory)

    def sign_all(self, recorded: Callable[[list[bytes]], None] | None = None) -> list[bytes]:
        """Sign and record all, or fail with the first that cannot be signed; see `issue`."""
        try:
            self._key.open()
            if len(self._drafts) == 1:
                self._sign(range(1))  # which needs no threads
            elif recorded is None:
                self._signing.run(self._sign_unit, self._record)
            else:
                self._signing.run(self._sign_unit)
            if recorded is None:
                self._record()
        except LedgerError:
            self._give_up()  # which records once more what was signed
            if len(self.recorded) < len(self._drafts):
                raise
        except BaseException as failed:
            self._give_up(failed)
            raise
        if recorded is not None:  # what it does belongs into the same commit
            with self._rejecting_unrecorded():
                self._record(recorded)
        return [outcome for outcome in self._outcomes if isinstance(outcome, bytes)]

    def sign_each(self) -> Generator[bytes | RefusedError, None, None]:
        """Sign each and yield them as they are recorded, in order; what a wrapper refuses stops nothing else.

        Nothing is under way while it is suspended; one that is not continued takes back what was not begun.

        Raises:
            AnchorholdError: The key or the ledger failed; see `recorded`.
        """
        self._refusable = True
        handed_out = 0
        try:
            if self._drafts:
                self._key.open()
            while not self._signing.is_done:
                self._signing.run(self._sign_unit, self._record, seconds=parallel.INTERVAL)
                self._record()
                for outcome in self._outcomes[handed_out:]:
                    if outcome is None:
                        break
                    handed_out += 1
                    yield outcome  # type: ignore[misc]  # any other error was raised
        except BaseException as failed:
            self._give_up(failed)
            raise

    @cached_property
    def _units(self) -> list[range]:
        """The numbers of the drafts that are signed at once."""
        count, size = len(self._drafts), self._key.batch_limit
        return [range(start, min(start + size, count)) for start in range(0, count, size)]

    @cached_property
    def _signing(self) -> parallel.OrderedParallel[bool]:
        """Shares the units among as many threads as the key takes."""
        threads = self._key.backend.capabilities.threads(self._workers or parallel.MAX_WORKERS)
        return parallel.OrderedParallel(len(self._units), threads)

    def _sign_unit(self, number: int) -> bool:
        self._sign(self._units[number])
        return True

    def _sign(self, unit: range) -> None:
        failure: AnchorholdError | None = None
        self._begun[unit.start : unit.stop] = [True] * len(unit)
        for position, outcome in zip(unit, self._signed(unit), strict=True):
            if isinstance(outcome, bytes) or (self._refusable and isinstance(outcome, RefusedError)):
                self._outcomes[position] = outcome
            else:
                failure = failure or outcome
        if failure is not None:
            raise failure

    def _signed(self, unit: range) -> list[bytes | AnchorholdError]:
        """The certificates of those drafts, or why there are none."""
        drafts, messages = self._drafts[unit.start : unit.stop], [self.intents[number].tbs for number in unit]
        if len(unit) > 1:
            return self._key.sign_drafts(drafts, messages)
        try:
            return [self._key.sign_draft(drafts[0], messages[0])]
        except AnchorholdError as error:
            return [error]

    def _record(self, recorded: Callable[[list[bytes]], None] | None = None) -> None:
        """Commit what became of drafts since the last time."""
        closing = [
            number
            for number, outcome in enumerate(self._outcomes)
            if outcome is not None and not self._is_closed[number]
        ]
        if not closing and recorded is None:
            return

        def work() -> None:
            self._close(closing, None)
            if recorded is not None:
                recorded([outcome for outcome in self._outcomes if isinstance(outcome, bytes)])

        self._ledger.commit_together(work)
        for number in closing:
            self._is_closed[number] = True

    def _give_up(self, failed: BaseException | None = None) -> None:
        """After a failure: record what was signed, abandon what may have been, take back the rest."""
        closing = [number for number, is_closed in enumerate(self._is_closed) if not is_closed]
        untouched = [self.intents[number].serial for number in closing if not self._begun[number]]
        with _telling_of(failed), self._rejecting_unrecorded(), self._ledger.transaction():
            self._close([number for number in closing if self._begun[number]], failed)
            self._ledger.certificates.release(self._authority_id, untouched)
        for number in closing:
            self._is_closed[number] = True

    @contextmanager
    def _rejecting_unrecorded(self) -> Iterator[None]:
        """Around the last attempt to record: certificates that the ledger does not take are never handed out."""
        try:
            yield
        except AnchorholdError as error:
            for number, outcome in enumerate(self._outcomes):
                if isinstance(outcome, bytes) and not self._is_closed[number]:
                    self._key.reject(self._drafts[number], self.intents[number].tbs, error.problem)
            raise

    def _close(self, numbers: Sequence[int], failed: BaseException | None) -> None:
        """Record the certificates among them, and which of them may have been signed besides, with an event for each.

        Args:
            numbers: Of drafts that were begun.
            failed: What has ended those that have no outcome.
        """
        issued: list[tuple[str, bytes]] = []
        abandoned: list[tuple[str, BaseException | None]] = []
        for number in numbers:
            outcome, serial = self._outcomes[number], self.intents[number].serial
            if isinstance(outcome, bytes):
                issued.append((serial, outcome))
            else:
                abandoned.append((serial, outcome or failed))
        self._ledger.certificates.complete(self._authority_id, issued)
        self._ledger.certificates.abandon(self._authority_id, [serial for serial, _ in abandoned])
        for serial, error in abandoned:
            kind = "certificate-refused" if isinstance(error, RefusedError) else "certificate-failed"
            reason = error.code if isinstance(error, AnchorholdError) else type(error).__name__
            self._ledger.events.append(kind, self._key.authority.record, serial=serial, reason=reason)


@contextmanager
def _telling_of(failed: BaseException | None) -> Iterator[None]:
    """Around what is recorded after a failure: where the ledger cannot be reached either, both are said."""
    try:
        yield
    except LedgerError as error:
        if not isinstance(failed, AnchorholdError):
            raise
        problem = f"{error.problem}; before that, {failed.problem}"
        raise LedgerError(problem, hint=error.hint, remedy=error.remedy) from failed


def reservation(draft: Draft, tbs: bytes) -> Reservation:
    """What the ledger records of a draft before it is signed."""
    return Reservation(
        serial=format_serial(draft.serial),
        profile=draft.listed_as or draft.profile,
        subject=format_name(draft.subject),
        names=tuple(map(format_general_name, draft.alternative_names)),
        not_before=draft.not_before,
        not_after=draft.not_after,
        tbs=tbs,
    )
