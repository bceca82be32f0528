"""Name constraints (RFC 5280, section 4.2.1.10): from text, and whether they permit a name."""

from __future__ import annotations

import ipaddress
import re
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Final
from unicodedata import category, normalize
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from anchorhold.errors import NameForbiddenError
from anchorhold.x509.general_names import format_general_name
from anchorhold.x509.hosts import check_domain, check_mailbox, is_domain
from anchorhold.x509.names import parse_subject
from anchorhold.x509.other_names import interpretations, is_mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def name_constraints(permitted: Iterable[str], excluded: Iterable[str]) -> x509.NameConstraints | None:
    """The extension for subtrees given as text, or None if there are none.

    Args:
        permitted: Such as ``DNS:example.com``, ``IP:192.0.2.0/24``, ``email:example.com``, ``URI:.example.com``,
            ``dirname:O=Example``; ``DNS:``, ``email:``, ``URI:`` and ``dirname:`` alone for all names of the kind.
        excluded: The same.

    Raises:
        NameForbiddenError: One cannot be read.
    """
    inside, outside = [parse_subtree(text) for text in permitted], [parse_subtree(text) for text in excluded]
    return x509.NameConstraints(inside or None, outside or None) if inside or outside else None


def check_permitted(
    subject: x509.Name, names: Iterable[x509.GeneralName], constraints: x509.NameConstraints, issuer: str
) -> None:
    """Refuse names outside the constraints of an authority.

    Raises:
        NameForbiddenError: With the first such name.
    """
    held: list[x509.GeneralName] = list(names)
    if subject.rdns:
        held.append(x509.DirectoryName(subject))
    if not any(isinstance(name, x509.DNSName) for name in held):  # clients then take the common name for a host
        held += [x509.DNSName(host) for host in _hosts_in(subject)]
    held += [_mailbox(str(found.value)) for found in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    held += [read for name in held if is_mailbox(name) and (read := interpretations(name)) is not None]
    for name in held:
        read = interpretations(name)
        if not _permitted(name, constraints) or (read is not None and _excluded(read, constraints)):
            raise NameForbiddenError(
                f"{format_general_name(name)}: is outside the name constraints of {issuer!r}",
                hint="leave the name out or use another authority",
            )


def parse_subtree(text: str) -> x509.GeneralName:
    """Read a subtree of names, as `name_constraints` takes it.

    Raises:
        NameForbiddenError: It cannot be read.
    """
    kind, colon, value = text.partition(":")
    if not colon:
        kind, value = ("ip", text) if "/" in text else ("dns", text)
    try:
        return _SUBTREES[kind.lower()](value.strip())
    except (ValueError, KeyError) as error:
        raise NameForbiddenError(
            f"name constraint {text!r}: cannot be read as a subtree of names",
            hint="write DNS:example.com, IP:192.0.2.0/24, email:example.com, URI:.example.com or dirname:O=Example",
        ) from error


def fully_excluded(permitted: Iterable[str], excluded: Iterable[str]) -> str | None:
    """The first permitted subtree, as text, that is excluded as a whole.

    Raises:
        NameForbiddenError: One cannot be read.
    """
    outside = [parse_subtree(text) for text in excluded]
    for text in permitted:
        inside = parse_subtree(text)
        if any(type(inside) is type(each) and _WIDER[type(inside)](inside.value, each.value) for each in outside):
            return text
    return None


def is_within(name: x509.GeneralName, subtree: x509.GeneralName, *, in_doubt: bool = False) -> bool:
    """Whether a name is below a subtree of its kind.

    Args:
        name: The name.
        subtree: Of names.
        in_doubt: What to say where programs differ: about an empty subtree of addresses or URIs, which is all or none
            of them; about a URI without a host, and a mailbox that is none; about capital letters beyond ASCII; about a
            wildcard that stands for a name below, and others; about a domain with a dot before it itself.
    """
    compare = _COMPARISONS.get(type(name))
    return type(name) is type(subtree) and compare is not None and compare(name.value, subtree.value, in_doubt)


def _hosts_in(subject: x509.Name) -> list[str]:
    """Common names that some program takes for a host, as they do addresses and names with an underscore."""
    values = (str(found.value).strip().rstrip(".") for found in subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    return [value for value in values if _LIKE_A_HOST.fullmatch(value)]


def _permitted(name: x509.GeneralName, constraints: x509.NameConstraints) -> bool:
    """Whether every program would say so."""
    if _excluded(name, constraints):
        return False
    same_kind = [subtree for subtree in constraints.permitted_subtrees or () if type(subtree) is type(name)]
    return not same_kind or any(is_within(name, subtree) for subtree in same_kind)


def _excluded(name: x509.GeneralName, constraints: x509.NameConstraints) -> bool:
    """Whether any program would say so."""
    return any(is_within(name, subtree, in_doubt=True) for subtree in constraints.excluded_subtrees or ())


def _domain_within(domain: str, subtree: str, in_doubt: bool) -> bool:
    """A wildcard covers each name one label below it, and so an excluded one (as Go and BoringSSL have it).

    A dot before a subtree, which RFC 5280 has not, means the names below it to all but some, and those are right.
    """
    host, subtree = domain.lower(), subtree.lower()
    below, subtree = subtree.startswith("."), subtree.removeprefix(".")
    wildcard = host.startswith("*.")
    host = host.removeprefix("*.")
    if not subtree or host.endswith("." + subtree) or (in_doubt and wildcard and subtree.partition(".")[2] == host):
        return True
    return host == subtree and (in_doubt or wildcard or not below)


def _host_within(host: str, subtree: str, in_doubt: bool) -> bool:
    """For e-mail hosts and URIs a leading dot means subdomains, without one that very host."""
    if not host or not subtree:
        return in_doubt
    host, subtree = host.lower(), subtree.lower()
    return host.endswith(subtree) if subtree.startswith(".") else host == subtree


def _mailbox_within(mailbox: str, subtree: str, in_doubt: bool) -> bool:
    """What is no mailbox is refused wherever mailboxes are constrained."""
    try:
        check_mailbox(mailbox)
    except ValueError:
        return in_doubt
    return _mailboxes_within(mailbox, subtree, in_doubt)


def _mailboxes_within(mailbox: str, subtree: str, in_doubt: bool) -> bool:
    local, _, host = mailbox.rpartition("@")
    wanted_local, at, wanted_host = subtree.rpartition("@")
    spelt = _as_one_mailbox if in_doubt else str
    return (not at or spelt(local) == spelt(wanted_local)) and _host_within(host, wanted_host, in_doubt)


def _as_one_mailbox(local: str) -> str:
    """What stands before the ``@`` as nearly all hosts read it: without its case, and without quotes for nothing."""
    quoted = local.startswith('"') and local.endswith('"')
    return (re.sub(r"\\(.)", r"\1", local[1:-1]) if quoted else local).lower()


def _uri_within(uri: str, subtree: str, in_doubt: bool) -> bool:
    """A URI whose host is no domain is refused wherever URIs are constrained (section 4.2.1.10)."""
    host = urlsplit(uri).hostname or ""
    return _host_within(host if is_domain(host) else "", subtree, in_doubt)


def _address_within(address: object, network: object, _: bool) -> bool:
    """RFC 5280 has a network in the constraint and one address in the certificate."""
    return (
        isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address)
        and isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network)
        and address in network
    )


def _directory_within(name: x509.Name, subtree: x509.Name, in_doubt: bool) -> bool:
    """Case and the number of blanks do not matter (section 7.1); openssl knows ASCII letters and blanks only."""
    fold = _prepared if in_doubt else _lower_ascii
    above = name.rdns[: len(subtree.rdns)]
    return [_comparable(rdn, fold) for rdn in above] == [_comparable(rdn, fold) for rdn in subtree.rdns]


def _comparable(rdn: x509.RelativeDistinguishedName, fold: Callable[[str], str]) -> frozenset[tuple[object, object]]:
    values = ((found.oid, found.value) for found in rdn)
    return frozenset((oid, fold(value) if isinstance(value, str) else value) for oid, value in values)


def _lower_ascii(text: str) -> str:
    return " ".join(filter(None, text.translate(_LOWER).split(" ")))


def _prepared(text: str) -> str:
    """As directories compare (RFC 4518): compatible letters are one, those of no width are none."""
    seen = "".join(letter for letter in normalize("NFKC", text).casefold() if category(letter) != "Cf")
    return " ".join(seen.split())


def _directory(value: str) -> x509.DirectoryName:
    return x509.DirectoryName(parse_subject(value))


def _domain_subtree(value: str) -> x509.DNSName:
    """Empty for all of them."""
    return x509.DNSName(check_domain(value.removeprefix(".")) if value else "")


def _host(value: str) -> str:
    """One host, or with a dot before it those below; empty for all."""
    if value:
        check_domain(value.removeprefix("."))
    return value


def _mailbox_subtree(value: str) -> x509.RFC822Name:
    return _mailbox(check_mailbox(value) if "@" in value else _host(value))


def _mailbox(value: str) -> x509.RFC822Name:
    """Whatever is to be compared with mailboxes; empty for all of them, which is none to cryptography."""
    return x509.RFC822Name._init_without_validation(value)  # noqa: SLF001


_HOST_LABEL: Final = "[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_LIKE_A_HOST: Final = re.compile(rf"(?:\*\.)?{_HOST_LABEL}(?:\.{_HOST_LABEL})+\.?|\*\.{_HOST_LABEL}")
"""What openssl and others check against DNS constraints when it is a common name."""
_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)

_COMPARISONS: Final[dict[type[x509.GeneralName], Callable[..., bool]]] = {
    x509.DNSName: _domain_within,
    x509.IPAddress: _address_within,
    x509.RFC822Name: _mailbox_within,
    x509.UniformResourceIdentifier: _uri_within,
    x509.DirectoryName: _directory_within,
}

_WIDER: Final[dict[type[x509.GeneralName], Callable[..., bool]]] = {
    x509.DNSName: lambda inner, outer: _domain_within(inner, outer, False),
    x509.IPAddress: lambda inner, outer: inner.version == outer.version and inner.subnet_of(outer),
    x509.RFC822Name: lambda inner, outer: inner == outer or _mailboxes_within(inner, outer, not outer),
    x509.UniformResourceIdentifier: lambda inner, outer: inner == outer or _host_within(inner, outer, not outer),
    x509.DirectoryName: lambda inner, outer: _directory_within(inner, outer, True),
}
"""Whether a subtree (the first) is below another of its kind."""

_SUBTREES: Final[dict[str, Callable[[str], x509.GeneralName]]] = {
    "dns": _domain_subtree,
    "ip": lambda value: x509.IPAddress(ipaddress.ip_network(value)),
    "email": _mailbox_subtree,
    "uri": lambda value: x509.UniformResourceIdentifier(_host(value)),
    "dirname": _directory,
}
"""Section 4.2.1.10 has a host or a domain for URIs, not a URI."""
