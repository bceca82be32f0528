"""Accounts as they are read, and who acts: one of them with its roles, and how it has proven that it is the one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anchorhold.audit import Actor
from anchorhold_desk.roles import Act, Grant, may

ACTOR_KIND = "desk"
"""Kind of the actor in the ledger."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in.

    Attributes:
        id: Its number.
        name: Under which its acts are recorded; it never changes, and is never given to another.
        mail: Where to it is written; empty for nowhere.
        active: Whether it may log in.
        has_password: Whether it has set one.
        has_second_factor: Whether log-ins need a code beside the password.
        grants: Its roles, sorted.
    """

    id: int
    name: str
    mail: str
    active: bool
    has_password: bool
    has_second_factor: bool
    grants: tuple[Grant, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.name,
            "mail": self.mail,
            "active": self.active,
            "has_password": self.has_password,
            "has_second_factor": self.has_second_factor,
            "grants": [{"role": grant.role.value, "authority": grant.authority} for grant in self.grants],
        }


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts.

    Attributes:
        account: Whose acts these are; None for the operator of the host, who uses the command line.
        origin: Where the request came from.
        acts: What a token is limited to; None for all that the roles allow.
    """

    account: Account | None
    origin: str
    acts: frozenset[Act] | None = None

    @property
    def name(self) -> str:
        """For what is recorded."""
        return "operator of the host" if self.account is None else self.account.name

    def may(self, act: Act, authority: str | None = None) -> bool:
        """Whether it may do something to an authority; None for what is about none."""
        if self.acts is not None and act not in self.acts:
            return False
        return self.account is None or may(self.account.grants, act, authority)

    def actor(self) -> Actor:
        """For the ledger."""
        return Actor(ACTOR_KIND, self.name, self.origin)
