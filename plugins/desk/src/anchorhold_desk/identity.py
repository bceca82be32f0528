"""Who acts: an account with its roles, and how it has proven that it is the one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorhold.audit import Actor
from anchorhold_desk.roles import Act, may

if TYPE_CHECKING:
    from anchorhold_desk.accounts import Account

ACTOR_KIND = "desk"
"""Kind of the actor in the ledger."""


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
