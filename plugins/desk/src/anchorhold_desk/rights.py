"""What someone may do; what they may not is recorded before it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol

from anchorhold_desk.desk_errors import ForbiddenError
from anchorhold_desk.events import Kind
from anchorhold_desk.roles import EVERY_AUTHORITY, Act, authorities_of

if TYPE_CHECKING:
    from anchorhold_desk.identity import Account, Identity


class Note(Protocol):
    """Records that something happened."""

    def __call__(self, kind: Kind, identity: Identity, **detail: object) -> None:
        """Record it."""


class Rights:
    """The rights of someone.

    Args:
        identity: Who acts.
        note: Records what is refused.
    """

    def __init__(self, identity: Identity, note: Note) -> None:
        self.identity = identity
        self._note = note

    def visible(self) -> frozenset[str]:
        """Names of the authorities that may be seen, or `EVERY_AUTHORITY`."""
        account = self.identity.account
        return frozenset({EVERY_AUTHORITY}) if account is None else authorities_of(account.grants, Act.VIEW)

    def may_reset(self, account: Account) -> None:
        """Check that someone may take away another's second factor."""
        self._require(Act.ADMINISTER)
        if self.identity.account is not None and account.id == self.identity.account.id:
            self._refuse(Act.ADMINISTER, None, "nobody takes away their own second factor")

    def _require(self, act: Act, name: str | None = None) -> None:
        if not self.identity.may(act, name):
            self._refuse(act, name)

    def _require_person(self) -> None:
        if self.identity.acts is not None:
            self._note(Kind.FORBIDDEN, self.identity, act="tokens", authority=None)
            raise ForbiddenError("tokens: are for people to make and to end", hint="log in, and use no token")

    def _refuse(self, act: Act, name: str | None, why: str = "your roles do not allow it") -> NoReturn:
        self._note(Kind.FORBIDDEN, self.identity, act=act.value, authority=name)
        raise ForbiddenError(f"{act.value}: {why}", hint="ask someone who may, or for the role")
