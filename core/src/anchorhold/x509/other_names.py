"""Names that a general name has no kind of its own for, and names with letters beyond ASCII."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import normalize

from cryptography import x509

from anchorhold.x509.der import tlv, utf8_string
from anchorhold.x509.hosts import check_domain

_UPN: Final = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_SRV: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")
_IA5_STRING: Final = 0x16
_TRUST_DOMAIN: Final = re.compile(r"[a-z0-9._-]{1,255}")
_IN_DOUBT: Final = "ßςẞ\u200c\u200d"
"""Letters that IDNA of 2003 maps to others, and that of 2008 does not."""


def upn(value: str) -> x509.OtherName:
    """A user principal name, for the log-on to Windows.

    Raises:
        ValueError: It is none.
    """
    user, at, domain = value.rpartition("@")
    if not at or not user or "@" in user or not domain or not value.isprintable() or " " in value:
        raise ValueError("is no user principal name, as user@example.com is")
    return x509.OtherName(_UPN, utf8_string(value))


def srv(value: str) -> x509.OtherName:
    """A service at a domain (RFC 4985, section 2).

    Raises:
        ValueError: It is none.
    """
    service, _, domain = value.partition(".")
    if not re.fullmatch(r"_[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", service):
        raise ValueError("is no service, as _xmpp-client.example.com is")
    return x509.OtherName(_SRV, tlv(_IA5_STRING, f"{service}.{check_domain(to_ascii(domain))}".encode()))


def check_trust_domain(value: str) -> None:
    """The host of a SPIFFE ID, which may have underscores (SPIFFE-ID, section 2.1).

    Raises:
        ValueError: It is none.
    """
    if not _TRUST_DOMAIN.fullmatch(value):
        raise ValueError("has a trust domain with other signs than a-z, 0-9, dot, hyphen and underscore")


def to_ascii(domain: str) -> str:
    """A domain with its labels in the form that certificates have (RFC 5891, section 4.4).

    Raises:
        ValueError: A label has letters that programs convert differently.
    """
    return domain if domain.isascii() else ".".join(map(_a_label, domain.split(".")))


def _a_label(label: str) -> str:
    if label.isascii():
        return label
    lower = normalize("NFC", label.lower())
    if normalize("NFKC", lower) != lower or any(letter in _IN_DOUBT for letter in label):
        raise ValueError(f"has the label {label!r}, which programs convert differently; write its xn-- form")
    return f"xn--{lower.encode('punycode').decode()}"
