"""One's own API tokens. They are made and ended in a session, not with a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from anchorhold_desk.api.endpoint import Call, Endpoint, Link
from anchorhold_desk.api.histories import moment_of
from anchorhold_desk.api.model import PRINTABLE, Model, Told
from anchorhold_desk.roles import Act

if TYPE_CHECKING:
    from anchorhold_desk.identity import Account
    from anchorhold_desk.tokens import Token

DAY: Final = 86_400


class TokenItem(Model):
    """A token, without its secret."""

    id: str
    name: str
    acts: list[Act]
    ends_at: Told
    created_at: Told


class TokenMade(TokenItem):
    """A token; its text is told once."""

    token: str


class TokenList(Model):
    """Tokens, the newest first."""

    items: list[TokenItem]


class TokenWanted(Model):
    """A new token."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=PRINTABLE)]
    acts: Annotated[list[Literal[Act.VIEW, Act.REQUEST, Act.APPROVE, Act.REVOKE, Act.OPERATE]], Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=366)] = 90


def _account(call: Call) -> Account:
    account = call.acting.identity.account
    assert account is not None  # noqa: S101  # HTTP has no other way in
    return account


def _item(token: Token) -> dict[str, Any]:
    return {**token.to_json(), "ends_at": moment_of(token.ends_at), "created_at": moment_of(token.created_at)}


def _list(call: Call) -> dict[str, Any]:
    return {"items": [_item(token) for token in call.acting.own_tokens().list(_account(call))]}


def _add(call: Call) -> dict[str, Any]:
    wanted: TokenWanted = call.body
    tokens, account = call.acting.own_tokens(), _account(call)
    text = tokens.add(account, wanted.name, set(wanted.acts), wanted.days * DAY, call.acting.identity)
    (made,) = (token for token in tokens.list(account) if token.id in text.split("_"))
    return {**_item(made), "token": text}


def _end(call: Call) -> None:
    call.acting.own_tokens().end(_account(call), call.path["token"], call.acting.identity)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/tokens",
        operation="listTokens",
        summary="One's own tokens that are still good",
        answer=TokenList,
        handler=_list,
        for_people=True,
    ),
    Endpoint(
        method="POST",
        path="/tokens",
        operation="addToken",
        summary="Make a token for a program, limited to acts and in time",
        body=TokenWanted,
        answer=TokenMade,
        status=201,
        handler=_add,
        has_secret=True,
        links=(Link("endToken", "token", "/id"),),
        for_people=True,
    ),
    Endpoint(
        method="DELETE",
        path="/tokens/{token}",
        operation="endToken",
        summary="End one of one's own tokens",
        status=204,
        handler=_end,
        for_people=True,
    ),
)
