"""What is signed, taken apart: the octets that stay the same when a command is run again, and the dates that move.

TBSCertificate: RFC 5280, section 4.1. TBSCertList: RFC 5280, section 5.1. DER: X.690, section 8.1.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

_VERSION_OF_CERTIFICATE: Final = 0xA0
_EXTENSIONS_OF_CRL: Final = 0xA0
_INTEGER: Final = 0x02
_TIMES: Final = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}
_CRL_NUMBER: Final = bytes.fromhex("0603551d14")
"""The object identifier of the extension CRLNumber (RFC 5280, section 5.2.3)."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says.

    Attributes:
        same: All of it that is the same in a repetition, octet by octet.
        dates: When it begins and ends to be good.
    """

    same: tuple[bytes, ...]
    dates: tuple[dt.datetime, ...] = ()

    def repeats(self, shown: Content, days: float) -> bool:
        """Whether it says what was shown, at most so many days later, never earlier, and for no longer a time."""
        limit = dt.timedelta(days=days)
        moved = [new - old for new, old in zip(self.dates, shown.dates, strict=False)]
        in_time = len(self.dates) == len(shown.dates) and all(dt.timedelta(0) <= each <= limit for each in moved)
        return self.same == shown.same and in_time and self._length() <= shown._length()

    def _length(self) -> dt.timedelta:
        return self.dates[-1] - self.dates[0] if self.dates else dt.timedelta(0)


def content_of(purpose: str, message: bytes) -> Content:
    """Take a message apart.

    Raises:
        ValueError: It is not what the purpose says.
    """
    return {"certificate": _certificate, "crl": _crl}.get(purpose, _as_it_is)(message)


def as_signed(purpose: str, message: bytes) -> bytes:
    """The message with an empty signature, so that libraries read it as what it is to become."""
    parts = elements(message)
    if purpose == "csr":
        algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # any will do
    else:
        skip = _VERSION_OF_CERTIFICATE if purpose == "certificate" else _INTEGER
        algorithm = [part for part in parts if part[0] != skip][1 if purpose == "certificate" else 0]
    return _sequence(message + algorithm + b"\x03\x01\x00")


def elements(value: bytes) -> list[bytes]:
    """The elements of one constructed value, each with its tag and length.

    Raises:
        ValueError: It is not DER.
    """
    start, end = _bounds(value, 0)
    if end != len(value):
        raise ValueError("there is more behind the value")
    found = []
    while start < end:
        _, after = _bounds(value, start)
        found.append(value[start:after])
        start = after
    return found


def _bounds(value: bytes, start: int) -> tuple[int, int]:
    """Where the contents of the value at that place begin and end."""
    if len(value) < start + 2:
        raise ValueError("the value is cut short")
    size, body = value[start + 1], start + 2
    if size >= 0x80:
        body += size - 0x80
        size = int.from_bytes(value[start + 2 : body])
    if len(value) < body + size:
        raise ValueError("the value is cut short")
    return body, body + size


def _certificate(message: bytes) -> Content:
    parts = elements(message)
    at = 1 if parts[0][0] == _VERSION_OF_CERTIFICATE else 0
    serial, validity = at, at + 3
    same = [part for place, part in enumerate(parts) if place not in (serial, validity)]
    return Content(tuple(same), tuple(map(_time, elements(parts[validity]))))


def _crl(message: bytes) -> Content:
    parts = elements(message)
    times = [part for part in parts if part[0] in _TIMES]
    same = [part for part in parts if part[0] not in (*_TIMES, _EXTENSIONS_OF_CRL)]
    for tagged in (part for part in parts if part[0] == _EXTENSIONS_OF_CRL):
        (extensions,) = elements(tagged)
        same += [extension for extension in elements(extensions) if elements(extension)[0] != _CRL_NUMBER]
    return Content(tuple(same), tuple(map(_time, times)))


def _as_it_is(message: bytes) -> Content:
    return Content((message,))


def _time(value: bytes) -> dt.datetime:
    start, end = _bounds(value, 0)
    moment = dt.datetime.strptime(value[start:end].decode("ascii"), _TIMES[value[0]]).replace(tzinfo=dt.UTC)
    return moment.replace(year=moment.year - 100) if value[0] == 0x17 and moment.year >= 2050 else moment


def _sequence(content: bytes) -> bytes:
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8 or 1)
    return b"\x30" + (octets if size < 0x80 else bytes([0x80 + len(octets)]) + octets) + content
