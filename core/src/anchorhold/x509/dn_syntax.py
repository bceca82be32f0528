"""Distinguished names as people write them: RFC 4514, and what RFC 2253, openssl, Java and Windows print beyond it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from anchorhold.x509.ber import read_one
from anchorhold.x509.lenient_names import decode_string

if TYPE_CHECKING:
    from collections.abc import Iterator

WrittenName: TypeAlias = list[list[tuple[str, str]]]
"""Sets of attributes, each a type and a value, both as text."""

_TYPE: Final = re.compile(r"\s*(?:OID\.)?([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)\s*=[ \t]*", re.IGNORECASE)
_HEX: Final = re.compile(r"#((?:[0-9A-Fa-f]{2})+)[ \t]*(?=[,+]|$)")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t]*(?=[,+]|$)', re.DOTALL)
_PLAIN: Final = re.compile(r'(?:[^\\,+"<>;]|\\.)*', re.DOTALL)
_ESCAPED: Final = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)


def parse_comma_separated(text: str) -> WrittenName:
    """Read ``CN=a+OU=b, O="Sue, Grabbit and Runn"``; the sets come in the order in which they are written.

    Raises:
        ValueError: It cannot be read, with the place.
    """
    sets: WrittenName = [[]] if text.strip() else []
    at = 0
    while at < len(text) or (sets and not sets[-1]):
        kind = _TYPE.match(text, at)
        if kind is None:
            raise ValueError(f"{text[at : at + 30]!r} has no equals sign, or no type of attribute before it")
        value, at = _value(text, kind.end())
        sets[-1].append((kind[1], value))
        if at < len(text):
            if text[at] not in ",+":
                raise ValueError(f"{text[at]!r} before {text[at + 1 : at + 20]!r} has to be written as \\{text[at]}")
            if text[at] == ",":
                sets.append([])
            at += 1
            if at == len(text):
                raise ValueError(f"nothing follows its last {text[-1]!r}")
    return sets


def parse_slash_separated(text: str) -> WrittenName:
    """Read ``/C=AT/O=Example/CN=a+OU=b``.

    Raises:
        ValueError: It cannot be read.
    """
    rdns = [part for part in re.split(r"(?<!\\)/", text) if part]
    return [[_pair(piece) for piece in re.split(r"(?<!\\)\+(?=[\w.]+=)", rdn)] for rdn in rdns]


def _pair(piece: str) -> tuple[str, str]:
    kind, equals, value = piece.partition("=")
    if not equals:
        raise ValueError(f"{piece!r} has no equals sign")
    return kind.strip(), re.sub(r"\\(.)", r"\1", value)


def _value(text: str, at: int) -> tuple[str, int]:
    """The value that begins there, and where what follows it begins."""
    found = _HEX.match(text, at)
    if found is not None:  # BER of the value (RFC 4514, section 2.4)
        return decode_string(read_one(bytes.fromhex(found[1])))[0], found.end()
    found = _QUOTED.match(text, at)
    if found is not None:  # RFC 2253, section 4
        return _unescaped(found[1]), found.end()
    found = _PLAIN.match(text, at)
    written = found[0] if found is not None else ""
    kept = re.sub(r"(\\.|[^ \t\\])[ \t]+$", r"\1", written, flags=re.DOTALL) if written.strip(" \t") else ""
    return _unescaped(kept), at + len(written)


def _unescaped(text: str) -> str:
    return "".join(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    for found in _ESCAPED.finditer(text):
        yield text[at : found.start()]
        yield found[2] or bytes.fromhex(found[1].replace("\\", "")).decode()
        at = found.end()
    yield text[at:]
