"""Object identifiers by name; those that have one are known without ``cryptography``, for settings are read often."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PURPOSES: Final = {
    "serverAuth": "1.3.6.1.5.5.7.3.1",
    "clientAuth": "1.3.6.1.5.5.7.3.2",
    "codeSigning": "1.3.6.1.5.5.7.3.3",
    "emailProtection": "1.3.6.1.5.5.7.3.4",
    "timeStamping": "1.3.6.1.5.5.7.3.8",
    "OCSPSigning": "1.3.6.1.5.5.7.3.9",
    "anyExtendedKeyUsage": "2.5.29.37.0",
    "smartcardLogon": "1.3.6.1.4.1.311.20.2.2",
}
"""Key purposes (RFC 5280, section 4.2.1.12)."""

POLICIES: Final = {"anyPolicy": "2.5.29.32.0"}
"""Certificate policies that have a name (RFC 5280, section 4.2.1.4)."""

EXTENSIONS: Final = {
    "subjectKeyIdentifier": "2.5.29.14",
    "authorityKeyIdentifier": "2.5.29.35",
    "basicConstraints": "2.5.29.19",
    "keyUsage": "2.5.29.15",
    "extendedKeyUsage": "2.5.29.37",
    "subjectAltName": "2.5.29.17",
    "issuerAltName": "2.5.29.18",
    "nameConstraints": "2.5.29.30",
    "certificatePolicies": "2.5.29.32",
    "cRLDistributionPoints": "2.5.29.31",
    "authorityInfoAccess": "1.3.6.1.5.5.7.1.1",
    "ocsp-nocheck": "1.3.6.1.5.5.7.48.1.5",
    "tlsfeature": "1.3.6.1.5.5.7.1.24",
}
"""Extensions that profiles and authorities have settings for (RFC 5280, section 4.2; RFC 6960; RFC 7633)."""

USAGE_FIELDS: Final = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
}
"""Bits of the key usage extension (RFC 5280, section 4.2.1.3) and the fields ``cryptography`` has for them."""


def dotted(name: str, known: Mapping[str, str], what: str) -> str:
    """An object identifier, given by name or as it is.

    Args:
        name: Either.
        known: Names and their identifiers.
        what: What it should be, for the message, such as ``a key purpose``.

    Raises:
        ValueError: It is neither, or longer than certificates are read with.
    """
    if name in known:
        return known[name]
    if not re.fullmatch(r"([01]\.([1-3]?\d)|2\.(0|[1-9]\d*))(\.(0|[1-9]\d*))+", name):
        names = f"one of {', '.join(known)} or " if known else ""
        raise ValueError(f"{name!r} is not {what}, use {names}a dotted identifier")
    _check_size(name)
    return name


def _check_size(identifier: str) -> None:
    from cryptography.x509 import ObjectIdentifier

    try:
        ObjectIdentifier(identifier)
    except ValueError:
        raise ValueError(f"{identifier!r} is longer than an identifier can be") from None
