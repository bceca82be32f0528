"""Distinguished names (RFC 5280, section 4.1.2.4) from and to text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from anchorhold.errors import InputError, SubjectInvalidError
from anchorhold.x509.written_names import read_commas, read_slashes

if TYPE_CHECKING:
    from collections.abc import Callable

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

UTF8_STRING: Final = _ASN1Type.UTF8String
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, ends of lines, what turns the direction of text, and halves of letters (octets that were no UTF-8)."""
_PRINTABLE: Final = re.compile(r"[A-Za-z0-9 '()+,./:=?-]*")
_STRING_TYPES: Final = {
    NameOID.COUNTRY_NAME: _ASN1Type.PrintableString,
    NameOID.JURISDICTION_COUNTRY_NAME: _ASN1Type.PrintableString,
    NameOID.SERIAL_NUMBER: _ASN1Type.PrintableString,
    NameOID.DN_QUALIFIER: _ASN1Type.PrintableString,
    NameOID.DOMAIN_COMPONENT: _ASN1Type.IA5String,
    NameOID.EMAIL_ADDRESS: _ASN1Type.IA5String,
}
"""Attributes that must be of one string type (RFC 5280, appendix A.1); all others may be UTF8String."""
_COUNTRIES: Final = frozenset({NameOID.COUNTRY_NAME, NameOID.JURISDICTION_COUNTRY_NAME})
_COUNTRY_LETTERS: Final = 2
_LETTERS: Final[dict[_ASN1Type, Callable[[str], bool]]] = {
    _ASN1Type.PrintableString: lambda value: _PRINTABLE.fullmatch(value) is not None,
    _ASN1Type.IA5String: str.isascii,
    UTF8_STRING: lambda _: True,
    _ASN1Type.BMPString: lambda value: all(letter <= "\uffff" for letter in value),
    _ASN1Type.UniversalString: lambda _: True,
}
"""String types that are written, each with whether it can hold a value."""
_HINTS: Final = {
    _ASN1Type.PrintableString: "use A to Z, a to z, 0 to 9, blanks and '()+,-./:=? only",
    _ASN1Type.IA5String: "use ASCII only, and write internationalised domains in their xn-- form",
}

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
    try:
        written = read_slashes(text) if text.startswith("/") else reversed(read_commas(text))
        name = x509.Name([_rdn(pairs) for pairs in written])
    except SubjectInvalidError as error:
        raise SubjectInvalidError(f"subject {text!r}: {error.problem}", hint=error.hint) from error
    except (ValueError, TypeError) as error:  # the latter of attributes that are no text
        raise SubjectInvalidError(
            f"subject {text!r}: cannot be read ({str(error).rstrip('.') or 'malformed'})",
            hint="write it like CN=example.com,O=Example,C=AT or /C=AT/O=Example/CN=example.com",
        ) from error
    check_subject(name)
    return typed(name)


def parse_authority_subject(text: str) -> x509.Name:
    """Read the distinguished name of an authority, which must not be empty (RFC 5280, section 4.1.2.6).

    Raises:
        SubjectInvalidError, InputError: It cannot be read, or is empty.
    """
    name = parse_subject(text)
    if not name.rdns:
        raise InputError(
            "subject: an authority needs one (RFC 5280, section 4.1.2.6)", hint="give for instance CN=Name"
        )
    return name


def check_subject(name: x509.Name) -> None:
    """Refuse a name with control characters or empty values, which programs read differently.

    Raises:
        SubjectInvalidError: With the attribute at fault.
    """
    for attribute in name:
        value = attribute.value
        if isinstance(value, str) and (not value.strip() or _UNSEEN.search(value)):
            raise SubjectInvalidError(
                f"subject: {short_name(attribute.oid)} is empty or has a control character", hint="correct the value"
            )


def typed(name: x509.Name) -> x509.Name:
    """The same name, each value of a string type that can hold it and that its attribute may have.

    Values from requests keep their type where they can, for names of authorities are compared octet by octet; others,
    of types that RFC 5280 has for old names only (section 4.1.2.4), or that lack some of their letters, become
    UTF8String.

    Raises:
        SubjectInvalidError: An attribute that has to be IA5String or PrintableString has letters that these lack.
    """
    changed = False
    rdns = []
    for rdn in name.rdns:
        attributes = [_typed(attribute) for attribute in rdn]
        changed = changed or any(one is not other for one, other in zip(attributes, rdn, strict=True))
        rdns.append(x509.RelativeDistinguishedName(attributes))
    return x509.Name(rdns) if changed else name


def _typed(attribute: x509.NameAttribute[str | bytes]) -> x509.NameAttribute[str | bytes]:
    value, own = attribute.value, attribute._type  # noqa: SLF001
    wanted = _STRING_TYPES.get(attribute.oid)
    if attribute.oid == NameOID.X500_UNIQUE_IDENTIFIER and isinstance(value, bytes):
        return attribute
    if attribute.oid == NameOID.X500_UNIQUE_IDENTIFIER or isinstance(value, bytes):
        raise SubjectInvalidError(
            f"subject: {short_name(attribute.oid)} is not of the type that it has to be", hint="leave it out"
        )
    if attribute.oid in _COUNTRIES and len(value) != _COUNTRY_LETTERS:
        raise SubjectInvalidError(
            f"subject: {short_name(attribute.oid)} is {value!r}, not two letters", hint="give the code of ISO 3166"
        )
    if wanted is None:
        fits = _LETTERS.get(own)
        if fits is not None and fits(value):
            return attribute
        return x509.NameAttribute(attribute.oid, value, UTF8_STRING, _validate=False)
    if not _LETTERS[wanted](value):
        raise SubjectInvalidError(
            f"subject: {short_name(attribute.oid)} has letters that a certificate cannot have there: {value!r}",
            hint=_HINTS[wanted],
        )
    return attribute if own == wanted else x509.NameAttribute(attribute.oid, value, wanted, _validate=False)


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


def _rdn(pairs: list[tuple[str, str]]) -> x509.RelativeDistinguishedName:
    return x509.RelativeDistinguishedName([x509.NameAttribute(attribute_oid(kind), value) for kind, value in pairs])
