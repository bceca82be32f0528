"""Which certificates of an authority have a status that OCSP tells, and whose status has changed, page by page.

Rows are read without their certificates: there may be millions of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANGES: Final = ("certificate-revoked", "certificate-released", "revocation-redated")
"""Kinds of events with which the status of a certificate changes; each is recorded while its authority is locked."""


class CertificateRow(NamedTuple):
    """What identifies a certificate of an authority.

    Attributes:
        id: Its row number.
        serial: Its serial number, hex.
        is_issued: Whether it was signed and recorded; else it is reserved.
        reserved_at: When it was reserved, seconds since 1970.
    """

    id: int
    serial: str
    is_issued: bool
    reserved_at: int


class Expired(NamedTuple):
    """A certificate that has expired.

    Attributes:
        id: Its row number.
        serial: Its serial number, hex.
        not_after: When it expired, seconds since 1970.
    """

    id: int
    serial: str
    not_after: int


class Change(NamedTuple):
    """A change of status.

    Attributes:
        id: Row number of its event.
        serial: Of the certificate, hex.
    """

    id: int
    serial: str


class CertificateStatuses:
    """Reads certificates and events.

    Args:
        certificate: The table of certificates.
        event: The table of events.
    """

    def __init__(self, certificate: Any, event: Any) -> None:
        self._certificate = certificate
        self._event = event

    def page(self, authority_id: int, *, after: int, valid_at: int, limit: int) -> list[CertificateRow]:
        """Certificates of an authority that are issued or reserved, in the order of reservation.

        Args:
            authority_id: Of which authority.
            after: Row number behind which to begin.
            valid_at: Those that expired before this moment (seconds since 1970) are left out.
            limit: Length of the page.
        """
        model = self._certificate
        query = self._of(authority_id).where((model.id > after) & (model.not_after >= valid_at))
        return self._rows(query.order_by(model.id).limit(limit))

    def of_serials(self, authority_id: int, serials: Sequence[str], *, valid_at: int) -> list[CertificateRow]:
        """The same of those with these serial numbers, in no order."""
        model = self._certificate
        query = self._of(authority_id).where(model.serial.in_(list(serials)) & (model.not_after >= valid_at))
        return self._rows(query)

    def expired(self, authority_id: int, *, since: int, until: int, after: int, limit: int) -> list[Expired]:
        """Issued certificates that expired between two moments, the first to expire first.

        Args:
            authority_id: Of which authority.
            since: Seconds since 1970.
            until: The same; those that expire then are not among them.
            after: Row number of the last one of the page before, which expired at `since`.
            limit: Length of the page.
        """
        model = self._certificate
        behind = (model.not_after > since) | ((model.not_after == since) & (model.id > after))
        of_authority = (model.authority == authority_id) & (model.status == "issued")
        query = model.select(model.id, model.serial, model.not_after).where(
            of_authority & (model.not_after >= since) & (model.not_after < until) & behind
        )
        return [Expired(*row) for row in query.order_by(model.not_after, model.id).limit(limit).tuples()]

    def changes(self, authority_id: int, *, after: int, limit: int) -> list[Change]:
        """Changes of status, the first first.

        Args:
            authority_id: Of which authority.
            after: Row number of the event behind which to begin.
            limit: Length of the page.
        """
        event = self._event
        query = self._changes(authority_id, event.id, event.serial).where(event.id > after)
        return [Change(*row) for row in query.order_by(event.id).limit(limit).tuples()]

    def last_change(self, authority_id: int) -> Change:
        """The last change of status; row number 0 if there is none."""
        event = self._event
        row = self._changes(authority_id, event.id, event.serial).order_by(event.id.desc()).limit(1).tuples().first()
        return Change(0, "") if row is None else Change(*row)

    def has_change(self, authority_id: int, change: Change) -> bool:
        """Whether that change is in this ledger: another one, or an older copy, has something else in its place."""
        event = self._event
        same = (event.id == change.id) & (event.serial == change.serial)
        return change.id == 0 or bool(self._changes(authority_id, event.id).where(same).exists())

    def _of(self, authority_id: int) -> Any:
        model = self._certificate
        query = model.select(model.id, model.serial, model.status, model.reserved_at)
        return query.where((model.authority == authority_id) & model.status.in_(("issued", "reserved")))

    def _rows(self, query: Any) -> list[CertificateRow]:
        return [CertificateRow(row, serial, status == "issued", at) for row, serial, status, at in query.tuples()]

    def _changes(self, authority_id: int, *columns: Any) -> Any:
        event = self._event
        return event.select(*columns).where((event.authority_id == authority_id) & event.kind.in_(CHANGES))
