"""Names that a general name has no kind of its own for (otherName, RFC 5280, section 4.2.1.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cryptography import x509

from anchorhold.x509.der import is_der, span, tlv, utf8_string
from anchorhold.x509.hosts import check_domain, to_ascii

if TYPE_CHECKING:
    from collections.abc import Callable

_UPN: Final = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_SRV: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")
_SMTP_UTF8: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9")
_IA5_STRING: Final = 0x16
_UTF8_STRING: Final = 0x0C
_TRUST_DOMAIN: Final = re.compile(r"[a-z0-9._-]{1,255}")


def upn(value: str) -> x509.OtherName:
    """A user principal name, for the log-on to Windows.

    Raises:
        ValueError: It is not a user principal name.
    """
    user, at, domain = value.rpartition("@")
    if not at or not user or "@" in user or not domain or not value.isprintable() or " " in value:
        raise ValueError("is not a user principal name, as user@example.com is")
    return x509.OtherName(_UPN, utf8_string(value))


def srv(value: str) -> x509.OtherName:
    """A service at a domain (RFC 4985, section 2).

    Raises:
        ValueError: It is not a service at a domain.
    """
    service, _, domain = value.partition(".")
    if not re.fullmatch(r"_[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", service):
        raise ValueError("is not a service, as _xmpp-client.example.com is")
    return x509.OtherName(_SRV, tlv(_IA5_STRING, f"{service}.{check_domain(to_ascii(domain))}".encode()))


def smtp_utf8(value: str) -> x509.OtherName:
    """An e-mail address with letters beyond ASCII before the ``@`` (RFC 9598, section 3).

    Raises:
        ValueError: It is not such an address.
    """
    local, _, domain = value.rpartition("@")
    if local.isascii() or not local.isprintable() or " " in local:
        raise ValueError("is not an e-mail address with letters beyond ASCII before the @")
    check_domain(to_ascii(domain))
    return x509.OtherName(_SMTP_UTF8, utf8_string(value))


def certifiable_other(name: x509.OtherName) -> x509.OtherName:
    """A name of another kind that came from elsewhere, if it is DER; of a kind known here, if it could be asked for.

    Raises:
        ValueError: It is not fit for a certificate.
    """
    if not is_der(name.value):
        raise ValueError("is not DER")
    kind = _KINDS.get(name.type_id)
    if kind is not None and kind[1](_text(name, kind[0])) != name:
        raise ValueError("is not in the form that certificates have")
    return name


def interpretations(name: x509.GeneralName) -> x509.GeneralName | None:
    """What a program may take a name of another kind for: a service for its domain, a user for a mailbox."""
    if not isinstance(name, x509.OtherName) or name.type_id not in _KINDS:
        return None
    text = _text(name, _KINDS[name.type_id][0])
    if name.type_id == _SRV:
        return x509.DNSName(text.partition(".")[2])
    user, _, domain = text.rpartition("@")
    return x509.RFC822Name._init_without_validation(f"{user}@{_ascii_if_it_can_be(domain)}")  # noqa: SLF001


def is_mailbox(name: x509.GeneralName) -> bool:
    """Whether constraints of e-mail addresses are about it, though it is of another kind (RFC 9598, section 6)."""
    return isinstance(name, x509.OtherName) and name.type_id == _SMTP_UTF8


def _ascii_if_it_can_be(domain: str) -> str:
    try:
        return to_ascii(domain)
    except ValueError:
        return domain


def _text(name: x509.OtherName, tag: int) -> str:
    if name.value[0] != tag:
        raise ValueError("has the wrong string type")
    begin, end = span(name.value)
    return name.value[begin:end].decode()


def check_trust_domain(value: str) -> None:
    """The host of a SPIFFE ID, which may have underscores (SPIFFE-ID, section 2.1).

    Raises:
        ValueError: It is not a valid trust domain.
    """
    if not _TRUST_DOMAIN.fullmatch(value):
        raise ValueError("has a trust domain with characters other than a-z, 0-9, dot, hyphen and underscore")


_KINDS: Final[dict[x509.ObjectIdentifier, tuple[int, Callable[[str], x509.OtherName]]]] = {
    _UPN: (_UTF8_STRING, upn),
    _SRV: (_IA5_STRING, srv),
    _SMTP_UTF8: (_UTF8_STRING, smtp_utf8),
}
"""Kinds that are looked into, each with the tag of its string and what makes such a name of a text."""
