"""Who may do what: roles, which are granted by authority, and the acts that each of them allows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection


class Role(StrEnum):
    """What someone is to an authority."""

    VIEWER = "viewer"
    REQUESTER = "requester"
    APPROVER = "approver"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class Act(StrEnum):
    """What can be done."""

    VIEW = "view"
    """See an authority, its certificates, lists and history."""
    REQUEST = "request"
    """Submit a request, and see one's own."""
    APPROVE = "approve"
    """See the requests of others, and approve or reject them."""
    REVOKE = "revoke"
    """Revoke a certificate, put it on hold, release it."""
    OPERATE = "operate"
    """Publish CRLs, renew OCSP responders and choose where their keys are."""
    ADMINISTER = "administer"
    """Make accounts, and grant roles."""


RIGHTS: Final = {
    Role.VIEWER: frozenset({Act.VIEW}),
    Role.REQUESTER: frozenset({Act.VIEW, Act.REQUEST}),
    Role.APPROVER: frozenset({Act.VIEW, Act.APPROVE}),
    Role.OPERATOR: frozenset({Act.VIEW, Act.REVOKE, Act.OPERATE}),
    Role.ADMINISTRATOR: frozenset({Act.ADMINISTER}),
}
"""What each role allows. None contains another: who administers accounts sees no certificate without another role."""

EVERY_AUTHORITY: Final = "*"
"""In the place of an authority's name."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role that someone has.

    Attributes:
        role: Which one.
        authority: For the authority of that name, or `EVERY_AUTHORITY`.
    """

    role: Role
    authority: str = EVERY_AUTHORITY

    def allows(self, act: Act, authority: str | None) -> bool:
        """Whether it allows an act on an authority; None for what is about none."""
        return act in RIGHTS[self.role] and self.authority in (authority, EVERY_AUTHORITY)


def may(grants: Collection[Grant], act: Act, authority: str | None = None) -> bool:
    """Whether someone with these roles may do something to an authority; None for what is about none."""
    return any(grant.allows(act, authority) for grant in grants)


def authorities_of(grants: Collection[Grant], act: Act) -> frozenset[str]:
    """The names of the authorities on which an act is allowed, `EVERY_AUTHORITY` perhaps among them."""
    return frozenset(grant.authority for grant in grants if act in RIGHTS[grant.role])
