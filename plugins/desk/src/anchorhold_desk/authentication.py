"""Who sends a request: a session by its cookie, or a program by its token."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError

if TYPE_CHECKING:
    from starlette.requests import Request

    from anchorhold_desk.desk import Desk
    from anchorhold_desk.identity import Identity
    from anchorhold_desk.settings import DeskSettings

SAFE: Final = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
_BEARER: Final = "bearer "


class UnauthenticatedError(AnchorholdError):
    """Nobody knows who sends a request."""

    code = "unauthenticated"


class CrossSiteError(AnchorholdError):
    """A request came from the page of someone else."""

    code = "cross-site"


def cookie_name(settings: DeskSettings) -> str:
    """Of the session; with the prefix, browsers take it only by HTTPS from this host (RFC 6265bis, section 4.1.3)."""
    return "__Host-desk" if settings.is_https else "desk"


def origin_of(request: Request, settings: DeskSettings) -> str:
    """The address that a request came from; a proxy of the settings is believed what it says."""
    peer = request.client.host if request.client is not None else ""
    hops = [hop.strip() for hop in request.headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    while hops and (not peer or _is_proxy(peer, settings.proxies)):  # without an address it is a Unix socket
        peer = hops.pop()
    try:
        return str(ip_address(peer))
    except ValueError:
        return "unknown"


def identity_of(request: Request, desk: Desk) -> Identity:
    """Who sends a request.

    Raises:
        UnauthenticatedError: Nobody who is known.
        CrossSiteError: It would change something, has a cookie, and does not come from a page of the desk.
    """
    origin, given = origin_of(request, desk.settings), request.headers.get("authorization")
    if given is not None:
        is_token = given[: len(_BEARER)].lower() == _BEARER
        found = desk.tokens.identity(given[len(_BEARER) :].strip(), origin) if is_token else None
    elif session := request.cookies.get(cookie_name(desk.settings)):
        check_same_site(request, desk.settings)
        found = desk.logins.identity(session, origin)
    else:
        found = None
    if found is None:
        raise UnauthenticatedError("authentication: there is no session, or no such token", hint="log in")
    return found


def check_same_site(request: Request, settings: DeskSettings) -> None:
    """Refuse a request that would change something and was not made by a page of the desk (OWASP ASVS 5.0, 3.5.1).

    Browsers say where a request comes from, in ``Origin``; the cookie is ``SameSite=Strict``, too.

    Raises:
        CrossSiteError: It was not, or does not say.
    """
    if request.method not in SAFE and request.headers.get("origin", "").lower() != settings.url:
        raise CrossSiteError(
            "request: does not come from a page of the desk", hint="open the desk by its own URL, and retry"
        )


def _is_proxy(peer: str, proxies: tuple[str, ...]) -> bool:
    try:
        address = ip_address(peer)
        return any(address in ip_network(proxy, strict=False) for proxy in proxies)
    except ValueError:
        return False
