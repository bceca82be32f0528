"""Accounts: who may log in, and which roles they have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import InputError
from anchorhold_desk.desk_errors import ChangedError, MissingError, WrongStateError
from anchorhold_desk.events import Kind, record
from anchorhold_desk.identity import Account, Identity
from anchorhold_desk.roles import EVERY_AUTHORITY, Grant, Role
from anchorhold_desk.secrets_at_rest import digest_of, random_secret
from anchorhold_desk.store import timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold_desk.schema import Tables
    from anchorhold_desk.store import Store

LINK_LIFE: Final = 86_400
"""Seconds for which a one-time link is good."""
NAME: Final = r"[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?"
"""What the name of an account looks like."""

_MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")


class Accounts:
    """The accounts. Every change is recorded with who made it.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self) -> Sequence[Account]:
        """All, by name."""
        with self._store.transaction() as tables:
            rows = list(tables.account.select().order_by(tables.account.name))
            return [_account(tables, row) for row in rows]

    def get(self, name: str) -> Account:
        """An account by its name.

        Raises:
            MissingError: There is none.
        """
        with self._store.transaction() as tables:
            return _account(tables, _row(tables, name))

    def add(self, name: str, mail: str, grants: Sequence[Grant], by: Identity) -> Account:
        """Make an account, without a password: a link lets its owner set one.

        Raises:
            InputError: The name or the address cannot be used.
            WrongStateError: The name is taken.
        """
        if not re.fullmatch(NAME, name):
            raise InputError(
                "account: its name is not made of a-z, 0-9 and . _ @ - (64 characters at most)", hint="choose another"
            )
        _check_mail(mail)
        with self._store.transaction() as tables:
            if tables.account.get_or_none(tables.account.name == name) is not None:
                raise WrongStateError(f"account {name}: exists already", hint="choose another name")
            row = tables.account.create(name=name, mail=mail, created_at=timestamp())
            record(tables, Kind.ACCOUNT_MADE, by.name, by.origin, about=name)
            _set_grants(tables, row, grants, by)
            return _account(tables, row)

    def change(
        self,
        name: str,
        by: Identity,
        *,
        mail: str | None = None,
        active: bool | None = None,
        grants: Sequence[Grant] | None = None,
        read: Account | None = None,
    ) -> Account:
        """Change an account; None leaves what it is about as it is. Its sessions end where it may no longer log in.

        Args:
            name: Of the account.
            by: Who changes it.
            mail: Its address.
            active: Whether it may log in.
            grants: Its roles.
            read: The account as it was read; None to change it whatever it is.

        Raises:
            MissingError: There is none.
            InputError: The address cannot be used.
            ChangedError: It is not as it was read.
            WrongStateError: Nobody would be left who administers accounts.
        """
        with self._store.transaction() as tables:
            _one_after_the_other(tables)
            row = _row(tables, name)
            if read is not None and _account(tables, row) != read:
                raise ChangedError(f"account {name}: was changed in the meantime", hint="read it again, and retry")
            if mail is not None:
                _check_mail(mail)
                row.mail = mail
            if active is not None:
                row.active = active
                row.failures = row.locked_until = 0
            row.save()
            if row.active is False:
                end_sessions(tables, row.id)
            record(tables, Kind.ACCOUNT_CHANGED, by.name, by.origin, about=name, active=bool(row.active))
            if grants is not None:
                _set_grants(tables, row, grants, by)
            _check_administered(tables)
            return _account(tables, row)

    def make_link(self, name: str, by: Identity) -> str:
        """The secret of a link by which the owner of an account sets a new password, once; earlier links end.

        One from the operator of the host removes the second factor, too: it is the way back of the last administrator.

        Raises:
            MissingError: There is no such account.
            WrongStateError: It may not log in.
        """
        secret = random_secret()
        with self._store.transaction() as tables:
            row = _row(tables, name)
            if not row.active:
                raise WrongStateError(f"account {name}: is not active", hint="activate it first")
            tables.link.delete().where(tables.link.account == row.id).execute()
            tables.link.create(
                digest=digest_of(secret),
                account=row.id,
                ends_at=timestamp() + LINK_LIFE,
                removes_factor=by.account is None,
            )
            record(tables, Kind.LINK_MADE, by.name, by.origin, about=name)
        return secret


def account_of(tables: Tables, number: int) -> Account | None:
    """An account by its number, in the caller's transaction; None if there is none."""
    row = tables.account.get_or_none(tables.account.id == number)
    return None if row is None else _account(tables, row)


def end_sessions(tables: Tables, account: int) -> None:
    """End the sessions of an account, in the caller's transaction."""
    tables.session.delete().where(tables.session.account == account).execute()


def _account(tables: Tables, row: Any) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        mail=row.mail,
        active=bool(row.active),
        has_password=row.password is not None,
        has_second_factor=row.totp is not None,
        grants=tuple(sorted(_grants(tables, row))),
    )


def _grants(tables: Tables, row: Any) -> set[Grant]:
    granted = tables.grant.select().where(tables.grant.account == row.id)
    return {Grant(Role(grant.role), grant.authority) for grant in granted}


def _row(tables: Tables, name: str) -> Any:
    row = tables.account.get_or_none(tables.account.name == name)
    if row is None:
        raise MissingError(f"account {name}: does not exist", hint="look it up in the list of accounts")
    return row


def _one_after_the_other(tables: Tables) -> None:
    """Let changes of accounts wait for each other: what one of them checks, another must not undo meanwhile."""
    tables.account.update(active=tables.account.active).execute()


def _check_mail(mail: str) -> None:
    if mail and (len(mail) > 254 or not mail.isprintable() or not _MAIL.fullmatch(mail)):
        raise InputError("account: its mail address cannot be read", hint="write it as name@example.com")


def _set_grants(tables: Tables, row: Any, grants: Sequence[Grant], by: Identity) -> None:
    had = _grants(tables, row)
    for grant in sorted(had - set(grants)):
        tables.grant.delete().where(
            (tables.grant.account == row.id)
            & (tables.grant.role == grant.role.value)
            & (tables.grant.authority == grant.authority)
        ).execute()
        record(tables, Kind.ROLE_WITHDRAWN, by.name, by.origin, about=row.name, role=grant.role, on=grant.authority)
    for grant in sorted(set(grants) - had):
        tables.grant.create(account=row.id, role=grant.role.value, authority=grant.authority)
        record(tables, Kind.ROLE_GRANTED, by.name, by.origin, about=row.name, role=grant.role, on=grant.authority)


def _check_administered(tables: Tables) -> None:
    account, grant = tables.account, tables.grant
    administrators = (grant.role == Role.ADMINISTRATOR.value) & (grant.authority == EVERY_AUTHORITY)
    held = account.select().where(account.active & account.id.in_(grant.select(grant.account).where(administrators)))
    if not held.exists():
        raise WrongStateError(
            "accounts: nobody would be left who administers them", hint="make another account an administrator first"
        )
