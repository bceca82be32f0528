"""The request that all sides sign again and again. Needs cryptography alone."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding


def request() -> bytes:
    """A request for a new EC P-256 key that asks for nothing else, PEM."""
    holder = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(holder, hashes.SHA256()).public_bytes(Encoding.PEM)
