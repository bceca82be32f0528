"""What was done in an installation, by whom and when: the events of the ledger, and each certificate it issued."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from anchorhold.ledger.audits import EVERYTHING, HistoryFilter
from anchorhold.ledger.records import ISSUED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from anchorhold.audit import AuditContext
    from anchorhold.ledger import CertificateRecord, Event
    from anchorhold.operations.authority import Authority
    from anchorhold.services.context import ServiceContext

_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """Something that was done.

    Attributes:
        at: When.
        kind: Such as ``authority-created`` or ``certificate-issued``.
        authority: Name of the authority.
        serial: Serial number of the certificate, in hex; None where it is about none.
        audit: Who acted; None where that was not recorded.
        detail: More, without secrets.
    """

    at: dt.datetime
    kind: str
    authority: str
    serial: str | None
    audit: AuditContext | None
    detail: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "at": self.at.isoformat(),
            "kind": self.kind,
            "authority": self.authority,
            "serial": self.serial,
            "actor": None if self.audit is None else self.audit.actor.to_json(),
            "correlation_id": None if self.audit is None else self.audit.correlation_id,
            "detail": dict(self.detail),
        }


class HistoryService:
    """The history of an installation.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def entries(
        self, authority: str | Authority | None = None, wanted: HistoryFilter = EVERYTHING
    ) -> Iterator[HistoryEntry]:
        """What was done, the newest first; read from the ledger in pages, so that the first entries come at once.

        Args:
            authority: To or by this authority only.
            wanted: Which entries.
        """
        if authority is not None:
            wanted = replace(wanted, authority_id=self._context.authority(authority).record.id)
        ledger = self._context.ledger
        names = {found.record.id: found.name for found in self._context.authorities()}
        events = self._pages(lambda before: ledger.events.history(wanted, before=before, limit=_PAGE))
        chosen = wanted.authority_id is not None or wanted.serial is not None
        older = self._pages(lambda before: ledger.events.history(wanted, before=before, limit=_PAGE, older=True))
        issued = self._pages(lambda before: ledger.certificates.history(wanted, before=before, limit=_PAGE))
        yield from heapq.merge(
            map(_of_event, events),
            map(_of_event, older if chosen else ()),
            (_of_certificate(found, names.get(found.authority_id, "")) for found in issued),
            key=lambda entry: entry.at,
            reverse=True,
        )

    def _pages(self, read: Callable[[int | None], Sequence[Any]]) -> Iterator[Any]:
        before: int | None = None
        while True:
            with self._context.ledger.translate_errors():
                page = read(before)
            yield from page
            if len(page) < _PAGE:
                return
            before = page[-1].id


def _of_event(event: Event) -> HistoryEntry:
    return HistoryEntry(
        at=event.at,
        kind=event.kind,
        authority=event.authority,
        serial=event.serial,
        audit=event.audit,
        detail={name: value for name, value in event.detail.items() if name != "serial"},
    )


def _of_certificate(record: CertificateRecord, authority: str) -> HistoryEntry:
    return HistoryEntry(
        at=record.issued_at or record.reserved_at,
        kind=ISSUED,
        authority=authority,
        serial=record.serial,
        audit=record.audit,
        detail={"profile": record.profile, "subject": record.subject, "names": list(record.names)},
    )
