"""The way in for the operator of the host: a link for an administrator, who may not be there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import InputError
from anchorhold_desk.identity import Identity
from anchorhold_desk.roles import Grant, Role

if TYPE_CHECKING:
    from anchorhold_desk.desk import Desk

HOST: Final = Identity(None, "command line")
"""The operator of the host."""
LINK: Final = "/link#"
"""Where a link leads; what follows is not sent with the request for the page, so no log of a proxy has it."""


def link_url(desk: Desk, secret: str) -> str:
    """The URL of a link."""
    return f"{desk.settings.url}{LINK}{secret}"


def administrator_link(desk: Desk, name: str) -> str:
    """The URL by which an administrator sets a password, once; the account is made if it is not there.

    Raises:
        InputError: There is such an account, and it does not administer accounts.
    """
    administers = Grant(Role.ADMINISTRATOR)
    known = {account.name: account for account in desk.accounts.list()}
    if name not in known:
        desk.accounts.add(name, "", [administers], HOST)
    elif administers not in known[name].grants:
        raise InputError(f"account {name}: does not administer accounts", hint="name one that does, or a new one")
    return link_url(desk, desk.accounts.make_link(name, HOST))
