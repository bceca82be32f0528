"""Distinguished names (RFC 5280, section 4.1.2.4) from and to text."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from anchorhold.errors import InputError, SubjectInvalidError
from anchorhold.x509.dn_syntax import parse_comma_separated, parse_slash_separated
from anchorhold.x509.name_attributes import UTF8, attribute_flaw, string_type

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTRIBUTES: Final = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "UID": NameOID.USER_ID,
    "STREET": NameOID.STREET_ADDRESS,
    "SN": NameOID.SURNAME,
    "GN": NameOID.GIVEN_NAME,
    "title": NameOID.TITLE,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
}
"""Attribute types by their short names (RFC 4519, and as openssl writes them)."""

_SYNONYMS: Final = {
    "countryName": "C",
    "stateOrProvinceName": "ST",
    "S": "ST",
    "SP": "ST",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "commonName": "CN",
    "domainComponent": "DC",
    "userId": "UID",
    "streetAddress": "STREET",
    "surname": "SN",
    "givenName": "GN",
    "G": "GN",
    "T": "title",
    "E": "emailAddress",
    "EMAIL": "emailAddress",
}
"""What others write for them: long names, and those of Windows and Java."""

_BY_LOWER: Final = {
    **{name.lower(): oid for name, oid in ATTRIBUTES.items()},
    **{other.lower(): ATTRIBUTES[name] for other, name in _SYNONYMS.items()},
}
_SHORT_NAMES: Final = {oid: name for name, oid in ATTRIBUTES.items()}


def parse_subject(text: str) -> x509.Name:
    """Read a distinguished name.

    Args:
        text: RFC 4514 (``CN=example,O=Org,C=AT``, most specific first, as the standard has it) or openssl's form
            (``/C=AT/O=Org/CN=example``, in the order of the certificate). Several attributes of one RDN are joined
            by ``+``; the order is kept. Empty for an empty name. Types are read in any case, and by their common
            synonyms; blanks around signs, quoted values and ``#`` with BER in hex are read too.

    Raises:
        SubjectInvalidError: It cannot be read, or has a value that the attribute does not allow.
    """
    with _readable(text):
        written = parse_slash_separated(text) if text.startswith("/") else reversed(parse_comma_separated(text))
        rdns = [[(attribute_oid(kind), value) for kind, value in pairs] for pairs in written]
    for oid, value in (pair for pairs in rdns for pair in pairs):
        _check(oid, value)
    with _readable(text):
        return x509.Name([_rdn(pairs) for pairs in rdns])


@contextmanager
def _readable(text: str) -> Iterator[None]:
    try:
        yield
    except SubjectInvalidError as error:
        raise SubjectInvalidError(f"subject {text!r}: {error.problem}", hint=error.hint) from error
    except (ValueError, TypeError) as error:  # the latter of attributes that are no text
        raise SubjectInvalidError(
            f"subject {text!r}: cannot be read ({str(error).rstrip('.') or 'malformed'})",
            hint="write it like CN=example.com,O=Example,C=AT or /C=AT/O=Example/CN=example.com",
        ) from error


def parse_authority_subject(text: str) -> x509.Name:
    """Read the distinguished name of an authority, which must not be empty (RFC 5280, section 4.1.2.6).

    Raises:
        SubjectInvalidError, InputError: It cannot be read, or is empty.
    """
    name = parse_subject(text)
    if not name.rdns:
        raise InputError("subject: an authority needs one (RFC 5280, section 4.1.2.6)", hint="give for example CN=Name")
    return name


def certified(name: x509.Name) -> x509.Name:
    """A name from elsewhere as it can be in a certificate: the same, in string types that can hold it.

    Values keep their type where they can, for names of authorities are compared octet by octet; others, of types that
    RFC 5280 has for old names only (section 4.1.2.4), or that lack some of their letters, become UTF8String.

    Raises:
        SubjectInvalidError: With the attribute at fault: it is empty or too long, has control characters, which
            programs read differently, or letters that are not in the string type that it has to be of.
    """
    changed = False
    rdns = []
    for rdn in name.rdns:
        attributes = [_certified(attribute) for attribute in rdn]
        changed = changed or any(one is not other for one, other in zip(attributes, rdn, strict=True))
        rdns.append(x509.RelativeDistinguishedName(attributes))
    return x509.Name(rdns) if changed else name


def _certified(attribute: x509.NameAttribute[str | bytes]) -> x509.NameAttribute[str | bytes]:
    value, own = attribute.value, attribute._type  # noqa: SLF001
    _check(attribute.oid, value)
    if isinstance(value, bytes):
        return attribute
    wanted = string_type(attribute.oid, own, value)
    return attribute if own == wanted else x509.NameAttribute(attribute.oid, value, wanted, _validate=False)


def _check(oid: x509.ObjectIdentifier, value: object) -> None:
    flaw = attribute_flaw(oid, value)
    if flaw is not None:
        raise SubjectInvalidError(f"subject: {short_name(oid)} {flaw[0]}", hint=flaw[1])


def attribute_oid(kind: str) -> x509.ObjectIdentifier:
    """An attribute type, given by its short name or as dotted identifier.

    Raises:
        SubjectInvalidError: It is neither.
    """
    oid = _BY_LOWER.get(kind.strip().lower())
    if oid is not None:
        return oid
    if not re.fullmatch(r"\d+(\.\d+)+", kind.strip()):
        raise SubjectInvalidError(
            f"attribute {kind.strip()!r}: is not known", hint=f"use {', '.join(ATTRIBUTES)} or a dotted identifier"
        )
    try:
        return x509.ObjectIdentifier(kind.strip())
    except ValueError as error:
        raise SubjectInvalidError(
            f"attribute {kind.strip()!r}: is not an object identifier", hint="correct it"
        ) from error


def format_name(name: x509.Name) -> str:
    """The name in RFC 4514 form."""
    return name.rfc4514_string(_SHORT_NAMES)


def short_name(oid: x509.ObjectIdentifier) -> str:
    """The short name of an attribute type, or its dotted form."""
    return _SHORT_NAMES.get(oid, oid.dotted_string)


def _rdn(pairs: list[tuple[x509.ObjectIdentifier, str]]) -> x509.RelativeDistinguishedName:
    """Checked before; ``cryptography`` would count the octets of a common name, not its letters."""
    return x509.RelativeDistinguishedName(
        [x509.NameAttribute(oid, value, string_type(oid, UTF8, value), _validate=False) for oid, value in pairs]
    )
