"""What the universal types of ASN.1 may have for content in DER (X.690, sections 8, 10 and 11)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONSTRUCTED: Final = 0x20
"""The bit of a tag that says that the content is a row of values."""
_SET: Final = 17
_ROWS: Final = frozenset({8, 11, 16, _SET, 29})
"""Types that are always constructed: EXTERNAL, EMBEDDED PDV, SEQUENCE, SET, CHARACTER STRING; none else is in DER."""
_UNIVERSAL: Final = 0x1F


def is_valid_content(tag: int, content: bytes) -> bool:
    """Whether a value of a universal type can have that content, as far as it is not a row of values.

    Args:
        tag: Its first octet; of another class than universal, anything goes.
        content: What it holds.
    """
    if tag > CONSTRUCTED | _UNIVERSAL:
        return True
    number = tag & _UNIVERSAL
    if bool(tag & CONSTRUCTED) != (number in _ROWS):
        return False
    fits = _PRIMITIVE.get(number)
    return number in _ROWS or (fits(content) if fits is not None else number not in _RESERVED)


def is_set_order(tag: int, values: Sequence[bytes]) -> bool:
    """Whether values stand in the order of a SET: by their tags, or as octets (SET OF; sections 10.3 and 11.6)."""
    if tag != CONSTRUCTED | _SET:
        return True
    tags = [(value[0] & 0xC0, value[0] & _UNIVERSAL) for value in values]
    return list(values) == sorted(values) or all(one < other for one, other in pairwise(tags))


def _is_integer(content: bytes) -> bool:
    """Of the fewest octets (section 8.3.2)."""
    return bool(content) and not re.match(rb"\x00[\x00-\x7f]|\xff[\x80-\xff]", content, re.DOTALL)


def _is_bit_string(content: bytes) -> bool:
    """The first octet says how many bits of the last are not used; these are zero (section 11.2.1)."""
    if len(content) < 2:
        return content == b"\x00"
    return content[0] < 8 and not content[-1] & ((1 << content[0]) - 1)


def _is_text(encoding: str, size: int = 1) -> Callable[[bytes], bool]:
    def fits(content: bytes) -> bool:
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            return False
        return len(content) % size == 0

    return fits


def _matches(pattern: bytes) -> Callable[[bytes], bool]:
    return lambda content: re.fullmatch(pattern, content, re.DOTALL) is not None


_OBJECT_IDENTIFIER: Final = rb"(?:(?!\x80)[\x80-\xff]*[\x00-\x7f])+"

_RESERVED: Final = frozenset({0, 15})
"""End of contents, which DER does not need, and a number that X.680 has not given away."""

_PRIMITIVE: Final[dict[int, Callable[[bytes], bool]]] = {
    1: _matches(rb"[\x00\xff]"),  # BOOLEAN (section 11.1)
    2: _is_integer,
    3: _is_bit_string,
    5: _matches(rb""),  # NULL
    6: _matches(_OBJECT_IDENTIFIER),
    10: _is_integer,  # ENUMERATED
    12: _is_text("utf-8"),
    13: _matches(_OBJECT_IDENTIFIER),  # RELATIVE-OID
    18: _matches(rb"[0-9 ]*"),  # NumericString
    19: _matches(rb"[A-Za-z0-9 '()+,./:=?-]*"),  # PrintableString
    22: _is_text("ascii"),  # IA5String
    23: _matches(rb"\d{12}Z"),  # UTCTime (section 11.8)
    24: _matches(rb"\d{14}(\.\d*[1-9])?Z"),  # GeneralizedTime (section 11.7)
    26: _matches(rb"[ -~]*"),  # VisibleString
    28: _is_text("utf-32-be", 4),  # UniversalString
    30: _is_text("utf-16-be", 2),  # BMPString
}
"""By the number of the type; what is not here is not looked at."""
