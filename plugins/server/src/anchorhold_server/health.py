"""Whether all is well: the ledger is reachable, and each authority has a responder and a CRL that are good."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError
from anchorhold.issuing.crls import shards_of
from anchorhold.x509.validity import is_ahead, now
from anchorhold_server.epochs import reread
from anchorhold_server.keys import LATE
from anchorhold_server.sight import UNREADABLE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from anchorhold.issuing.authority import Authority
    from anchorhold.ledger.records import CrlDates
    from anchorhold_server.alarms import Alarms
    from anchorhold_server.keys import KeyThreads
    from anchorhold_server.registry import Registry, Served
    from anchorhold_server.shelf import Shelf
    from anchorhold_server.sight import Sight

REMEMBERED: Final = 0.2
"""Seconds for which a look at everything is good enough, in the same epoch."""
NO_AUTHORITY: Final = "there is no authority, or each has expired"


@dataclass(frozen=True, slots=True)
class AuthorityHealth:
    """How one authority is served.

    Attributes:
        name: Of the authority.
        serial: Of its certificate, in hex.
        problems: What is wrong, in words that anybody may read.
        responder_expires: End of its responder's certificate.
        crl_made: When the newest full CRL begins, which is a little before it was made.
        crl_expires: When that runs out.
    """

    name: str
    serial: str
    problems: tuple[str, ...]
    responder_expires: dt.datetime | None
    crl_made: dt.datetime | None
    crl_expires: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Health:
    """How everything is.

    Attributes:
        ledger: Whether it can be read.
        authorities: Each that is served.
        problems: What is wrong beside them, in words that anybody may read.
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


class Watch:
    """Looks at everything. Threads may share it.

    Args:
        sight: Knows whether the ledger is all seen.
        shelf: With CRLs.
        keys: Know which of them are late.
        alarms: Are told what is wrong.
    """

    def __init__(self, sight: Sight, shelf: Shelf, keys: KeyThreads, alarms: Alarms) -> None:
        self._sight = sight
        self._shelf = shelf
        self._keys = keys
        self._alarms = alarms
        self._looking = Lock()
        self._seen: Registry | None = None
        self._last = Health(ledger=False)

    def look(self, registry: Registry) -> Health:
        """How everything is, or was a moment ago."""
        with self._looking:
            if self._seen is not registry or time.monotonic() > self._last.at + REMEMBERED:
                self._seen, self._last = registry, self._look(registry)
            return self._last

    def failed(self, reason: str) -> Health:
        """The ledger cannot be read, so nothing is known."""
        self._alarms.begin("ledger", reason)
        return Health(ledger=False, problems=(self._sight.problem or f"ledger: {UNREADABLE}",))

    def _beside(self, registry: Registry) -> Iterable[str]:
        """What is wrong with everything at once."""
        if self._sight.problem is not None:
            yield self._alarmed("ledger", self._sight.problem)
        if registry.served:
            self._alarms.end("authorities")
        else:
            yield self._alarmed("authorities", NO_AUTHORITY)

    def _look(self, registry: Registry) -> Health:
        try:
            found = tuple(reread(lambda: [self._authority(served) for served in registry.served.values()]))
        except AnchorholdError as error:
            return self.failed(str(error))
        self._alarms.end("ledger")
        return Health(ledger=True, authorities=found, problems=tuple(self._beside(registry)))

    def _authority(self, served: Served) -> AuthorityHealth:
        authority = served.authority
        crls = self._shelf.dates(authority)
        crl = crls.get(None)
        return AuthorityHealth(
            name=authority.name,
            serial=authority.record.serial or "",
            problems=(
                *self._certificate_problems(authority),
                *self._responder_problems(served),
                *self._crl_problems(authority, crls),
            ),
            responder_expires=None if served.responder is None else served.responder.not_after,
            crl_made=None if crl is None else crl.this_update,
            crl_expires=None if crl is None else crl.next_update,
        )

    def _certificate_problems(self, authority: Authority) -> Iterable[str]:
        """Whether the clock is behind, or was ahead when the authority was made."""
        subject = f"authority {authority.name}"
        if is_ahead(authority.certificate.not_valid_before_utc, now()):
            yield self._alarmed(subject, "certificate: it is not valid yet")
        else:
            self._alarms.end(subject)

    def _responder_problems(self, served: Served) -> Iterable[str]:
        """What is wrong with a responder; the log says it in more words."""
        authority, responder = served.authority, served.responder
        subject = f"responder {authority.name}"
        if responder is None:
            if served.had_responder or authority.issuing.ocsp_urls:
                yield self._alarmed(subject, "OCSP responder: there is none")
            return
        if responder.problem is not None:
            yield self._alarmed(subject, f"OCSP responder: {responder.problem}")
            return
        late = self._keys.is_late(responder)
        if late or responder.failure is not None:
            text = LATE if late else str(responder.failure)
            self._alarms.begin(subject, f"authority {authority.name!r}, OCSP responder: {text}")
            yield f"OCSP responder: {LATE if late else 'its key cannot be used'}"
        elif responder.is_open:
            self._alarms.end(subject)
        else:
            yield "OCSP responder: its key has not been tried yet"

    def _crl_problems(self, authority: Authority, crls: Mapping[int | None, CrlDates]) -> Iterable[str]:
        """What is wrong with the full list, and with partial ones: each kind of trouble once, for there may be many."""
        found: dict[str, list[int | None]] = {}
        for shard in shards_of(authority):
            problem = _crl_problem(crls.get(shard), published=bool(authority.issuing.crl_urls))
            if problem is not None:
                found.setdefault(problem, []).append(shard)
        problems = [f"{_lists(shards)}: {problem}" for problem, shards in found.items()]
        if problems:
            self._alarms.begin(f"crl {authority.name}", "; ".join(problems))
        else:
            self._alarms.end(f"crl {authority.name}")
        return problems

    def _alarmed(self, subject: str, problem: str) -> str:
        self._alarms.begin(subject, problem)
        return problem


def _crl_problem(crl: CrlDates | None, *, published: bool) -> str | None:
    """What is wrong with the newest list of one kind; None if nothing is."""
    moment = now()
    if crl is None:
        return "there is none" if published else None
    if is_ahead(crl.this_update, moment):
        return "it is dated in the future"
    return "it has run out" if crl.next_update <= moment else None


def _lists(shards: Sequence[int | None]) -> str:
    """What to call those lists: ``CRL``, or ``CRL of shard 3 and 7 more``."""
    more = len(shards) - 1
    if shards[0] is None:
        return f"CRL and {more} partial" if more else "CRL"
    return f"CRL of shard {shards[0]}" + (f" and {more} more" if more else "")
