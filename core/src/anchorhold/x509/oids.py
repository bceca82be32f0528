"""Object identifiers of extensions and key purposes, and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import ExtensionOID

from anchorhold.x509.purposes import PURPOSES, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

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

_PURPOSE_NAMES: Final = {identifier: name for name, identifier in PURPOSES.items()}


def extension_name(oid: ObjectIdentifier) -> str:
    """The name of an extension, or its dotted identifier."""
    return EXTENSIONS.get(oid, oid.dotted_string)


def purpose_name(oid: ObjectIdentifier) -> str:
    """The name of a key purpose, or its dotted identifier."""
    return _PURPOSE_NAMES.get(oid.dotted_string, oid.dotted_string)


def purpose_oids(names: Iterable[str]) -> list[ObjectIdentifier]:
    """Key purposes by name or dotted identifier, as the settings have checked them."""
    return [ObjectIdentifier(dotted(name)) for name in names]
