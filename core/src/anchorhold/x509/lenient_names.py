"""Distinguished names as old and careless programs encode them, as ``cryptography`` has names."""

from __future__ import annotations

from typing import Final

from cryptography import x509

from anchorhold.x509.ber import CONSTRUCTED, OBJECT_IDENTIFIER, SEQUENCE, SET, BerError, Value, sequence
from anchorhold.x509.der import tlv

_LATIN: Final = "latin-1"
_ENCODINGS: Final = {
    0x0C: ("UTF8String", "utf-8"),
    0x12: ("NumericString", _LATIN),
    0x13: ("PrintableString", _LATIN),
    0x14: ("TeletexString", _LATIN),  # what T.61 says, nobody has meant: openssl takes it so, too
    0x15: ("VideotexString", _LATIN),
    0x16: ("IA5String", _LATIN),
    0x19: ("GraphicString", _LATIN),
    0x1A: ("VisibleString", _LATIN),
    0x1B: ("GeneralString", _LATIN),
    0x1C: ("UniversalString", "utf-32-be"),
    0x1E: ("BMPString", "utf-16-be"),
}
"""String types by their tags: what they are called, and how their octets are read."""
_UTF8: Final = 0x0C
_MAX_ATTRIBUTES: Final = 1_000


def load_name(value: Value) -> x509.Name:
    """A Name, with its strings in types that can hold them, and its sets in order.

    Raises:
        BerError: It is not a Name; the message says what is wrong and where.
    """
    if sum(len(rdn.members) for rdn in value.members) > _MAX_ATTRIBUTES:
        raise BerError(f"a name with more than {_MAX_ATTRIBUTES} attributes")
    return x509.Name([_rdn(rdn) for rdn in value.members])


def decode_string(value: Value) -> tuple[str, str]:
    """The text of a string of any type, and what that type is called.

    Raises:
        BerError: It is no string, or has octets that its encoding does not have.
    """
    kind, encoding = _ENCODINGS.get(value.tag & ~0x20, (None, ""))
    if kind is None:
        raise BerError(f"at octet {value.at} is a value with the tag {value.tag:02x}, which is not a string")
    try:
        return value.octets.decode(encoding), kind
    except UnicodeDecodeError as error:
        raise BerError(f"the {kind} at octet {value.at} has octets that are not {encoding}") from error


def normalise_name(name: Value) -> bytes:
    r"""A Name in DER that ``cryptography`` reads: its strings as UTF8String, its sets in order and none of them empty.

    Octets that a string type does not have are written out (``\xfc``).

    Raises:
        BerError: It is no name.
    """
    return sequence(*(normalise_names_inside(rdn) for rdn in name.members if rdn.members))


def normalise_names_inside(value: Value) -> bytes:
    """The same of all names in a value, wherever they are; whatever else is in it stays as it is.

    Raises:
        BerError: There is something in it that is no BER.
    """
    if not value.tag & CONSTRUCTED:
        return value.raw
    if value.tag == SET and all(map(_is_attribute, value.members)):
        return tlv(SET, b"".join(sorted(map(_readable_attribute, value.members))))
    return tlv(value.tag, b"".join(map(normalise_names_inside, value.members)))


def _is_attribute(value: Value) -> bool:
    if value.tag != SEQUENCE or len(value.members) != 2:
        return False
    return value.members[0].tag == OBJECT_IDENTIFIER


def _readable_attribute(value: Value) -> bytes:
    kind, held = value.members
    encoding = _ENCODINGS.get(held.tag & ~CONSTRUCTED, (None, ""))[1]
    if not encoding:
        return value.raw
    text = held.octets.decode(encoding, "backslashreplace")
    return sequence(kind.raw, tlv(_UTF8, text.encode(errors="backslashreplace")))


def _rdn(value: Value) -> x509.RelativeDistinguishedName:
    if value.tag != SET or not value.members:
        raise BerError(f"at octet {value.at} is not a set of attributes")
    try:
        return x509.RelativeDistinguishedName([_attribute(each) for each in value.members])
    except ValueError as error:
        raise BerError(f"the set of attributes at octet {value.at}: {error}") from error


def _attribute(value: Value) -> x509.NameAttribute[str]:
    if value.tag != SEQUENCE or len(value.members) != 2:
        raise BerError(f"at octet {value.at} is not an attribute")
    oid = value.member(0).oid
    text, _ = decode_string(value.member(1))
    return x509.NameAttribute(oid, text, _validate=False)
