"""Reading BER (X.690): what others write, which need not be DER; values with their places, and making DER of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from cryptography.x509 import ObjectIdentifier

from anchorhold.x509.der import tlv

if TYPE_CHECKING:
    from collections.abc import Iterable

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONSTRUCTED: Final = 0x20
_STRINGS: Final = frozenset({*range(0x03, 0x05), 0x0C, *range(0x12, 0x1F)})
"""Types whose content BER may have in pieces (section 8.7.3)."""
_MAX_DEPTH: Final = 48


class BerError(ValueError):
    """Octets are no BER value; the text says what is wrong, and at which octet."""


@dataclass(frozen=True)
class Value:
    """One value.

    Attributes:
        tag: Its first octet.
        raw: All its octets.
        content: Those behind tag and length, without an end-of-contents.
        at: Where it begins in what was read.
        inside: Where its content begins there.
    """

    tag: int
    raw: bytes
    content: bytes
    at: int = 0
    inside: int = 0

    @cached_property
    def members(self) -> tuple[Value, ...]:
        """The values that its content is a row of.

        Raises:
            BerError: It is not constructed, or its content cannot be read.
        """
        if not self.tag & CONSTRUCTED:
            raise BerError(f"the value at octet {self.at} has no members")
        return tuple(_row(self.content, self.inside))

    def member(self, number: int, tag: int | None = None) -> Value:
        """One of its members, with that tag.

        Raises:
            BerError: There is no such member, or it has another tag.
        """
        if number >= len(self.members):
            raise BerError(f"the value at octet {self.at} has too few members")
        found = self.members[number]
        if tag is not None and found.tag != tag:
            raise BerError(f"at octet {found.at} the tag is {found.tag:02x} where {tag:02x} should be")
        return found

    @property
    def oid(self) -> ObjectIdentifier:
        """The OBJECT IDENTIFIER that it is.

        Raises:
            BerError: It is not an OBJECT IDENTIFIER.
        """
        if self.tag != OBJECT_IDENTIFIER or not self.content or self.content[-1] & 0x80:
            raise BerError(f"at octet {self.at} is not an object identifier")
        arcs, number = [], 0
        for octet in self.content:
            number = number << 7 | octet & 0x7F
            if number.bit_length() > 256:  # an attacker's, and quadratic to write out
                raise BerError(f"the object identifier at octet {self.at} has an arc that is too long")
            if not octet & 0x80:
                arcs.append(number)
                number = 0
        first = min(arcs[0] // 40, 2)
        try:
            return ObjectIdentifier(".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:]))))
        except ValueError as error:
            raise BerError(f"at octet {self.at} is not an object identifier") from error

    @property
    def integer(self) -> int:
        """The INTEGER that it is.

        Raises:
            BerError: It is not an INTEGER.
        """
        if self.tag != INTEGER or not self.content:
            raise BerError(f"at octet {self.at} is not an integer")
        return int.from_bytes(self.content, signed=True)

    @property
    def octets(self) -> bytes:
        """The content of a string, put together where it is in pieces.

        Raises:
            BerError: It is in pieces that are no strings.
        """
        return self.content if not self.tag & CONSTRUCTED else b"".join(piece.octets for piece in self.members)

    @property
    def bits(self) -> bytes:
        """The content of a BIT STRING of whole octets.

        Raises:
            BerError: It is not a BIT STRING of whole octets.
        """
        if self.tag != BIT_STRING or self.content[:1] != b"\0":
            raise BerError(f"at octet {self.at} is not a string of whole octets")
        return self.content[1:]


def read(data: bytes) -> tuple[Value, bytes]:
    """The value that octets begin with, and what is behind it.

    Raises:
        BerError: They begin with none.
    """
    value = _value(data, 0, 0, _MAX_DEPTH)
    return value, data[len(value.raw) :]


def read_one(data: bytes) -> Value:
    """The value that octets are; trailing white space is ignored.

    Raises:
        BerError: They are not exactly one value.
    """
    value, rest = read(data)
    if rest.strip(b"\r\n\t "):
        raise BerError(f"after {len(value.raw)} octets, where it ends, come {len(rest)} more")
    return value


def sequence(*members: bytes) -> bytes:
    """A SEQUENCE in DER."""
    return tlv(SEQUENCE, b"".join(members))


def to_der(value: Value) -> bytes:
    """The value with definite lengths and its strings in one piece; what OCTET STRINGs hold stays as it is.

    Raises:
        BerError: A value in it cannot be read.
    """
    if not value.tag & CONSTRUCTED:
        return tlv(value.tag, value.content)
    if value.tag & ~CONSTRUCTED in _STRINGS:
        return tlv(value.tag & ~CONSTRUCTED, value.octets)
    return tlv(value.tag, b"".join(map(to_der, value.members)))


def _row(data: bytes, at: int) -> Iterable[Value]:
    begin = 0
    while begin < len(data):
        value = _value(data, begin, at, _MAX_DEPTH)
        yield value
        begin += len(value.raw)


def _value(data: bytes, begin: int, offset: int, depth: int) -> Value:
    """The value at a place; offset is where the data begin in what was read."""
    at = begin + offset
    if len(data) < begin + 2:
        raise BerError(f"is cut short: it ends after octet {offset + len(data)}, where a value should be")
    tag, length, inside = data[begin], data[begin + 1], begin + 2
    if tag & 0x1F == 0x1F:
        raise BerError(f"at octet {at} is a tag that is not valid there")
    if length == 0x80:
        return _indefinite(data, begin, offset, depth)
    if length > 0x80:
        inside += length & 0x7F
        if length & 0x7F > 8:
            raise BerError(f"at octet {at} is a length that is not valid")
        length = int.from_bytes(data[begin + 2 : inside])
    if inside + length > len(data):
        there = max(len(data) - inside, 0)
        raise BerError(f"is cut short: the value at octet {at} has {length} octets, of which {there} are there")
    raw, content = data[begin : inside + length], data[inside : inside + length]
    return Value(tag, raw, content, at, inside + offset)


def _indefinite(data: bytes, begin: int, offset: int, depth: int) -> Value:
    """A value that ends with an end-of-contents (section 8.1.3.6)."""
    at, end = begin + offset, begin + 2
    if not depth or not data[begin] & CONSTRUCTED:
        raise BerError(f"at octet {at} is a value without a length that {'is too deep' if not depth else 'needs one'}")
    while data[end : end + 2] != b"\0\0":
        end += len(_value(data, end, offset, depth - 1).raw)
    return Value(data[begin], data[begin : end + 2], data[begin + 2 : end], at, begin + 2 + offset)
