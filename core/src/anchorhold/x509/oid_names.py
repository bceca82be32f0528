"""Names of object identifiers as ``cryptography`` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.x509.known_oids import EXTENSIONS, POLICIES, PURPOSES

if TYPE_CHECKING:
    from cryptography.x509 import ObjectIdentifier

_EXTENSION_NAMES: Final = {identifier: name for name, identifier in EXTENSIONS.items()}
_PURPOSE_NAMES: Final = {identifier: name for name, identifier in PURPOSES.items()}
_POLICY_NAMES: Final = {identifier: name for name, identifier in POLICIES.items()}


def extension_name(oid: ObjectIdentifier) -> str:
    """The name of an extension, or its dotted identifier."""
    return _EXTENSION_NAMES.get(oid.dotted_string, oid.dotted_string)


def purpose_name(oid: ObjectIdentifier) -> str:
    """The name of a key purpose, or its dotted identifier."""
    return _PURPOSE_NAMES.get(oid.dotted_string, oid.dotted_string)


def policy_name(oid: ObjectIdentifier) -> str:
    """The name of a certificate policy, or its dotted identifier."""
    return _POLICY_NAMES.get(oid.dotted_string, oid.dotted_string)
