"""Hosts as they stand in names, URLs and e-mail addresses: DNS names, addresses, with a port, behind a mailbox."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from unicodedata import category, normalize

from anchorhold.errors import NameForbiddenError

_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PUNYCODE: Final = "xn--"
_JOINERS: Final = "\u200c\u200d"
"""Zero width, and yet letters of some scripts (RFC 5892, appendix A)."""
_IN_DOUBT: Final = "ßςẞ\u200c\u200d"
"""Letters that IDNA of 2003 maps to others, and that of 2008 does not."""
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL: Final = re.compile(rf'{_ATOM}(\.{_ATOM})*|"([ !#-\[\]-~]|\\[ -~])*"')
"""What stands before the ``@``: Dot-string or Quoted-string."""
_MAX_LOCAL_PART: Final = 64
"""Its octets (RFC 5321, section 4.5.3.1.1)."""


def check_hostname(text: str) -> None:
    """Refuse what is not a host in a URL: a DNS name or an address, with a port or without.

    Raises:
        NameForbiddenError: It is not.
    """
    try:
        check_authority(text)
    except ValueError as error:
        raise NameForbiddenError(
            f"host {text!r}: {error}", hint="write ca.example.com, 192.0.2.1:8080 or [2001:db8::1]"
        ) from error


def check_authority(text: str) -> None:
    """A host with or without a port, as a URI must have (RFC 5280, section 4.2.1.6).

    Raises:
        ValueError: It is not.
    """
    match = re.fullmatch(r"(\[[^]]*\]|[^:]*)(?::([0-9]{1,5}))?", text)
    if match is None or not 0 < int(match[2] or 80) < 1 << 16:
        raise ValueError("is not a host, or has an invalid port")
    _check_host(match[1])


def _check_host(host: str) -> None:
    if host.startswith("["):
        ipaddress.IPv6Address(host[1:-1])
    elif re.fullmatch(r"[0-9.]+", host):
        ipaddress.IPv4Address(host)
    else:
        check_domain(host)


def check_domain(value: str) -> str:
    """A DNS name in preferred name syntax (RFC 1034, section 3.5); labels in Punycode can be decoded.

    Raises:
        ValueError: It is not.
    """
    if not value.isascii():
        raise ValueError("is not ASCII, write internationalised labels in their xn-- form")
    if len(value) > 253 or not all(_LABEL.fullmatch(label) for label in value.split(".")):
        raise ValueError("is not a DNS name")
    if value.rpartition(".")[2].isdigit():
        raise ValueError("looks like an address, not a DNS name")
    if "--" in value:
        for label in value.lower().split("."):
            if label.startswith(_PUNYCODE) and not _is_a_label(label):
                raise ValueError(f"has the label {label!r}, which is not a valid internationalised label")
    return value


def _is_a_label(label: str) -> bool:
    """Whether a label has a form with letters beyond ASCII, and this is the one way to write it (RFC 5890, 2.3.2.1)."""
    encoded = label.removeprefix(_PUNYCODE)
    try:
        decoded = encoded.encode().decode("punycode")
    except UnicodeError:
        return False
    if decoded.isascii() or any(category(letter)[0] in "CZ" and letter not in _JOINERS for letter in decoded):
        return False
    return decoded.encode("punycode").decode().lower() == encoded


def is_domain(value: str) -> bool:
    """Whether `check_domain` would take it."""
    try:
        check_domain(value)
    except ValueError:
        return False
    return True


def check_mailbox(value: str) -> str:
    """An e-mail address (RFC 5280, section 4.2.1.6, which has the Mailbox of RFC 5321, section 4.1.2).

    Raises:
        ValueError: It is not.
    """
    local, _, host = value.rpartition("@")
    if len(local) > _MAX_LOCAL_PART or not _LOCAL.fullmatch(local):
        raise ValueError("is not an e-mail address")
    try:
        check_domain(host)
    except ValueError as error:
        raise ValueError(f"is not an e-mail address, its host {error}") from error
    return value


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
        raise ValueError(f"has the label {label!r}, which programs convert in different ways; write its xn-- form")
    return f"xn--{lower.encode('punycode').decode()}"
