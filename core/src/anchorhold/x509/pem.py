"""DER as PEM (RFC 7468): one line of 64 characters for each 48 octets."""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINE: Final = 48
"""Octets in a line."""


def pem_of(der: bytes, label: str = "CERTIFICATE") -> str:
    """DER as PEM, with a line break at its end.

    Args:
        der: What is encoded.
        label: What it is, as in ``-----BEGIN label-----``.
    """
    return b"".join(pem_lines((der,), label)).decode()


def pem_lines(pieces: Iterable[bytes], label: str) -> Iterator[bytes]:
    """The lines of a PEM, for content too large to hold in memory.

    Args:
        pieces: The DER, cut at multiples of `LINE` octets; only the last piece may have another length.
        label: What it is.
    """
    yield f"-----BEGIN {label}-----\n".encode()
    for piece in pieces:
        yield from (b2a_base64(piece[at : at + LINE]) for at in range(0, len(piece), LINE))
    yield f"-----END {label}-----\n".encode()
