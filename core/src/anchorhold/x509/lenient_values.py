"""Dates, serial numbers and versions of certificates as X.690 lets BER have them, in the one form of RFC 5280."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from anchorhold.x509.ber import BerError, Value
from anchorhold.x509.der import tlv

_UTC: Final = 0x17
_GENERALIZED: Final = 0x18
_INTEGER: Final = 0x02
_CENTURY: Final = 50
"""Years of two digits from this one on are of the century before (RFC 5280, section 4.1.2.5.1)."""
_MOMENT: Final = re.compile(
    rb"(?P<digits>[0-9]{10}|[0-9]{12}|[0-9]{14})(?:[.,][0-9]{1,9})?(?P<zone>Z|[+-][0-9]{4})", re.ASCII
)
_DEFAULT_VERSION: Final = b"\xa0\x03\x02\x01\x00"
_VERSION_3: Final = b"\xa0\x03\x02\x01\x02"


def decode_time(value: Value) -> bytes:
    """A date (X.680, sections 46 and 47) without seconds, with fractions of them or an offset, as one in DER.

    Raises:
        BerError: It is not a date, or has no time zone.
    """
    text = value.content
    found = _MOMENT.fullmatch(text)
    if value.tag not in (_UTC, _GENERALIZED) or found is None:
        raise BerError(f"has the invalid date {text[:20]!r}")
    digits, zone = found["digits"].decode(), found["zone"].decode()
    if value.tag == _UTC:
        digits = ("19" if int(digits[:2]) >= _CENTURY else "20") + digits
    digits = digits.ljust(14, "0")
    try:
        read = dt.datetime.strptime(f"{digits} {zone.replace('Z', '+0000')}", "%Y%m%d%H%M%S %z").astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise BerError(f"has the invalid date {text.decode()}") from error
    if 1950 <= read.year < 2050:
        return tlv(_UTC, f"{read:%y%m%d%H%M%S}Z".encode())
    return tlv(_GENERALIZED, f"{read.year:04}{read:%m%d%H%M%S}Z".encode())


def normalise_integer(number: int) -> bytes:
    """An INTEGER in DER, without octets that say nothing (X.690, section 8.3.2)."""
    size = (number + (number < 0)).bit_length() // 8 + 1
    return tlv(_INTEGER, number.to_bytes(size, "big", signed=True))


def decode_version(value: Value) -> bytes:
    """The version of a certificate: nothing for the first, which should be left out, and 3 for whatever is not known.

    Version 2, and a 4 that careless programs write, have no reader of their own; what they hold is read as in 3.
    """
    return b"" if value.raw == _DEFAULT_VERSION else _VERSION_3
