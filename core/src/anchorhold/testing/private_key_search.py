"""Recognising a private key in octets, however it is written: raw, in hex, in base64, as a number, or nested."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DEPTH: Final = 3
"""How many encodings one in another are undone."""
_HEX: Final = re.compile(rb"(?:[0-9a-fA-F]{2}){24,}")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{32,}")
_ARMOUR: Final = re.compile(rb"-----[A-Z ]+-----|\\n|\\r|[\r\n]")
"""What stands within base64 and is none: lines, also as JSON writes them, and the frame of PEM."""
_LARGEST: Final = 16 * 2**20
"""Octets of a file that are looked at."""


def marks(key: Any) -> tuple[bytes, ...]:
    """What gives a private key away: its secret numbers or octets, each of which stands in every encoding of it."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        return tuple(_octets(number, key.key_size // 16) for number in (numbers.p, numbers.q))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return (_octets(key.private_numbers().private_value, (key.key_size + 7) // 8),)
    return (key.private_bytes_raw(),)


def _octets(number: int, length: int) -> bytes:
    return number.to_bytes(length, "big")


def shows(content: bytes, secret: tuple[bytes, ...]) -> bool:
    """Whether one of the marks is in some content."""
    written = [*secret, *(str(int.from_bytes(mark)).encode() for mark in secret)]
    return any(mark in plain for plain in _readings(content, _DEPTH) for mark in written)


def file_shows(path: Path, secret: tuple[bytes, ...]) -> bool:
    """Whether a file shows it; one that is gone or cannot be read does not."""
    try:
        with path.open("rb") as file:
            return shows(file.read(_LARGEST), secret)
    except OSError:
        return False


def _readings(content: bytes, depth: int) -> Iterator[bytes]:
    """The content, and all that it stands for if parts of it are hex or base64."""
    yield content
    if depth == 0:
        return
    for found in _HEX.finditer(content):
        yield from _readings(binascii.unhexlify(found[0]), depth - 1)
    joined = _ARMOUR.sub(lambda found: b" " if found[0].startswith(b"-----") else b"", content)
    for found in _BASE64.finditer(joined):
        for start in range(4):  # what stands before it may be letters, too
            yield from _readings(_decoded(found[0][start:]), depth - 1)


def _decoded(run: bytes) -> bytes:
    """Base64 of either alphabet, without padding (RFC 4648, sections 4 and 5); a letter too many is left out."""
    whole = run[:-1] if len(run) % 4 == 1 else run
    return base64.b64decode(whole.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(whole) % 4))
