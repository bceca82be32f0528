"""Whether the server is ready: the ledger can be read, and each authority has a good responder and good CRLs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError
from anchorhold.operations.crls import shards_of
from anchorhold.x509.validity import is_in_future, now
from anchorhold_server.key_executors import TIMED_OUT
from anchorhold_server.ledger_connection import UNREADABLE
from anchorhold_server.ledger_reader import reread

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from anchorhold.ledger.records import CrlDates
    from anchorhold.operations.authority import Authority
    from anchorhold_server.alarm_log import AlarmLog
    from anchorhold_server.authority_snapshot import AuthoritySnapshot, ServedAuthority
    from anchorhold_server.crl_file_cache import CrlFileCache
    from anchorhold_server.key_executors import KeyExecutors
    from anchorhold_server.ledger_connection import LedgerConnection

KEPT: Final = 0.2
"""Seconds for which a result is kept, in the same revision."""
NO_AUTHORITY: Final = "there is no authority, or each has expired"


@dataclass(frozen=True, slots=True)
class AuthorityHealth:
    """How one authority is served.

    Attributes:
        name: Of the authority.
        serial: Of its certificate, in hex.
        problems: What is wrong, without paths or secrets.
        certificate_expires: End of its certificate.
        responder_expires: End of its responder's certificate.
        crl_made: When the newest full CRL begins, which is a little before it was made.
        crl_expires: When that ends.
    """

    name: str
    serial: str
    problems: tuple[str, ...]
    certificate_expires: dt.datetime
    responder_expires: dt.datetime | None
    crl_made: dt.datetime | None
    crl_expires: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Health:
    """How everything is.

    Attributes:
        ledger: Whether it can be read.
        authorities: Each that is served.
        problems: What else is wrong, without paths or secrets.
    """

    ledger: bool
    authorities: tuple[AuthorityHealth, ...] = ()
    problems: tuple[str, ...] = ()
    at: float = field(default_factory=time.monotonic)

    @property
    def ready(self) -> bool:
        """Whether nothing is wrong."""
        fine = not any(authority.problems for authority in self.authorities)
        return self.ledger and fine and not self.problems


class HealthMonitor:
    """Checks everything. Threads may share it.

    Args:
        connection: Knows whether the newest state of the ledger is seen.
        crls: Has the dates of CRLs.
        keys: Knows which keys do not answer.
        alarms: Is told what is wrong.
    """

    def __init__(self, connection: LedgerConnection, crls: CrlFileCache, keys: KeyExecutors, alarms: AlarmLog) -> None:
        self._connection = connection
        self._crls = crls
        self._keys = keys
        self._alarms = alarms
        self._checking = Lock()
        self._checked: AuthoritySnapshot | None = None
        self._last = Health(ledger=False)

    def check(self, snapshot: AuthoritySnapshot) -> Health:
        """How everything is, or was a moment ago."""
        with self._checking:
            if self._checked is not snapshot or time.monotonic() > self._last.at + KEPT:
                self._checked, self._last = snapshot, self._check(snapshot)
            return self._last

    def failed(self, reason: str) -> Health:
        """The ledger cannot be read, so nothing is known."""
        self._alarms.report("ledger", reason)
        return Health(ledger=False, problems=(self._connection.problem or f"ledger: {UNREADABLE}",))

    def _general_problems(self, snapshot: AuthoritySnapshot) -> Iterable[str]:
        """What is wrong with the server as a whole."""
        if self._connection.problem is not None:
            yield self._alarmed("ledger", self._connection.problem)
        if snapshot.served:
            self._alarms.clear("authorities")
        else:
            yield self._alarmed("authorities", NO_AUTHORITY)

    def _check(self, snapshot: AuthoritySnapshot) -> Health:
        try:
            crls = reread(self._crls.dates)
        except AnchorholdError as error:
            return self.failed(str(error))
        found = tuple(
            self._authority(served, crls.get(served.authority.record.id, {})) for served in snapshot.served.values()
        )
        self._alarms.clear("ledger")
        return Health(ledger=True, authorities=found, problems=tuple(self._general_problems(snapshot)))

    def _authority(self, served: ServedAuthority, crls: Mapping[int | None, CrlDates]) -> AuthorityHealth:
        authority = served.authority
        crl = crls.get(None)
        return AuthorityHealth(
            name=authority.name,
            serial=authority.record.serial or "",
            problems=(
                *self._certificate_problems(authority),
                *self._responder_problems(served),
                *self._crl_problems(authority, crls),
            ),
            certificate_expires=authority.certificate.not_valid_after_utc,
            responder_expires=None if served.responder is None else served.responder.not_after,
            crl_made=None if crl is None else crl.this_update,
            crl_expires=None if crl is None else crl.next_update,
        )

    def _certificate_problems(self, authority: Authority) -> Iterable[str]:
        """Whether the clock is behind, or was ahead when the authority was made."""
        subject = f"authority {authority.name}"
        if is_in_future(authority.certificate.not_valid_before_utc, now()):
            yield self._alarmed(subject, "certificate: it is not valid yet")
        else:
            self._alarms.clear(subject)

    def _responder_problems(self, served: ServedAuthority) -> Iterable[str]:
        """What is wrong with a responder; the log says it in more words."""
        authority, responder = served.authority, served.responder
        subject = f"responder {authority.name}"
        if responder is None:
            if served.had_responder or authority.issuing.ocsp_urls:
                yield self._alarmed(subject, "OCSP responder: does not exist")
            return
        if responder.problem is not None:
            yield self._alarmed(subject, f"OCSP responder: {responder.problem}")
            return
        timed_out = self._keys.is_timed_out(responder)
        if timed_out or responder.failure is not None:
            text = TIMED_OUT if timed_out else str(responder.failure)
            self._alarms.report(subject, f"authority {authority.name!r}, OCSP responder: {text}")
            yield f"OCSP responder: {TIMED_OUT if timed_out else 'its key cannot be used'}"
        elif responder.is_open:
            self._alarms.clear(subject)
        else:
            yield "OCSP responder: its key has not been tried yet"

    def _crl_problems(self, authority: Authority, crls: Mapping[int | None, CrlDates]) -> Iterable[str]:
        """What is wrong with the full CRL, and with partial ones: each kind of problem once, for there may be many."""
        found: dict[str, list[int | None]] = {}
        for shard in shards_of(authority):
            problem = _crl_problem(crls.get(shard), published=bool(authority.issuing.crl_urls))
            if problem is not None:
                found.setdefault(problem, []).append(shard)
        problems = [f"{_lists(shards)}: {problem}" for problem, shards in found.items()]
        if problems:
            self._alarms.report(f"crl {authority.name}", "; ".join(problems))
        else:
            self._alarms.clear(f"crl {authority.name}")
        return problems

    def _alarmed(self, subject: str, problem: str) -> str:
        self._alarms.report(subject, problem)
        return problem


def _crl_problem(crl: CrlDates | None, *, published: bool) -> str | None:
    """What is wrong with the newest CRL of one kind; None if nothing is."""
    moment = now()
    if crl is None:
        return "does not exist" if published else None
    if is_in_future(crl.this_update, moment):
        return "it is dated in the future"
    return "it has expired" if crl.next_update <= moment else None


def _lists(shards: Sequence[int | None]) -> str:
    """What to call those CRLs: ``CRL``, or ``CRL of shard 3 and 7 more``."""
    more = len(shards) - 1
    if shards[0] is None:
        return f"CRL and {more} partial" if more else "CRL"
    return f"CRL of shard {shards[0]}" + (f" and {more} more" if more else "")
