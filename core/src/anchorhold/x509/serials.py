"""Serial numbers (RFC 5280, section 4.1.2.2; at least 64 random bits by the CA/Browser Forum)."""

from __future__ import annotations

import re
import secrets
from typing import Final

from anchorhold.errors import InputError
from anchorhold.remedy import Remedy

MAX_OCTETS: Final = 1024
"""Octets of a serial number made elsewhere; 20 are the most (RFC 5280, section 4.1.2.2), and some have more."""
_WRITTEN: Final = re.compile(rf"-?[0-9a-f]{{1,{2 * MAX_OCTETS}}}")


def new_serial() -> int:
    """A positive number of exactly 20 octets with 158 random bits."""
    return (1 << 158) | secrets.randbits(158)


def format_serial(serial: int) -> str:
    """Lower-case hex with whole octets, as the ledger has it; a minus before it if it is negative, as openssl does."""
    digits = f"{abs(serial):x}"
    return f"{'-' if serial < 0 else ''}{digits.zfill(len(digits) + len(digits) % 2)}"


def is_formatted(text: str) -> bool:
    """Whether a text looks like a serial number as the ledger has it."""
    return _WRITTEN.fullmatch(text) is not None


def is_too_long(serial: int) -> bool:
    """Whether it has more than `MAX_OCTETS` octets as an INTEGER."""
    return octets_of(serial) > MAX_OCTETS


def octets_of(serial: int) -> int:
    """The size of its shortest encoding as an INTEGER."""
    return (serial if serial >= 0 else ~serial).bit_length() // 8 + 1


def complete_serial(digits: str) -> str:
    """The serial number that these hex digits are as a whole, as the ledger has it."""
    return format_serial(int(digits, 16))


def parse_serial(text: str) -> str:
    """Read a serial number in hex, with or without colons, or the beginning of one; octets of zero before it go.

    A negative one has a minus before it.

    Raises:
        InputError: It is not hex.
    """
    written = text.replace(":", "").replace(" ", "").lower()
    sign = "-" if written.startswith("-") else ""
    digits = sign + written.removeprefix("-").removeprefix("0x")
    if not _WRITTEN.fullmatch(digits):
        raise InputError(
            f"serial {text!r}: is not a serial number in hex",
            hint="look it up in the list of certificates",
            remedy=Remedy("certificates.list"),
        )
    return re.sub(r"^(-?)(00)+(?=.)", r"\1", digits)  # some programs write one, where the first bit is set
