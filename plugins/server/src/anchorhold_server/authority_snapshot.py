"""The authorities of one revision of the ledger, and the responders that answer for them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anchorhold.x509.ocsp import issuer_hashes
from anchorhold.x509.validity import CLOCK_TOLERANCE, now
from anchorhold_server.responders import Responder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.x509.ocsp_requests import CertID
    from anchorhold_server.ledger_reader import LedgerReader
    from anchorhold_server.metrics import Metrics


@dataclass(frozen=True, slots=True)
class ServedAuthority:
    """An authority whose status information is served.

    Attributes:
        authority: With a certificate that has not expired.
        responder: Its responder; None if there is none.
        had_responder: Whether there ever was one.
    """

    authority: Authority
    responder: Responder | None
    had_responder: bool


@dataclass(frozen=True, slots=True)
class AuthoritySnapshot:
    """All authorities that are served in one revision.

    Attributes:
        revision: Of the ledger when it was taken, or one before.
        served: By the serial numbers of the authorities' own certificates, in hex.
        by_issuer: By hash algorithm, hash of the name and hash of the key; an authority that was imported twice by an
            older release is there twice.
        taken: When, seconds since 1970.
    """

    revision: int
    served: Mapping[str, ServedAuthority]
    by_issuer: Mapping[tuple[str, bytes, bytes], tuple[ServedAuthority, ...]]
    taken: float = field(default_factory=time.time)

    def is_ahead(self) -> bool:
        """Whether the clock was ahead when it was taken, so that authorities may be missing that have not expired."""
        return time.time() < self.taken - CLOCK_TOLERANCE.total_seconds()

    def issuers_of(self, cert_id: CertID) -> tuple[ServedAuthority, ...]:
        """The authorities that may have issued a certificate; empty if it is of another issuer."""
        return self.by_issuer.get((cert_id.hash_algorithm, cert_id.issuer_name_hash, cert_id.issuer_key_hash), ())

    def responders(self) -> set[Responder]:
        """All responders."""
        return {served.responder for served in self.served.values() if served.responder is not None}

    def responder_out_of_order(self) -> Responder | None:
        """A responder with a key that this process cannot open any more."""
        return next((responder for responder in self.responders() if responder.is_out_of_order), None)


def take_snapshot(reader: LedgerReader, metrics: Metrics, before: AuthoritySnapshot) -> AuthoritySnapshot:
    """Read the authorities and their responders, with as many statements for a thousand as for one.

    Args:
        reader: Reads the ledger.
        metrics: For responders.
        before: The snapshot before; authorities and responders that are unchanged are taken over, these with their
            keys.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    revision = reader.revision()
    authorities, responders = _unchanged(reader.authorities(), before), reader.responders()
    known = {responder.record.id: responder for responder in before.responders()}
    served = [
        _served(reader, metrics, authority, responders.get(authority.record.id, ()), known)
        for authority in authorities
        if authority.record.certificate is not None
        and authority.certificate.not_valid_after_utc > now()
        and not authority.is_idle
    ]
    by_issuer: dict[tuple[str, bytes, bytes], tuple[ServedAuthority, ...]] = {}
    for one in served:
        for name in issuer_hashes(one.authority.certificate):
            by_issuer[name] = (*by_issuer.get(name, ()), one)
    return AuthoritySnapshot(revision, {one.authority.record.serial or "": one for one in served}, by_issuer)


def _unchanged(authorities: Iterable[Authority], before: AuthoritySnapshot) -> Iterator[Authority]:
    """The authorities; one that is as it was in the snapshot before is that one, whose certificate was parsed."""
    for authority in authorities:
        known = before.served.get(authority.record.serial or "")
        yield known.authority if known is not None and known.authority.record == authority.record else authority


def _served(
    reader: LedgerReader,
    metrics: Metrics,
    authority: Authority,
    records: Sequence[ResponderRecord],
    known: Mapping[int, Responder],
) -> ServedAuthority:
    active = next((record for record in reversed(records) if record.status == "active"), None)
    if active is None or active.certificate is None:
        return ServedAuthority(authority, None, had_responder=bool(records))
    kept = known.get(active.id)
    if kept is not None and kept.authority.record == authority.record:
        return ServedAuthority(authority, kept, had_responder=True)
    return ServedAuthority(authority, Responder(reader, authority, active, metrics), had_responder=True)
