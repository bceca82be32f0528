"""Distinguished encoding (X.690): whether octets are DER, and putting together and taking apart what is."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat import asn1

from anchorhold.x509.der_validation import CONSTRUCTED, is_set_order, is_valid_content

SEQUENCE: Final = 0x30
_BIT_STRING: Final = 0x03
_MAX_DEPTH: Final = 32


def is_der(data: bytes) -> bool:
    """Whether the octets are exactly one DER value, down to the last nested one.

    Values of types that only their place tells (implicit tags) cannot be looked into; all others are.
    """
    return _is_one_value(data, _MAX_DEPTH)


def utf8_string(text: str) -> bytes:
    """A text as DER UTF8String."""
    return asn1.encode_der(text)


def _is_one_value(data: bytes, depth: int) -> bool:
    try:
        value = asn1.decode_der(asn1.TLV, data)
    except ValueError:
        return False
    tag, content = value.tag_bytes[0], bytes(value.data)
    if not is_valid_content(tag, content):
        return False
    return not tag & CONSTRUCTED or (depth > 0 and _are_values(tag, content, depth - 1))


def _are_values(tag: int, data: bytes, depth: int) -> bool:
    """Whether the content of a constructed value is a row of values, as that tag may have it."""
    values = []
    while data:
        size = _size(data)
        values.append(data[:size])
        if not _is_one_value(values[-1], depth):
            return False
        data = data[size:]
    return is_set_order(tag, values)


def _size(data: bytes) -> int:
    """Octets that the first value of a row claims to have; whether it is well made is not looked at."""
    at = 1
    if data[0] & 0x1F == 0x1F:  # the number of the tag is in the octets that follow
        while data[at : at + 1] > b"\x7f":
            at += 1
        at += 1
    length = int.from_bytes(data[at : at + 1])
    if length > 0x80:
        octets = length & 0x7F
        return at + 1 + octets + int.from_bytes(data[at + 1 : at + 1 + octets])
    return at + 1 + length


def tlv(tag: int, content: bytes) -> bytes:
    """A DER value of that one-octet tag."""
    size = len(content)
    if size < 0x80:  # as nearly all are that answers and lists are made of
        return b"%c%c%b" % (tag, size, content)
    return header(tag, size) + content


def header(tag: int, size: int) -> bytes:
    """What precedes N octets of content: the one-octet tag and the length."""
    if size < 0x80:
        return bytes((tag, size))
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length


def span(data: bytes, at: int = 0) -> tuple[int, int]:
    """Where the content of the value at that place begins and ends; the value has a one-octet tag and is well made."""
    length, begin = data[at + 1], at + 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[at + 2 : begin])
    return begin, begin + length


def members(data: bytes, count: int) -> list[int]:
    """Where the first members of a sequence begin, and the last of these ends: one place more than members."""
    places = [span(data)[0]]
    for _ in range(count):
        places.append(span(data, places[-1])[1])
    return places


def values(constructed: bytes) -> tuple[bytes, ...]:
    """The members of a well-formed constructed value, each in DER."""
    at, end = span(constructed)
    found = []
    while at < end:
        after = span(constructed, at)[1]
        found.append(constructed[at:after])
        at = after
    return tuple(found)


def signed(message: bytes, algorithm: bytes, signature: bytes) -> tuple[bytes, bytes, bytes]:
    """What all that is signed in X.509 looks like (``SIGNED``, X.509 section 6.6), in pieces.

    Args:
        message: What was signed, in DER.
        algorithm: The AlgorithmIdentifier, in DER.
        signature: In the form X.509 has it.

    Returns:
        Three pieces; the second one is the message, as it was given.
    """
    after = algorithm + tlv(_BIT_STRING, b"\0" + signature)
    return header(SEQUENCE, len(message) + len(after)), message, after
