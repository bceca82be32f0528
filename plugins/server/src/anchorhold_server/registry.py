"""Who answers for whom: a picture of the ledger's authorities and responders, taken anew with each epoch."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from hashlib import new as new_hash
from typing import TYPE_CHECKING

from anchorhold.x509.certificates import key_bits, public_key_info, subject_octets
from anchorhold.x509.validity import AHEAD, now
from anchorhold_server.encoding import HASHES
from anchorhold_server.responders import Responder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorhold.installation import Installation
    from anchorhold.issuing.authority import Authority
    from anchorhold_server.metrics import Metrics
    from anchorhold_server.queries import CertificateId


@dataclass(frozen=True, slots=True)
class Served:
    """An authority that is answered for.

    Attributes:
        authority: With a certificate that has not expired.
        responder: The one that answers; None if there is none.
        had_responder: Whether there ever was one.
    """

    authority: Authority
    responder: Responder | None
    had_responder: bool


@dataclass(frozen=True, slots=True)
class Registry:
    """The picture.

    Attributes:
        epoch: Of the ledger when it was taken, or one before.
        served: By the serial numbers of the authorities' own certificates, in hex.
        by_issuer: By hash algorithm, hash of the name and hash of the key; an authority that was imported twice by an
            older release is there twice.
        taken: When, seconds since 1970.
    """

    epoch: int
    served: Mapping[str, Served]
    by_issuer: Mapping[tuple[str, bytes, bytes], tuple[Served, ...]]
    taken: float = field(default_factory=time.time)

    def is_ahead(self) -> bool:
        """Whether the clock was ahead when it was taken, so that authorities may be missing that have not expired."""
        return time.time() < self.taken - AHEAD.total_seconds()

    def issuers_of(self, certificate: CertificateId) -> tuple[Served, ...]:
        """Who may have issued the certificate that a request names; empty if nobody here."""
        return self.by_issuer.get((certificate.hash, certificate.issuer_name, certificate.issuer_key), ())

    def responders(self) -> set[Responder]:
        """All that answer."""
        return {served.responder for served in self.served.values() if served.responder is not None}


EMPTY = Registry(-1, {}, {}, 0.0)


def take_registry(installation: Installation, metrics: Metrics, before: Registry = EMPTY) -> Registry:
    """Read the ledger.

    Args:
        installation: With the ledger.
        metrics: For responders.
        before: The picture before; responders that go on are taken over with their keys.

    Raises:
        LedgerError: It cannot be read.
    """
    epoch = installation.ledger.epoch()
    known = {responder.record.id: responder for responder in before.responders()}
    served = [
        _served(installation, metrics, authority, known)
        for authority in installation.authorities.list()
        if authority.record.certificate is not None
        and authority.certificate.not_valid_after_utc > now()
        and not authority.is_idle
    ]
    by_issuer: dict[tuple[str, bytes, bytes], tuple[Served, ...]] = {}
    for one in served:
        for name in _issuer_names(one.authority):
            by_issuer[name] = (*by_issuer.get(name, ()), one)
    return Registry(epoch, {one.authority.record.serial or "": one for one in served}, by_issuer)


def _served(
    installation: Installation, metrics: Metrics, authority: Authority, known: Mapping[int, Responder]
) -> Served:
    ledger = installation.ledger
    with ledger.guarded():
        all_of_it = ledger.responders.of(authority.record.id)
    active = next((record for record in reversed(all_of_it) if record.status == "active"), None)
    if active is None or active.certificate is None:
        return Served(authority, None, had_responder=bool(all_of_it))
    kept = known.get(active.id)
    if kept is not None and kept.authority.record == authority.record:
        return Served(authority, kept, had_responder=True)
    return Served(authority, Responder(installation, authority, active, metrics), had_responder=True)


def _issuer_names(authority: Authority) -> Iterable[tuple[str, bytes, bytes]]:
    """For each hash algorithm the hashes of the name and of the key's bits (RFC 6960, section 4.1.1)."""
    certificate = authority.certificate  # its octets, for others hash these
    name, key = subject_octets(certificate), key_bits(public_key_info(certificate))
    for algorithm in HASHES:
        yield algorithm, _digest(algorithm, name), _digest(algorithm, key)


def _digest(algorithm: str, data: bytes) -> bytes:
    return new_hash(algorithm, data, usedforsecurity=False).digest()
