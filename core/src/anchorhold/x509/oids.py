"""Object identifiers of extensions and key purposes, by the names of RFC 5280."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from anchorhold.errors import ProfileRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

PURPOSES: Final = {
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "codeSigning": ExtendedKeyUsageOID.CODE_SIGNING,
    "emailProtection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "timeStamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "OCSPSigning": ExtendedKeyUsageOID.OCSP_SIGNING,
    "anyExtendedKeyUsage": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "smartcardLogon": ExtendedKeyUsageOID.SMARTCARD_LOGON,
}
"""Key purposes (RFC 5280, section 4.2.1.12)."""

EXTENSIONS: Final = {
    ExtensionOID.SUBJECT_KEY_IDENTIFIER: "subjectKeyIdentifier",
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER: "authorityKeyIdentifier",
    ExtensionOID.BASIC_CONSTRAINTS: "basicConstraints",
    ExtensionOID.KEY_USAGE: "keyUsage",
    ExtensionOID.EXTENDED_KEY_USAGE: "extendedKeyUsage",
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME: "subjectAltName",
    ExtensionOID.NAME_CONSTRAINTS: "nameConstraints",
    ExtensionOID.CERTIFICATE_POLICIES: "certificatePolicies",
    ExtensionOID.CRL_DISTRIBUTION_POINTS: "cRLDistributionPoints",
    ExtensionOID.AUTHORITY_INFORMATION_ACCESS: "authorityInfoAccess",
    ExtensionOID.OCSP_NO_CHECK: "ocsp-nocheck",
    ExtensionOID.TLS_FEATURE: "tlsfeature",
}
"""Names of extensions (RFC 5280, section 4.2; RFC 6960; RFC 7633)."""

_PURPOSE_NAMES: Final = {oid: name for name, oid in PURPOSES.items()}


def extension_name(oid: ObjectIdentifier) -> str:
    """The name of an extension, or its dotted identifier."""
    return EXTENSIONS.get(oid, oid.dotted_string)


def purpose_name(oid: ObjectIdentifier) -> str:
    """The name of a key purpose, or its dotted identifier."""
    return _PURPOSE_NAMES.get(oid, oid.dotted_string)


def purpose_oids(names: Iterable[str]) -> list[ObjectIdentifier]:
    """Key purposes by name or dotted identifier.

    Raises:
        ProfileRefusedError: One is unknown.
    """
    return [PURPOSES[name] if name in PURPOSES else _dotted(name) for name in names]


def _dotted(name: str) -> ObjectIdentifier:
    if not re.fullmatch(r"[0-2](\.\d+)+", name):
        raise ProfileRefusedError(
            f"extended key usage {name!r}: is not known",
            hint=f"use one of {', '.join(PURPOSES)} or a dotted identifier",
        )
    return ObjectIdentifier(name)
