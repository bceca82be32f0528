"""API tokens: for programs, limited to acts of their account, and in time."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import InputError
from anchorhold_desk.accounts import account_of
from anchorhold_desk.desk_errors import MissingError
from anchorhold_desk.events import Kind, record
from anchorhold_desk.identity import Identity
from anchorhold_desk.roles import Act
from anchorhold_desk.secrets_at_rest import digest_of, random_secret
from anchorhold_desk.store import timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from anchorhold_desk.identity import Account
    from anchorhold_desk.store import Store

PREFIX: Final = "ahd_"
"""Of a token, so that scanners of secrets find it where it does not belong."""
LONGEST_LIFE: Final = 366 * 86_400
"""Seconds for which a token may be good."""


@dataclass(frozen=True, slots=True)
class Token:
    """An API token, without its secret.

    Attributes:
        id: Its identifier, which is part of it.
        name: What it is for.
        acts: What it may do, of what the roles of its account allow.
        ends_at: When it ends, seconds since 1970 UTC.
        created_at: When it was made.
    """

    id: str
    name: str
    acts: tuple[Act, ...]
    ends_at: int
    created_at: int

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "id": self.id,
            "name": self.name,
            "acts": [act.value for act in self.acts],
            "ends_at": self.ends_at,
            "created_at": self.created_at,
        }


class Tokens:
    """The tokens of all accounts.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, account: Account, name: str, acts: Collection[Act], life: int, by: Identity) -> str:
        """Make a token; its text is returned once and kept nowhere.

        Args:
            account: Whose.
            name: What it is for.
            acts: What it may do; administering accounts is for people.
            life: Seconds for which it is good.
            by: Who makes it.

        Raises:
            InputError: It would be good for nothing, for too long, or for what is for people.
        """
        if not acts or Act.ADMINISTER in acts:
            raise InputError("token: needs acts, and administering accounts is not one of them", hint="name others")
        if not 0 < life <= LONGEST_LIFE:
            raise InputError("token: is good for a day to a year", hint="choose another end")
        if not name or len(name) > 64 or not name.isprintable():
            raise InputError("token: its name has not 1 to 64 characters that can be printed", hint="choose another")
        number, secret, now = secrets.token_hex(8), random_secret(), timestamp()
        with self._store.transaction() as tables:
            tables.token.create(
                id=number,
                digest=digest_of(secret),
                account=account.id,
                name=name,
                acts=json.dumps(sorted(act.value for act in acts)),
                ends_at=now + life,
                created_at=now,
            )
            record(tables, Kind.TOKEN_MADE, by.name, by.origin, about=account.name, token=number)
        return f"{PREFIX}{number}_{secret}"

    def list(self, account: Account) -> Sequence[Token]:
        """Those of an account that are still good, the newest first."""
        with self._store.transaction() as tables:
            token = tables.token
            good = token.select().where((token.account == account.id) & (token.ends_at > timestamp()))
            return [_token(row) for row in good.order_by(token.created_at.desc())]

    def end(self, account: Account, number: str, by: Identity) -> None:
        """End a token.

        Raises:
            MissingError: The account has none of that identifier.
        """
        with self._store.transaction() as tables:
            token = tables.token
            ended = token.delete().where((token.id == number) & (token.account == account.id)).execute()
            if not ended:
                raise MissingError("token: does not exist", hint="look it up in the list of tokens")
            record(tables, Kind.TOKEN_ENDED, by.name, by.origin, about=account.name, token=number)

    def identity(self, text: str, origin: str) -> Identity | None:
        """Whose token it is; None if it is none, or has ended."""
        number, _, secret = text.removeprefix(PREFIX).partition("_")
        if not text.startswith(PREFIX) or not secret:
            return None
        with self._store.transaction() as tables:
            row = tables.token.get_or_none(tables.token.id == number)
            if row is None or not hmac.compare_digest(row.digest, digest_of(secret)) or row.ends_at <= timestamp():
                return None
            account = account_of(tables, row.account)
        if account is None or not account.active:
            return None
        return Identity(account, origin, frozenset(_token(row).acts))


def _token(row: Any) -> Token:
    return Token(row.id, row.name, tuple(map(Act, json.loads(row.acts))), row.ends_at, row.created_at)
