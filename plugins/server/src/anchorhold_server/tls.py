"""Checks that a certificate and its key can be used for HTTPS, before a worker fails with them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import PublicKeyAlgorithmOID

from anchorhold.algorithms import KeySpec
from anchorhold.errors import InputError, KeyUnsupportedError
from anchorhold.public_keys import spec_of

if TYPE_CHECKING:
    from pathlib import Path

OFFERED: Final = (
    KeySpec(type="EC", curve="secp256r1"),
    KeySpec(type="EC", curve="secp384r1"),
    *(KeySpec(type="RSA", size=size) for size in (2048, 3072, 4096)),
    KeySpec(type="Ed25519"),
)
"""Kinds of keys that rustls takes as granian has built it; OpenSSL takes more."""


def check_tls(certificate: Path | None, key: Path | None) -> None:
    """Refuse what no worker could serve with.

    Args:
        certificate: With its chain, PEM.
        key: Its private key, PEM.

    Raises:
        InputError: One is missing, they do not belong together, or keys of that kind cannot be used.
    """
    if (certificate is None) != (key is None):
        raise InputError("TLS: takes a certificate and its key", hint="give both, or neither")
    if certificate is None or key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError as error:
        reason = error.strerror if not isinstance(error, ssl.SSLError) else "not a PEM certificate with its own key"
        raise InputError(
            f"TLS: {certificate} and {key} cannot be used ({reason})",
            hint="give a certificate with its chain, and its unencrypted private key",
        ) from error
    if not _is_offered(certificate):
        raise InputError(
            f"TLS: {key} cannot be used (keys of its kind are not offered for HTTPS)",
            hint="give an ECDSA key on P-256 or P-384, an RSA key of 2048, 3072 or 4096 bits, or an Ed25519 key",
        )


def _is_offered(certificate: Path) -> bool:
    """Whether the key of a certificate is of a kind with which a worker does not end as soon as it has started."""
    try:
        own = x509.load_pem_x509_certificate(certificate.read_bytes())
        return own.public_key_algorithm_oid != PublicKeyAlgorithmOID.RSASSA_PSS and spec_of(own.public_key()) in OFFERED
    except (KeyUnsupportedError, UnsupportedAlgorithm, ValueError):
        return False
