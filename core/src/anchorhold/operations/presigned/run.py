"""Keeps the pre-signed responses of an authority up to date: what is due is made, whatever has been interrupted before.

Certificates are passed in the order of their row numbers, chunk by chunk; the state says how far. What has changed its
status since is in the events of the ledger, and what was issued since has a higher row number. So nothing needs to be
read from the files.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from anchorhold.errors import AuthorityExpiredError, AuthorityNotReadyError, OcspResponsesError
from anchorhold.ledger.schema import from_timestamp, to_timestamp
from anchorhold.operations.presigned.signing import AnswerSigner, Item
from anchorhold.operations.presigned.state import FolderState, load_state, name_of
from anchorhold.operations.presigned.workers import Chunk, Done, InProcess
from anchorhold.remedy import Remedy
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.presigned.folder import AnswerFolder
    from anchorhold.operations.presigned.workers import Makers
    from anchorhold.operations.responder_keys import OcspKeyLocation

Which: TypeAlias = Literal["due", "all", "changed", "ending"]
"""Which responses are made: those that changed, are new or end soon; all of them; only one of the two kinds of due."""

CHUNK: Final = 250
"""Certificates that are dealt with together: some 100 ms of work, some 400 kB."""
IN_PROCESS: Final = 8
"""Chunks for which no other process is started."""
CHECKPOINT: Final = 5.0
"""Seconds after which what was done is noted."""
OPEN: Final = 3600
"""Seconds for which a reservation is expected to become a certificate; later ones wait for the next pass."""
_OVERLAP: Final = 3600
"""Seconds by which sweeps overlap, for what was written while the last one ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresignedResult:
    """What a run has done.

    Attributes:
        written: How many responses it has written.
        removed: Of how many expired certificates it has removed the responses.
        renew_at: When those of all certificates are to be renewed, UTC.
        until: Until when all of them are good, UTC.
    """

    written: int
    removed: int
    renew_at: dt.datetime
    until: dt.datetime

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "written": self.written,
            "removed": self.removed,
            "renew_at": self.renew_at.isoformat(),
            "until": self.until.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Presigning:
    """What a run works with.

    Attributes:
        ledger: Where certificates and their status are.
        authority: Their issuer.
        places: From an alias of ``ocsp_key_backends`` to its place.
        folder: Where the responses are.
        workers: Starts processes for a responder; None if all is done in this one.
        progress: Told how many more certificates were passed.
    """

    ledger: Ledger
    authority: Authority
    places: Callable[[str], OcspKeyLocation]
    folder: AnswerFolder
    workers: Callable[[ResponderRecord], AbstractContextManager[Makers]] | None
    progress: Callable[[int], None]


def presign(work: Presigning, which: Which = "due") -> PresignedResult:
    """Write what is due, and remove what is of expired certificates.

    Args:
        work: What it works with.
        which: What is due. Where a pass was interrupted or there was none, it is completed, except by ``changed``.

    Raises:
        BusyError: Another run is at it.
        AuthorityNotReadyError: The authority was never completed, or has no responder.
        AuthorityExpiredError: It has expired, or its responder has.
        OutputError: The folder holds something else.
        OcspResponsesError: The responses cannot be written.
        AnchorholdError: They cannot be signed, or the ledger cannot be read; the next run goes on.
    """
    work.authority.check_valid()  # a disabled one too: what it has signed is asked about
    work.folder.make()
    try:
        with work.folder.run_lock(name_of(work.authority)):
            with work.folder.alone():
                work.folder.remove_scratch(name_of(work.authority))
            responder = active_responder(work)
            location = work.places(responder.key_backend)
            with AnswerSigner(work.ledger, work.authority, responder, location, work.folder) as signer:
                return _Run(work, responder, signer).do(which)
    except OSError as error:
        raise OcspResponsesError(
            f"OCSP responses in {work.folder.path}: cannot be written ({error.strerror})",
            hint="free space or correct its owner, and write them again",
            remedy=Remedy("ocsp_responses.generate", {"authority": work.authority.name}),
        ) from error


def active_responder(work: Presigning) -> ResponderRecord:
    """The responder that signs now.

    Raises:
        AuthorityNotReadyError: There is none.
        AuthorityExpiredError: Its certificate has expired.
    """
    with work.ledger.translate_errors():
        found = work.ledger.responders.active(work.authority.record.id)
    remedy = Remedy("responders.renew", {"authority": work.authority.name})
    if found is None or found.certificate is None or found.not_after is None:
        raise AuthorityNotReadyError(
            f"authority {work.authority.name!r}: has no OCSP responder", hint="create its key", remedy=remedy
        )
    if found.not_after <= now():
        raise AuthorityExpiredError(
            f"authority {work.authority.name!r}: the certificate of its OCSP responder has expired",
            hint="renew it",
            remedy=remedy,
        )
    return found


class _Run:
    """One run. The state is saved after what it says was done.

    Args:
        work: What it works with.
        responder: Signs.
        signer: The same, in this process.
    """

    def __init__(self, work: Presigning, responder: ResponderRecord, signer: AnswerSigner) -> None:
        self._work = work
        self._ledger = work.ledger
        self._statuses = work.ledger.certificates.statuses
        self._authority_id = work.authority.record.id
        self._responder = responder
        self._signer = signer
        self._serial = responder.serial or ""
        self._written = 0
        self._removed = 0
        self._open: int | None = None
        self._state = self._loaded()

    def do(self, which: Which) -> PresignedResult:
        """See `presign`."""
        self._replace_changed()
        if which != "changed" or not self._state.begun:
            self._renew(again=which == "all")
        if which != "ending":
            self._add_new()
        self._sweep()
        self._save(revision=self._ledger.revision())
        state = self._state
        return PresignedResult(
            written=self._written,
            removed=self._removed,
            renew_at=from_timestamp(state.middle),
            until=from_timestamp(state.until),
        )

    def _loaded(self) -> FolderState:
        """The state, or a fresh one where it is of another ledger, or of an older copy of this one."""
        work, ledger = self._work, self._ledger
        found = load_state(work.folder, work.authority)
        with ledger.translate_errors():
            if found is not None and self._is_of_ledger(found):
                return found
            last = self._statuses.last_change(self._authority_id)
        is_empty = found is None and all(entry == work.folder.own for entry in work.folder.path.iterdir())
        return FolderState.fresh(self._serial, last, to_timestamp(now()) if is_empty else 0)

    def _is_of_ledger(self, state: FolderState) -> bool:
        at_most = self._ledger.revision()
        return state.revision <= at_most and self._statuses.has_change(self._authority_id, state.change)

    def _save(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)
        self._state.save(self._work.folder, self._work.authority)

    def _replace_changed(self) -> None:
        """Those whose status has changed: a killed command may not have replaced them."""
        while True:
            with self._ledger.translate_errors():
                changes = self._statuses.changes(self._authority_id, after=self._state.change.id, limit=CHUNK)
                serials = list({change.serial for change in changes})
                rows = self._statuses.of_serials(self._authority_id, serials, valid_at=to_timestamp(now()))
            if not changes:
                return
            self._written += self._signer.write([Item(row.id, row.serial) for row in rows if row.is_issued])
            self._work.folder.sync()
            self._save(change=changes[-1])

    def _renew(self, *, again: bool) -> None:
        """Complete a pass that was interrupted, and make the one that is due by now, or wanted once more."""
        resumed = self._state.passed is not None
        if resumed:
            self._pass()
        if self._state.is_due(self._serial, now()) or (again and not resumed):
            self._state = self._state.beginning(self._signer.template, self._serial, now())
            self._save()
            self._pass()

    def _pass(self) -> None:
        """Make the responses of all certificates behind the last one that was passed."""
        last = self._make(self._state.passed or 0, self._note_passed)
        self._work.folder.sync()
        self._save(passed=None, seen=self._seen_until(last))

    def _note_passed(self, last: int) -> None:
        self._work.folder.sync()
        self._save(passed=last, seen=self._seen_until(last))

    def _add_new(self) -> None:
        """Those that were issued since a run has met the last one."""
        before = self._state.seen
        last = self._make(before, lambda _: None, missing_only=True)
        if last != before:
            self._work.folder.sync()
            self._save(seen=self._seen_until(last))

    def _seen_until(self, last: int) -> int:
        """Up to which row nothing is to be looked for: before the first one that may still become a certificate."""
        return max(self._state.seen, last if self._open is None else min(last, self._open - 1))

    def _chunks(self, after: int, *, missing_only: bool) -> Iterator[Chunk]:
        """The certificates behind a row."""
        while True:
            moment = to_timestamp(now())
            with self._ledger.translate_errors():
                rows = self._statuses.page(self._authority_id, after=after, valid_at=moment, limit=CHUNK)
            if not rows:
                return
            still_open = (row.id for row in rows if not row.is_issued and abs(moment - row.reserved_at) < OPEN)
            self._open = next(still_open, None) if self._open is None else self._open
            after = rows[-1].id
            yield Chunk(after, [Item(row.id, row.serial) for row in rows if row.is_issued], missing_only)

    def _make(self, after: int, note: Callable[[int], None], *, missing_only: bool = False) -> int:
        """Make the responses of certificates behind a row, and note from time to time how far everything is made.

        Returns:
            The last row.
        """
        self._open = None
        chunks = self._chunks(after, missing_only=missing_only)
        first = list(islice(chunks, IN_PROCESS))
        passed, noted_at = _Passed(after), time.monotonic()
        with self._makers(enough=len(first) == IN_PROCESS) as makers:
            for done in makers.run(chain(first, chunks)):
                self._written += done.written
                self._work.progress(len(done.chunk.items))
                passed.add(done)
                if time.monotonic() >= noted_at + CHECKPOINT:
                    note(passed.last)
                    noted_at = time.monotonic()
        return passed.last

    @contextmanager
    def _makers(self, *, enough: bool) -> Iterator[Makers]:
        if enough and self._work.workers is not None:
            self._signer.open()
            with self._work.workers(self._responder) as makers:
                yield makers
        else:
            yield InProcess(self._signer)

    def _sweep(self) -> None:
        """Remove the responses of certificates that have expired; the server behind the files says what it says."""
        until, since, after = to_timestamp(now()), max(0, self._state.swept - _OVERLAP), 0
        while True:
            with self._ledger.translate_errors():
                found = self._statuses.expired(self._authority_id, since=since, until=until, after=after, limit=CHUNK)
            if not found:
                break
            with self._work.folder.alone():
                for each in found:
                    removed = [self._work.folder.remove(path) for path in self._signer.paths(Item(*each[:2]))]
                    self._removed += any(removed)
            since, after = found[-1].not_after, found[-1].id
        self._state = replace(self._state, swept=until)


class _Passed:
    """Up to which row all chunks were dealt with, in whatever order they were.

    Args:
        last: The row behind which the first chunk begins.
    """

    def __init__(self, last: int) -> None:
        self.last = last
        self._following = 0
        self._done: dict[int, int] = {}

    def add(self, done: Done) -> None:
        """Note that a chunk was dealt with."""
        self._done[done.number] = done.chunk.last
        while self._following in self._done:
            self.last = self._done.pop(self._following)
            self._following += 1
