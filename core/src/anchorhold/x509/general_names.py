"""Subject alternative names (RFC 5280, section 4.2.1.6) from and to text."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from cryptography import x509

from anchorhold.errors import NameForbiddenError
from anchorhold.x509.hosts import check_authority, check_domain, check_mailbox, to_ascii
from anchorhold.x509.names import certified, format_name, parse_subject
from anchorhold.x509.other_names import certifiable_other, check_trust_domain, srv, upn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_WITHOUT_HOST: Final = frozenset({"file", "ldap", "ldaps"})
"""Schemes of which a URI may leave the host to its reader (RFC 5280, section 4.2.1.13)."""
_NO_URI: Final = re.compile(r"[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]|%(?![0-9A-Fa-f]{2})")
"""What RFC 3986 has not in a URI: a backslash, for one, ends the host for some programs and not for others."""


def parse_alt(text: str) -> x509.GeneralName:
    """Read a subject alternative name.

    Args:
        text: ``DNS:``, ``IP:``, ``URI:``, ``email:``, ``dirname:``, ``RID:``, ``UPN:`` or ``SRV:`` and a value.
            Without one of these it is taken for what it looks like: an address, a URI, an e-mail address, else a DNS
            name. Domains with letters beyond ASCII become their ``xn--`` form.

    Raises:
        NameForbiddenError: It is not a name of that kind.
    """
    kind, colon, value = text.partition(":")
    parser = _PARSERS.get(kind.lower()) if colon else None
    if parser is None:
        parser, value = _PARSERS[_guess(text)], text
    try:
        return parser(value.strip())
    except ValueError as error:
        raise _not_a_name(text, error) from error


def format_general_name(name: x509.GeneralName) -> str:
    """The name in the form that `parse_alt` reads; one of another kind with its identifier and its DER in hex."""
    if isinstance(name, x509.OtherName):
        return f"{kind_of(name)}:{name.type_id.dotted_string}:{name.value.hex()}"
    if isinstance(name, x509.DirectoryName):
        return f"{kind_of(name)}:{format_name(name.value)}"
    if isinstance(name, x509.RegisteredID):
        return f"{kind_of(name)}:{name.value.dotted_string}"
    return f"{kind_of(name)}:{name.value}"


def kind_of(name: x509.GeneralName) -> str:
    """The kind of a name, as it is written before the colon."""
    return _PREFIXES.get(type(name), "other")


def certifiable(name: x509.GeneralName) -> x509.GeneralName:
    """A name that came from elsewhere, such as a CSR, as it can be in a certificate: checked in the form it has there.

    Raises:
        NameForbiddenError: It is not fit for a certificate.
        SubjectInvalidError: Nor is the directory name that it is.
    """
    try:
        if isinstance(name, x509.OtherName):
            return certifiable_other(name)
        return _CHECKS[type(name)](name.value)
    except ValueError as error:
        raise _not_a_name(format_general_name(name), error) from error


def check_urls(urls: Iterable[str]) -> None:
    """Refuse what is not an absolute URI.

    Raises:
        NameForbiddenError: With the first one that is not.
    """
    for url in urls:
        parse_alt(f"URI:{url}")


def _not_a_name(text: str, reason: object) -> NameForbiddenError:
    return NameForbiddenError(
        f"alternative name {text!r}: {str(reason).rstrip('.') or 'malformed'}",
        hint="write DNS:example.com, IP:192.0.2.1, URI:https://example.com or email:me@example.com",
    )


def _guess(text: str) -> str:
    if ":" in text or text.rpartition(".")[2].isdigit():  # as no DNS name is
        with suppress(ValueError):
            _ip(text)
            return "ip"
    if "://" in text:
        return "uri"
    return "email" if "@" in text else "dns"


def _dns(value: str) -> x509.DNSName:
    value = to_ascii(value)
    check_domain(value.removeprefix("*."))
    return x509.DNSName(value)


def _domain(value: str) -> x509.DNSName:
    check_domain(value.removeprefix("*."))
    return x509.DNSName(value)


def _ip(value: str) -> x509.IPAddress:
    if "%" in value:
        raise ValueError("has a zone, which certificates cannot contain")
    if value[:1] == "[" and value[-1:] == "]":  # as in URLs
        return x509.IPAddress(ipaddress.IPv6Address(value[1:-1]))
    return x509.IPAddress(ipaddress.ip_address(value))


def _rid(value: str) -> x509.RegisteredID:
    try:
        return x509.RegisteredID(x509.ObjectIdentifier(value))
    except ValueError:
        raise ValueError("is not an object identifier") from None


def _uri(value: str) -> x509.UniformResourceIdentifier:
    odd = _NO_URI.search(value)
    if odd is not None:
        raise ValueError(f"is not an absolute URI, which has no {odd[0]!r} in it")
    parts = urlsplit(value)
    if not parts.scheme or not (parts.netloc or parts.path):
        raise ValueError("is not an absolute URI")
    if parts.scheme == "spiffe":
        check_trust_domain(parts.netloc)
    elif parts.netloc or (value[len(parts.scheme) :].startswith("://") and parts.scheme not in _WITHOUT_HOST):
        check_authority(parts.netloc.rpartition("@")[2])
    return x509.UniformResourceIdentifier(value)


def _email(value: str) -> x509.RFC822Name:
    local, at, host = value.rpartition("@")
    return _mailbox(f"{local}{at}{to_ascii(host)}")


def _mailbox(value: str) -> x509.RFC822Name:
    return x509.RFC822Name(check_mailbox(value))


def _dirname(value: str) -> x509.DirectoryName:
    return _directory(parse_subject(value))


def _directory(name: x509.Name) -> x509.DirectoryName:
    if not name.rdns:
        raise ValueError("is empty")
    return x509.DirectoryName(certified(name))


def _address(value: Any) -> x509.IPAddress:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        raise ValueError("is a network, not an address")  # noqa: TRY004  # not what Python means by a type
    return x509.IPAddress(value)


_PARSERS: Final[dict[str, Callable[[str], x509.GeneralName]]] = {
    "dns": _dns,
    "ip": _ip,
    "uri": _uri,
    "email": _email,
    "dirname": _dirname,
    "rid": _rid,
    "upn": upn,
    "srv": srv,
}

_CHECKS: Final[dict[type[x509.GeneralName], Callable[[Any], x509.GeneralName]]] = {
    x509.DNSName: _domain,
    x509.IPAddress: _address,
    x509.UniformResourceIdentifier: _uri,
    x509.RFC822Name: _mailbox,
    x509.DirectoryName: _directory,
    x509.RegisteredID: x509.RegisteredID,
}
"""From the values of names to names, without the blanks and the letters beyond ASCII that people may type."""

_PREFIXES: Final[dict[type[x509.GeneralName], str]] = {
    x509.DNSName: "DNS",
    x509.IPAddress: "IP",
    x509.UniformResourceIdentifier: "URI",
    x509.RFC822Name: "email",
    x509.DirectoryName: "dirname",
    x509.RegisteredID: "RID",
}
