"""Logging in: a password, a code where the account has a second factor, and a session.

Whatever is wrong, the answer is the same and takes as long; failures lock an account for a while, longer each time. A
link from an administrator, or from the operator of the host, is the way back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyotp

from anchorhold.errors import AnchorholdError
from anchorhold_desk.accounts import account_of, end_sessions
from anchorhold_desk.events import Kind, record
from anchorhold_desk.identity import Identity
from anchorhold_desk.secrets_at_rest import digest_of, hash_of, is_password, random_secret
from anchorhold_desk.store import timestamp

if TYPE_CHECKING:
    from anchorhold.secret import Secret
    from anchorhold_desk.identity import Account
    from anchorhold_desk.schema import Tables
    from anchorhold_desk.secrets_at_rest import Sealed
    from anchorhold_desk.store import Store

FREE_FAILURES: Final = 5
"""Failures after which an account is locked."""
FIRST_LOCK: Final = 60
LONGEST_LOCK: Final = 3600
"""Seconds for which it is locked; each further failure doubles them, up to the longest."""
TOTP_STEP: Final = 30
"""Seconds of a code (RFC 6238, section 5.2)."""


class LoginError(AnchorholdError):
    """Nobody was logged in; why is recorded, not told."""

    code = "login-failed"


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long sessions last.

    Attributes:
        idle: Seconds without a request after which a session ends.
        life: Seconds after which it ends in any case.
    """

    idle: int = 1800
    life: int = 12 * 3600


class Logins:
    """Passwords, second factors and sessions.

    Args:
        store: Where they are.
        sealed: Encrypts the secrets of second factors.
        limits: Of sessions.
    """

    def __init__(self, store: Store, sealed: Sealed, limits: SessionLimits) -> None:
        self._store = store
        self._sealed = sealed
        self._limits = limits

    def log_in(self, name: str, password: Secret, code: str, origin: str) -> str:
        """Begin a session; returns its secret, for a cookie.

        Args:
            name: Of the account.
            password: Its password.
            code: Of the second factor; empty where it has none.
            origin: Where the request came from.

        Raises:
            LoginError: Not with these.
        """
        with self._store.transaction() as tables:
            row = tables.account.get_or_none(tables.account.name == name)
            stored = None if row is None or not row.active else row.password
            locked = row is not None and row.locked_until > timestamp()
        right = is_password(stored, password)  # outside the transaction, for it takes long
        with self._store.transaction() as tables:
            row = None if row is None else tables.account.get_or_none(tables.account.id == row.id)
            if row is not None and right and not locked and self._is_code(row, code):
                row.failures = row.locked_until = 0
                row.save()
                record(tables, Kind.LOGIN, row.name, origin, second_factor=row.totp is not None)
                return _new_session(tables, row)
            _note_failure(tables, row, name, origin, locked=locked)
        raise LoginError("log-in: name, password or code is wrong, or the account is locked", hint="try again later")

    def identity(self, secret: str, origin: str) -> Identity | None:
        """Who has a session; None if there is none, or it has ended."""
        now = timestamp()
        with self._store.transaction() as tables:
            session = tables.session.get_or_none(tables.session.digest == digest_of(secret))
            if session is None:
                return None
            account = account_of(tables, session.account)
            over = now > session.seen_at + self._limits.idle or now > session.began_at + self._limits.life
            if account is None or not account.active or over:
                session.delete_instance()
                return None
            if now > session.seen_at + 60:
                session.seen_at = now
                session.save()
        return Identity(account, origin)

    def log_out(self, secret: str, by: Identity) -> None:
        """End a session."""
        with self._store.transaction() as tables:
            tables.session.delete().where(tables.session.digest == digest_of(secret)).execute()
            record(tables, Kind.LOGOUT, by.name, by.origin)

    def set_password(self, link: str, password: Secret, origin: str) -> Account:
        """Set the password of an account by its link, which is used up; sessions and locks of the account end.

        Raises:
            LoginError: The link is not good any more.
            InputError: The password cannot be used; the link can be used again.
        """
        stored = hash_of(password)
        with self._store.transaction() as tables:
            used, row = _linked(tables, link)
            used.delete_instance()
            row.password, row.failures, row.locked_until = stored, 0, 0
            if used.removes_factor and row.totp is not None:
                row.totp = None
                record(tables, Kind.SECOND_FACTOR_REMOVED, row.name, origin, about=row.name)
            row.save()
            end_sessions(tables, row.id)
            record(tables, Kind.PASSWORD_SET, row.name, origin)
            account = account_of(tables, row.id)
        assert account is not None  # noqa: S101  # its row was just read
        return account

    def confirm(self, by: Identity, password: Secret) -> None:
        """Check that the user of a session knows the password, before what it logs in with is changed.

        Raises:
            LoginError: It is wrong, or the account is locked; a failure counts as one to log in.
        """
        number = by.account.id if by.account is not None else None
        with self._store.transaction() as tables:
            row = tables.account.get_or_none(tables.account.id == number)
            stored, locked = (None, False) if row is None else (row.password, row.locked_until > timestamp())
        if is_password(stored, password) and not locked:
            return
        with self._store.transaction() as tables:
            row = tables.account.get_or_none(tables.account.id == number)
            _note_failure(tables, row, by.name, by.origin, locked=locked)
        raise LoginError("password: is wrong, or the account is locked", hint="type the present password again")

    def change_password(self, by: Identity, old: Secret, new: Secret) -> str:
        """Change the password of the user of a session; all sessions end, and a new one begins.

        Returns:
            The secret of the new session.

        Raises:
            LoginError: The old password is wrong.
            InputError: The new one cannot be used.
        """
        self.confirm(by, old)
        stored = hash_of(new)
        with self._store.transaction() as tables:
            row = tables.account.get(tables.account.id == by.account.id)  # type: ignore[union-attr]  # it was confirmed
            row.password, row.failures = stored, 0
            row.save()
            end_sessions(tables, row.id)
            record(tables, Kind.PASSWORD_SET, row.name, by.origin)
            return _new_session(tables, row)

    def check_link(self, link: str) -> str:
        """The name of the account that a link is for; it is not used up.

        Raises:
            LoginError: It is not good any more.
        """
        with self._store.transaction() as tables:
            return str(_linked(tables, link)[1].name)

    def new_second_factor(self) -> str:
        """A new secret for time-based codes, in base 32 (RFC 6238); not kept until a code of it was given."""
        return pyotp.random_base32()

    def set_second_factor(self, account: Account, secret: str, code: str, by: Identity) -> None:
        """Let log-ins of an account need a code.

        Raises:
            LoginError: The code is not one of that secret: the clocks differ, or it was read wrong.
        """
        step = _step_of(secret, code, after=0)
        if step is None:
            raise LoginError("second factor: the code is wrong", hint="look whether both clocks are right, and retry")
        with self._store.transaction() as tables:
            changed = {"totp": self._sealed.seal(secret), "totp_step": step}
            tables.account.update(changed).where(tables.account.id == account.id).execute()
            record(tables, Kind.SECOND_FACTOR_SET, by.name, by.origin, about=account.name)

    def remove_second_factor(self, account: Account, by: Identity) -> None:
        """Let log-ins of an account need no code: its owner has lost what makes them."""
        with self._store.transaction() as tables:
            tables.account.update({"totp": None}).where(tables.account.id == account.id).execute()
            end_sessions(tables, account.id)
            record(tables, Kind.SECOND_FACTOR_REMOVED, by.name, by.origin, about=account.name)

    def _is_code(self, row: Any, code: str) -> bool:
        """Whether a code is right, or not needed; a right one is used up."""
        if row.totp is None:
            return True
        step = _step_of(self._sealed.open(row.totp), code, after=row.totp_step)
        if step is not None:
            row.totp_step = step
        return step is not None


def _linked(tables: Tables, link: str) -> tuple[Any, Any]:
    """The rows of a link that is still good, and of its account."""
    found = tables.link.get_or_none((tables.link.digest == digest_of(link)) & (tables.link.ends_at > timestamp()))
    row = None if found is None else tables.account.get_or_none(tables.account.id == found.account)
    if row is None or not row.active:
        raise LoginError("link: was used, or is too old", hint="ask for a new one")
    return found, row


def _step_of(secret: str, code: str, *, after: int) -> int | None:
    """The time step that a code is of: this one or one beside it, and later than one that was used."""
    now = timestamp() // TOTP_STEP
    totp = pyotp.TOTP(secret)
    return next(
        (step for step in (now - 1, now, now + 1) if step > after and totp.verify(code, for_time=step * TOTP_STEP)),
        None,
    )


def _new_session(tables: Tables, row: Any) -> str:
    secret, now = random_secret(), timestamp()
    tables.session.create(
        digest=digest_of(secret), account=row.id, began_at=now, seen_at=now, verified=row.totp is not None
    )
    return secret


def _note_failure(tables: Tables, row: Any, name: str, origin: str, *, locked: bool) -> None:
    if row is None:
        record(tables, Kind.LOGIN_FAILED, "".join(filter(str.isprintable, name))[:64], origin)
        return
    record(tables, Kind.LOGIN_FAILED, row.name, origin, locked=locked)
    if locked:
        return
    row.failures += 1
    if row.failures >= FREE_FAILURES:
        seconds = min(FIRST_LOCK << (row.failures - FREE_FAILURES), LONGEST_LOCK)
        row.locked_until = timestamp() + seconds
        record(tables, Kind.LOCKED, row.name, origin, seconds=seconds)
    row.save()
