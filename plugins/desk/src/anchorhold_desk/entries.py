"""Requests and certificates with what the desk knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold_desk.identity import ACTOR_KIND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.ledger import CertificateRecord
    from anchorhold.ledger.records import RequestRecord, RequestStatus, RevocationRecord

OPEN: Final[tuple[RequestStatus, ...]] = ("waiting", "reserved")
"""States of a request that is not decided, or not signed yet."""
PAGE: Final = 500
"""Requests that are read at once."""


@dataclass(frozen=True, slots=True)
class DeskRequest:
    """A request with what the desk knows of it.

    Attributes:
        record: As the ledger has it.
        authority: Name of the authority that is to sign it.
        approved_by: Who has approved it.
        approvals: How many have to.
    """

    record: RequestRecord
    authority: str
    approved_by: Sequence[str]
    approvals: int

    @property
    def requester(self) -> str | None:
        """Name of the account that has submitted it; None where that was done in another way."""
        audit = self.record.audit
        return audit.actor.name if audit is not None and audit.actor.kind == ACTOR_KIND else None

    @property
    def is_approved(self) -> bool:
        """Whether enough people have approved it."""
        return len(self.approved_by) >= self.approvals

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            **self.record.to_json(),
            "authority": self.authority,
            "approved_by": list(self.approved_by),
            "approvals": self.approvals,
        }


@dataclass(frozen=True, slots=True)
class DeskCertificate:
    """A certificate with its issuer and its revocation.

    Attributes:
        record: As the ledger has it.
        authority: Name of its issuer.
        revocation: Its revocation; None if it is not revoked.
    """

    record: CertificateRecord
    authority: str
    revocation: RevocationRecord | None
