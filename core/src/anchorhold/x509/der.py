"""Distinguished encoding (X.690): whether octets are DER, and texts in it."""

from __future__ import annotations

from cryptography.hazmat import asn1

_CONSTRUCTED = 0x20
_DEEPEST = 32


def is_der(data: bytes) -> bool:
    """Whether the octets are exactly one DER value, down to the last nested one."""
    return _is_one_value(data, _DEEPEST)


def utf8_string(text: str) -> bytes:
    """A text as DER UTF8String."""
    return asn1.encode_der(text)


def _is_one_value(data: bytes, depth: int) -> bool:
    try:
        value = asn1.decode_der(asn1.TLV, data)
    except ValueError:
        return False
    return not value.tag_bytes[0] & _CONSTRUCTED or (depth > 0 and _are_values(bytes(value.data), depth - 1))


def _are_values(data: bytes, depth: int) -> bool:
    """Whether the content of a constructed value is a row of values."""
    while data:
        size = _size(data)
        if not _is_one_value(data[:size], depth):
            return False
        data = data[size:]
    return True


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
    """What stands before so many octets of content: the one-octet tag and the length."""
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
