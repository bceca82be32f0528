"""Accounts, for those who administer them, and what one is oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from anchorhold_desk.accounts import NAME
from anchorhold_desk.api.endpoint import Call, Endpoint, Link
from anchorhold_desk.api.etags import etag_of
from anchorhold_desk.api.model import Model, Name
from anchorhold_desk.desk_errors import ChangedError
from anchorhold_desk.first_account import link_url
from anchorhold_desk.roles import EVERY_AUTHORITY, Act, Grant, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

Mail = Annotated[str, Field(max_length=254)]


class GrantItem(Model):
    """A role, for the authority of that name or `*` for all."""

    role: Role
    authority: Name = EVERY_AUTHORITY


class AccountItem(Model):
    """An account."""

    name: str
    mail: str
    active: bool
    has_password: bool
    has_second_factor: bool
    grants: list[GrantItem]


class Me(AccountItem):
    """The account that asks."""

    acts: Annotated[list[Act] | None, Field(description="What the token is limited to; null without one")]


class AccountList(Model):
    """Accounts, by name."""

    items: list[AccountItem]


class AccountWanted(Model):
    """A new account."""

    name: Annotated[str, Field(pattern=f"^{NAME}$")]
    mail: Mail = ""
    grants: Annotated[list[GrantItem], Field(max_length=100, default_factory=list)]


class AccountChange(Model):
    """What is changed of an account; what is left out stays as it is."""

    mail: Mail | None = None
    active: bool | None = None
    grants: Annotated[list[GrantItem], Field(max_length=100)] | None = None


class LinkMade(Model):
    """A link, good once and for a day, by which the owner of an account sets a password."""

    url: str


def _grants(items: Sequence[GrantItem]) -> list[Grant]:
    return [Grant(item.role, item.authority) for item in items]


def _me(call: Call) -> dict[str, Any]:
    identity = call.acting.identity
    assert identity.account is not None  # noqa: S101  # HTTP has no other way in
    return {**identity.account.to_json(), "acts": None if identity.acts is None else sorted(identity.acts)}


def _list(call: Call) -> dict[str, Any]:
    return {"items": [account.to_json() for account in call.acting.administered().list()]}


def _show(call: Call) -> dict[str, Any]:
    return call.acting.administered().get(call.path["account"]).to_json()


def _add(call: Call) -> dict[str, Any]:
    wanted: AccountWanted = call.body
    accounts = call.acting.administered()
    return accounts.add(wanted.name, wanted.mail, _grants(wanted.grants), call.acting.identity).to_json()


def _change(call: Call) -> dict[str, Any]:
    wanted: AccountChange = call.body
    accounts, name = call.acting.administered(), call.path["account"]
    read = accounts.get(name) if call.matches else None
    if read is not None and not call.matches & {"*", etag_of(read.to_json())}:
        raise ChangedError(f"account {name}: is not what If-Match says", hint="read it again, and retry")
    grants = None if wanted.grants is None else _grants(wanted.grants)
    by = call.acting.identity
    return accounts.change(name, by, mail=wanted.mail, active=wanted.active, grants=grants, read=read).to_json()


def _link(call: Call) -> dict[str, Any]:
    secret = call.acting.administered().make_link(call.path["account"], call.acting.identity)
    return {"url": link_url(call.desk, secret)}


def _remove_second_factor(call: Call) -> None:
    account = call.acting.administered().get(call.path["account"])
    call.acting.may_reset(account)
    call.desk.logins.remove_second_factor(account, call.acting.identity)


_ADMINISTER = (Act.ADMINISTER,)
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/me",
        operation="showMe",
        summary="The account that asks, with its roles",
        answer=Me,
        handler=_me,
        is_one=True,
    ),
    Endpoint(
        method="GET",
        path="/accounts",
        operation="listAccounts",
        summary="The accounts, by name",
        acts=_ADMINISTER,
        answer=AccountList,
        handler=_list,
    ),
    Endpoint(
        method="POST",
        path="/accounts",
        operation="addAccount",
        summary="Make an account; a link lets its owner set a password",
        acts=_ADMINISTER,
        body=AccountWanted,
        answer=AccountItem,
        status=201,
        handler=_add,
        location="/accounts/{name}",
        links=tuple(
            Link(operation, "account", "/name")
            for operation in ("showAccount", "changeAccount", "makeLink", "removeSecondFactor")
        ),
    ),
    Endpoint(
        method="GET",
        path="/accounts/{account}",
        operation="showAccount",
        summary="An account",
        acts=_ADMINISTER,
        answer=AccountItem,
        handler=_show,
        is_one=True,
    ),
    Endpoint(
        method="PATCH",
        path="/accounts/{account}",
        operation="changeAccount",
        summary="Change an account; its sessions end where it may no longer log in",
        acts=_ADMINISTER,
        body=AccountChange,
        answer=AccountItem,
        handler=_change,
        is_one=True,
    ),
    Endpoint(
        method="POST",
        path="/accounts/{account}/link",
        operation="makeLink",
        summary="Make a link, good once, by which the owner of an account sets a password",
        acts=_ADMINISTER,
        answer=LinkMade,
        handler=_link,
        has_secret=True,
    ),
    Endpoint(
        method="DELETE",
        path="/accounts/{account}/second-factor",
        operation="removeSecondFactor",
        summary="Let log-ins of an account need no code: its owner has lost what makes them",
        acts=_ADMINISTER,
        status=204,
        handler=_remove_second_factor,
    ),
)
