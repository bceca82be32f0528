"""Files as people hand them over: PEM, DER, bare base64, UTF-16, byte-order marks, PKCS#7; and what is in them."""

from __future__ import annotations

import base64
import binascii
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from anchorhold.x509.ber import BIT_STRING, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, BerError, Value, read
from anchorhold.x509.unsupported_formats import recognise_format

if TYPE_CHECKING:
    from collections.abc import Callable

CERTIFICATE: Final = "a certificate"
REQUEST: Final = "a certificate signing request"
PKCS7: Final = "PKCS#7"
PKCS12: Final = "PKCS#12"
PRIVATE_KEY: Final = "a private key"
UNKNOWN: Final = "of an unknown format"
_CRL: Final = "a CRL"
_PUBLIC_KEY: Final = "a public key"

_MAX_BLOCKS: Final = 1_000
_LABELS: Final = {
    "CERTIFICATE": CERTIFICATE,
    "X509 CERTIFICATE": CERTIFICATE,
    "TRUSTED CERTIFICATE": CERTIFICATE,
    "CERTIFICATE REQUEST": REQUEST,
    "NEW CERTIFICATE REQUEST": REQUEST,
    "PKCS7": PKCS7,
    "PKCS #7 SIGNED DATA": PKCS7,
    "CMS": PKCS7,
    "X509 CRL": _CRL,
    "PUBLIC KEY": _PUBLIC_KEY,
    "RSA PUBLIC KEY": _PUBLIC_KEY,
}
_BEGIN: Final = re.compile(rb"-----BEGIN ([^\r\n-]{1,60})-----")
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_WHITE: Final = b"\r\n\t "


class FileError(ValueError):
    """A file is in none of the forms that are read; the text says how far reading came."""


@dataclass(frozen=True, slots=True)
class Block:
    """One thing in a file.

    Attributes:
        kind: What it is, such as `CERTIFICATE`, in words.
        der: Its octets, BER or DER; nothing behind them.
    """

    kind: str
    der: bytes


def as_text(data: bytes) -> bytes:
    """The content of a file without byte-order mark; UTF-16, as PowerShell writes it, as ASCII."""
    for mark, encoding in ((BOM_UTF8, ""), (BOM_UTF16_LE, "utf-16-le"), (BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            rest = data[len(mark) :]
            return rest.decode(encoding, "replace").encode("ascii", "replace") if encoding else rest
    for encoding, dashes in (("utf-16-le", b"-\0-\0"), ("utf-16-be", b"\0-\0-")):
        if data.startswith(dashes):
            return data.decode(encoding, "replace").encode("ascii", "replace")
    return data


def blocks(data: bytes) -> tuple[Block, ...]:
    """All that is in a file.

    Raises:
        FileError: It is in no form that is read, cut short, or holds absurdly many things.
    """
    data = as_text(data)
    if b"-----BEGIN" in data:
        return tuple(_pem_blocks(data))
    other = recognise_format(data)
    if other is not None:
        raise FileError(f"it is {other.kind}")
    try:
        return (_der_block(data),)
    except BerError as error:
        text = b"".join(data.split())
        if not re.fullmatch(rb"[A-Za-z0-9+/]{16,}={0,2}", text):
            raise FileError(
                str(error) if data[:1] == b"\x30" else "has neither PEM nor DER, nor base64 without lines around it"
            ) from error
    try:
        return (_der_block(_decoded(text, "base64")),)
    except BerError as error:
        raise FileError(f"its base64 {error}") from error


def kind_of(value: Value) -> str | None:
    """What a value is, by its form; None if it is nothing that is known."""
    for kind, fits in _FORMS.items():
        try:
            if value.tag == SEQUENCE and fits(value):
                return kind
        except BerError:
            continue
    return None


def certificates_in(block: Block) -> tuple[bytes, ...]:
    """The certificates in a block of PKCS#7 (RFC 5652, section 5.1), or the one it is.

    Raises:
        BerError: It is not well made.
    """
    if block.kind == CERTIFICATE:
        return (block.der,)
    if block.kind != PKCS7:
        return ()
    content = read(block.der)[0]
    if content.member(0).oid.dotted_string != _SIGNED_DATA:
        raise BerError("is PKCS#7, but not SignedData, the only kind that holds certificates")
    signed = content.member(1).member(0, SEQUENCE)
    return tuple(each.raw for part in signed.members if part.tag == 0xA0 for each in part.members)


def _pem_blocks(data: bytes) -> list[Block]:
    found = []
    for number, begin in enumerate(_BEGIN.finditer(data)):
        if number == _MAX_BLOCKS:
            raise FileError(f"has more than {_MAX_BLOCKS} blocks")
        label = begin[1]
        end = data.find(b"-----END " + label + b"-----", begin.end())
        if end < 0:
            raise FileError(f"is cut short: the line -----END {label.decode('ascii', 'replace')}----- is missing")
        found.append(_pem_block(label.decode("ascii", "replace"), data[begin.end() : end]))
    if not found:
        raise FileError("has a line -----BEGIN that is damaged")
    return found


def _pem_block(label: str, body: bytes) -> Block:
    kind = _LABELS.get(label, PRIVATE_KEY if label.endswith("PRIVATE KEY") else f"labelled {label!r}")
    if kind == PRIVATE_KEY:
        return Block(kind, b"")  # which is read from the file as it is, perhaps with a password
    der = _decoded(body, f"block {label!r}")
    try:
        value, rest = read(der)
    except BerError as error:
        raise FileError(f"the block {label!r} {error}") from error
    if rest and label != "TRUSTED CERTIFICATE":  # openssl writes what the certificate is trusted for behind it
        raise FileError(f"the block {label!r} has {len(rest)} octets behind what it holds")
    form = kind_of(value)
    if form is not None and label in _LABELS and form != kind:
        raise FileError(f"the block {label!r} holds {form}")
    return Block(form or kind, value.raw)


def _der_block(data: bytes) -> Block:
    value, rest = read(data)
    if rest.strip(_WHITE):
        raise BerError(f"has {len(rest)} octets behind its end, after {len(value.raw)}")
    return Block(kind_of(value) or UNKNOWN, value.raw)


def _decoded(text: bytes, place: str) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise FileError(f"the {place} is not base64: {str(error).lower()}") from error


def _tags(value: Value) -> list[int]:
    return [each.tag for each in value.members]


def _is_signed(value: Value) -> bool:
    return _tags(value) == [SEQUENCE, SEQUENCE, BIT_STRING] and bool(value.member(0).members)


def _is_certificate(value: Value) -> bool:
    inner = _tags(value.member(0)) if _is_signed(value) else []
    return inner[:1] == [0xA0] or inner[:6] == [INTEGER, *[SEQUENCE] * 5]


def _is_request(value: Value) -> bool:
    if not _is_signed(value) or _tags(value.member(0))[:3] != [INTEGER, SEQUENCE, SEQUENCE]:
        return False
    return _tags(value.member(0).member(2))[-1:] == [BIT_STRING]


def _is_crl(value: Value) -> bool:
    return _is_signed(value) and any(tag in (0x17, 0x18) for tag in _tags(value.member(0)))


def _is_private(value: Value) -> bool:
    tags = _tags(value)
    return (
        tags[:3] == [INTEGER, SEQUENCE, OCTET_STRING]
        or (tags[:2] == [INTEGER, INTEGER] and len(tags) in (6, 9, 10))
        or tags[:2] == [INTEGER, OCTET_STRING]
        or (tags == [SEQUENCE, OCTET_STRING] and _tags(value.member(0))[:1] == [OBJECT_IDENTIFIER])
    )


_FORMS: Final[dict[str, Callable[[Value], bool]]] = {
    CERTIFICATE: _is_certificate,
    REQUEST: _is_request,
    _CRL: _is_crl,
    PKCS7: lambda value: _tags(value)[:2] == [OBJECT_IDENTIFIER, 0xA0],
    PKCS12: lambda value: (
        value.member(0).tag == INTEGER
        and value.member(0).content == b"\x03"
        and _tags(value.member(1))[:1] == [OBJECT_IDENTIFIER]
    ),
    PRIVATE_KEY: _is_private,
    _PUBLIC_KEY: lambda value: _tags(value) == [SEQUENCE, BIT_STRING],
}
