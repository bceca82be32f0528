"""Distinguished names (RFC 5280, section 4.1.2.4): from and to text, and what is in their attributes (appendix A.1)."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography import x509
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from anchorhold.errors import InputError, SubjectInvalidError
from anchorhold.x509.dn_syntax import parse_comma_separated, parse_slash_separated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

UTF8: Final = _ASN1Type.UTF8String
PRINTABLE: Final = _ASN1Type.PrintableString
IA5: Final = _ASN1Type.IA5String
NUMERIC: Final = _ASN1Type.NumericString

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, ends of lines, what turns the direction of text, and halves of letters (octets that were no UTF-8)."""
_FITS: Final[dict[_ASN1Type, Callable[[str], bool]]] = {
    PRINTABLE: lambda value: re.fullmatch(r"[A-Za-z0-9 '()+,./:=?-]*", value) is not None,
    IA5: str.isascii,
    NUMERIC: lambda value: re.fullmatch(r"[0-9 ]*", value) is not None,
    UTF8: lambda _: True,
    _ASN1Type.BMPString: lambda value: all(letter <= "\uffff" for letter in value),
    _ASN1Type.UniversalString: lambda _: True,
}
"""String types that are written, each with whether it can hold a value."""
_HINTS: Final = {
    PRINTABLE: "use A to Z, a to z, 0 to 9, blanks and '()+,-./:=? only",
    IA5: "use ASCII only, and write internationalised domains in their xn-- form",
    NUMERIC: "use digits only",
}
_DIRECTORY: Final = frozenset({UTF8, PRINTABLE, _ASN1Type.BMPString, _ASN1Type.UniversalString})
"""The alternatives of DirectoryString that are still written (RFC 5280, section 4.1.2.4)."""


class AttributeRule(NamedTuple):
    """What an attribute may hold.

    Attributes:
        kind: The string type that it has to be of; None for a DirectoryString.
        max_length: Its upper bound, in letters; None for none.
        min_length: Its lower bound.
    """

    kind: _ASN1Type | None = None
    max_length: int | None = None
    min_length: int = 1


_FREE: Final = AttributeRule()
_COUNTRY: Final = AttributeRule(PRINTABLE, 2, 2)
_X520: Final = {
    3: AttributeRule(None, 64),  # commonName
    4: AttributeRule(None, 32768),  # surname, ub-name
    5: AttributeRule(PRINTABLE, 64),  # serialNumber
    6: _COUNTRY,
    7: AttributeRule(None, 128),  # localityName
    8: AttributeRule(None, 128),  # stateOrProvinceName
    9: AttributeRule(None, 128),  # streetAddress
    10: AttributeRule(None, 64),  # organizationName
    11: AttributeRule(None, 64),  # organizationalUnitName
    12: AttributeRule(None, 64),  # title
    13: AttributeRule(None, 1024),  # description
    15: AttributeRule(None, 128),  # businessCategory
    17: AttributeRule(None, 40),  # postalCode
    18: AttributeRule(None, 40),  # postOfficeBox
    19: AttributeRule(None, 128),  # physicalDeliveryOfficeName
    20: AttributeRule(PRINTABLE, 32),  # telephoneNumber
    24: AttributeRule(NUMERIC, 15),  # x121Address
    25: AttributeRule(NUMERIC, 16),  # internationalISDNNumber
    27: AttributeRule(PRINTABLE, 128),  # destinationIndicator
    41: AttributeRule(None, 32768),  # name
    42: AttributeRule(None, 32768),  # givenName
    43: AttributeRule(None, 32768),  # initials
    44: AttributeRule(None, 32768),  # generationQualifier
    46: AttributeRule(PRINTABLE),  # dnQualifier
    65: AttributeRule(None, 128),  # pseudonym
}
"""By the last arc of their identifiers (X.520; bounds of RFC 5280, appendix A.1, where it has them)."""
_DIRECTORY_SERVICES: Final = {
    1: AttributeRule(None, 256),  # userId
    3: AttributeRule(IA5, 256),  # mail
    25: AttributeRule(IA5),  # domainComponent
    37: AttributeRule(IA5),  # associatedDomain
}
"""The same of RFC 4519 and RFC 4524."""
RULES: Final[dict[ObjectIdentifier, AttributeRule]] = {
    **{ObjectIdentifier(f"2.5.4.{arc}"): rule for arc, rule in _X520.items()},
    **{ObjectIdentifier(f"0.9.2342.19200300.100.1.{arc}"): rule for arc, rule in _DIRECTORY_SERVICES.items()},
    NameOID.EMAIL_ADDRESS: AttributeRule(IA5, 255),
    NameOID.UNSTRUCTURED_NAME: AttributeRule(None, 255),  # RFC 2985, section 5.4.5
    ObjectIdentifier("1.2.840.113549.1.9.8"): AttributeRule(None, 255),  # unstructuredAddress
    NameOID.JURISDICTION_COUNTRY_NAME: _COUNTRY,
    NameOID.JURISDICTION_LOCALITY_NAME: AttributeRule(None, 128),
    NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME: AttributeRule(None, 128),
    ObjectIdentifier("1.3.6.1.5.5.7.9.3"): AttributeRule(PRINTABLE, 1),  # gender (RFC 3739, section 3.2.2)
    ObjectIdentifier("1.3.6.1.5.5.7.9.4"): _COUNTRY,  # countryOfCitizenship
    ObjectIdentifier("1.3.6.1.5.5.7.9.5"): _COUNTRY,  # countryOfResidence
    NameOID.INN: AttributeRule(NUMERIC, 12),
    NameOID.OGRN: AttributeRule(NUMERIC, 13),
    NameOID.SNILS: AttributeRule(NUMERIC, 11),
}
"""Attributes that are bound to a string type or a length; all others may be any text."""
_NO_TEXT: Final = frozenset(ObjectIdentifier(f"2.5.4.{arc}") for arc in (31, 32, 33, 34, 35, 36, 45))
"""Names, passwords, certificates and bits, which no text can stand for."""
_NUMBERS: Final = {2: "two"}


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
    rdns = [[_certified(attribute) for attribute in rdn] for rdn in name.rdns]
    pairs = (pair for made, rdn in zip(rdns, name.rdns, strict=True) for pair in zip(made, rdn, strict=True))
    if all(one is other for one, other in pairs):  # those that are equal may differ in their string type
        return name
    return x509.Name([x509.RelativeDistinguishedName(attributes) for attributes in rdns])


def _certified(attribute: x509.NameAttribute[str | bytes]) -> x509.NameAttribute[str | bytes]:
    value, own = attribute.value, attribute._type  # noqa: SLF001
    _check(attribute.oid, value)
    if isinstance(value, bytes):
        return attribute
    wanted = _string_type(attribute.oid, own, value)
    return attribute if own == wanted else x509.NameAttribute(attribute.oid, value, wanted, _validate=False)


def _check(oid: ObjectIdentifier, value: object) -> None:
    flaw = _attribute_flaw(oid, value)
    if flaw is not None:
        raise SubjectInvalidError(f"subject: {short_name(oid)} {flaw[0]}", hint=flaw[1])


def _string_type(oid: ObjectIdentifier, own: _ASN1Type, value: str) -> _ASN1Type:
    """The string type in which a value is written.

    Args:
        oid: The attribute.
        own: In which it came; kept where it may be, for names of authorities are compared octet by octet.
        value: The value.
    """
    wanted = RULES.get(oid, _FREE).kind
    if wanted is not None:
        return wanted
    return own if own in _DIRECTORY and _FITS[own](value) else UTF8


def _attribute_flaw(oid: ObjectIdentifier, value: object) -> tuple[str, str] | None:
    """What is wrong with the value of an attribute, in words behind its name, and what to do; None if nothing is."""
    if (oid in _NO_TEXT) == isinstance(value, str) or not isinstance(value, str | bytes):
        return "has the wrong type", "leave it out"
    if isinstance(value, bytes):
        return None if oid == NameOID.X500_UNIQUE_IDENTIFIER else ("is not text", "leave it out")
    if not value.strip() or _UNSEEN.search(value):
        return "is empty or has a control character", "correct the value"
    kind, most, least = RULES.get(oid, _FREE)
    if most == least and len(value) != most and most > 1:
        return f"is {value!r}, not {_NUMBERS[most]} letters", "give the code of ISO 3166"
    if most is not None and len(value) > most:
        return f"has {len(value)} characters, more than {most} (RFC 5280, appendix A.1)", "give a shorter value"
    if kind is not None and not _FITS[kind](value):
        return f"has characters that are not allowed there: {value!r}", _HINTS[kind]
    return None


def attribute_oid(kind: str) -> ObjectIdentifier:
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
        return ObjectIdentifier(kind.strip())
    except ValueError as error:
        raise SubjectInvalidError(
            f"attribute {kind.strip()!r}: is not an object identifier", hint="correct it"
        ) from error


def format_name(name: x509.Name) -> str:
    """The name in RFC 4514 form."""
    return name.rfc4514_string(_SHORT_NAMES)


def short_name(oid: ObjectIdentifier) -> str:
    """The short name of an attribute type, or its dotted form."""
    return _SHORT_NAMES.get(oid, oid.dotted_string)


def _rdn(pairs: list[tuple[ObjectIdentifier, str]]) -> x509.RelativeDistinguishedName:
    """Checked before; ``cryptography`` would count the octets of a common name, not its letters."""
    return x509.RelativeDistinguishedName(
        [x509.NameAttribute(oid, value, _string_type(oid, UTF8, value), _validate=False) for oid, value in pairs]
    )
