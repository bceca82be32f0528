"""Serial numbers (RFC 5280, section 4.1.2.2; at least 64 random bits by the CA/Browser Forum)."""

from __future__ import annotations

import re
import secrets

from anchorhold.errors import InputError


def new_serial() -> int:
    """A positive number of exactly 20 octets with 158 random bits."""
    return (1 << 158) | secrets.randbits(158)


def format_serial(serial: int) -> str:
    """Lower-case hex with whole octets, as the ledger has it."""
    digits = f"{serial:x}"
    return digits.zfill(len(digits) + len(digits) % 2)


def whole_serial(digits: str) -> str:
    """The serial number that these hex digits are as a whole, as the ledger has it."""
    return format_serial(int(digits, 16))


def parse_serial(text: str) -> str:
    """Read a serial number in hex, with or without colons, or the beginning of one; octets of zero before it go.

    Raises:
        InputError: It is not hex.
    """
    digits = text.replace(":", "").replace(" ", "").lower().removeprefix("0x")
    if not re.fullmatch(r"[0-9a-f]{1,128}", digits):
        raise InputError(f"serial {text!r}: is not a serial number in hex", hint="copy it from list-certs")
    return re.sub(r"^(00)+(?=.)", "", digits)  # some programs write one, where the first bit is set
