"""The authority that our server answers for, and requests for one of its certificates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from anchorhold import Order
from anchorhold.installation import open_installation

if TYPE_CHECKING:
    from pathlib import Path

NONCE = bytes(32)


@dataclass(frozen=True, slots=True)
class House:
    """Our side.

    Attributes:
        environment: Variables that lead the command to it.
        issuer: Certificate of the authority.
        leaf: Certificate that is asked for.
    """

    environment: dict[str, str]
    issuer: x509.Certificate
    leaf: x509.Certificate


def make_house(folder: Path, settings: dict[str, str] | None = None) -> House:
    """An authority with a P-256 key, a responder with another one, and a certificate.

    Args:
        folder: For the ledger.
        settings: Variables that lead to settings; by default there are none, and the keys are in files.
    """
    environment = {"ANCHORHOLD_CA_DIR": str(folder / "ca"), "HOME": str(folder), **(settings or {})}
    with open_installation(environment=environment) as installation:
        authority = installation.authorities.create("root", "CN=Root")
        installation.responders.renew(authority)
        list(installation.crls.generate(authority))
        csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        request = csr.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        with installation.certificates.issuer(authority) as issuer:
            leaf = issuer.sign(Order(csr=request, names=["www.example.com"])).certificate
        return House(environment, authority.certificate, leaf)


def requests_for(leaf: x509.Certificate, issuer: x509.Certificate, folder: Path) -> tuple[Path, Path]:
    """Requests for a certificate: without a nonce, and with one."""
    plain = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1())  # noqa: S303  # as most clients
    without, with_nonce = folder / "plain.der", folder / "nonce.der"
    without.write_bytes(plain.build().public_bytes(Encoding.DER))
    nonce = plain.add_extension(x509.OCSPNonce(NONCE), critical=False)
    with_nonce.write_bytes(nonce.build().public_bytes(Encoding.DER))
    return without, with_nonce
