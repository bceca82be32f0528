"""A ledger with many authorities, each with a responder, a CRL and certificates, and requests for some of these."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from anchorhold.installation import open_installation
from anchorhold.x509.ocsp import issuer_hashes
from bench.copies import add_copies
from bench.ocsp.house import House, make_house

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.operations.authority import Authority

ASKED = 2
"""Certificates of each authority that are asked for."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Our side.

    Attributes:
        house: Its first authority.
        requests: OCSP requests in DER, one authority after the other.
    """

    house: House
    requests: tuple[bytes, ...]


def make_crowd(folder: Path, authorities: int, certificates: int) -> Crowd:
    """So many authorities, and as many certificates in all, which are the same number for each."""
    house, requests = make_house(folder), list[list[bytes]]()
    der, each = house.leaf.public_bytes(Encoding.DER), certificates // authorities
    with open_installation(environment=house.environment) as installation:
        for number in range(1, authorities):
            authority = installation.authorities.create(f"authority {number}", f"CN=Authority {number}")
            installation.responders.renew(authority)
            list(installation.crls.generate(authority))
        for authority in installation.authorities.list():
            serials = add_copies(installation.ledger, authority.record.id, der, each)
            requests.append([_request(authority, serial) for serial in serials[:ASKED]])
    return Crowd(house, tuple(chain.from_iterable(zip(*requests, strict=True))))


def _request(authority: Authority, serial: str) -> bytes:
    _, name, key = next(found for found in issuer_hashes(authority.certificate) if found[0] == "sha1")
    builder = ocsp.OCSPRequestBuilder()
    asking = builder.add_certificate_by_hash(name, key, int(serial, 16), hashes.SHA1())  # noqa: S303  # as most clients
    return asking.build().public_bytes(Encoding.DER)
