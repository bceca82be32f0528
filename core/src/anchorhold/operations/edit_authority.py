"""Changing the settings of an authority: what several change at once is all kept, or the later one is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from anchorhold.errors import BusyError, InputError
from anchorhold.operations.authority import published
from anchorhold.operations.authority_intent import check_name, check_name_free
from anchorhold.public_keys import spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchorhold.ledger import IssuancePolicy, Ledger
    from anchorhold.ledger.records import AuthorityStatus
    from anchorhold.operations.authority import Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityEdit:
    """What is to change of an authority.

    Attributes:
        name: Its new name; None to keep it.
        status: Its new status; None to keep it.
        issuing: All that it puts into what it signs; None to keep that, apart from `changes`.
        changes: Some of it, by name.
    """

    name: str | None = None
    status: AuthorityStatus | None = None
    issuing: IssuancePolicy | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    def issuing_of(self, authority: Authority) -> IssuancePolicy | None:
        """What an authority is to put into what it signs; None for what it does."""
        if self.issuing is None and not self.changes:
            return None
        return replace(self.issuing or authority.record.issuing, **self.changes)


def edit_authority(
    ledger: Ledger, authority: Authority, edit: AuthorityEdit, checked: Callable[..., IssuancePolicy]
) -> Authority:
    """Change an authority.

    Args:
        ledger: Where it is recorded.
        authority: As it was read.
        edit: What is to change.
        checked: Checks what it is to put into what it signs, from that, the kind of its key and its certificate.

    Raises:
        BusyError: Another process has changed what is to be replaced as a whole.
        AuthorityNotReadyError: It was never completed.
        AuthorityExistsError: Another authority has the new name.
        InputError: The new name or a value of the policy is not valid.
    """
    _ = authority.certificate  # one that was never completed cannot be edited
    check_name(authority.name if edit.name is None else edit.name)
    while not _edited(ledger, authority, edit, checked):
        if edit.issuing is not None:
            raise BusyError(
                f"authority {authority.name!r}: another process has changed it in the meantime",
                hint="read it again, and retry",
            )
        authority = authority.refreshed(ledger)  # others go on as often as we do, so this ends
    return authority.refreshed(ledger)


def _edited(ledger: Ledger, authority: Authority, edit: AuthorityEdit, checked: Callable[..., IssuancePolicy]) -> bool:
    """Whether it was changed, which it is not if anything of it has been since it was read."""
    issuing = edit.issuing_of(authority)
    if issuing is not None:
        issuing = checked(issuing, spec_of(authority.public_key), authority.certificate)
        _check_lists_stay(authority, issuing)
    with ledger.transaction(alone=edit.name is not None):
        if edit.name is not None and edit.name != authority.name:
            check_name_free(ledger, edit.name)
        if not ledger.authorities.edit(authority.record, name=edit.name, status=edit.status, issuing=issuing):
            return False
        name = edit.name or authority.name
        ledger.events.append("authority-edited", name, before=authority.name, status=edit.status)
    return True


def _check_lists_stay(authority: Authority, issuing: IssuancePolicy) -> None:
    """Certificates name the partial list they are on, so neither number nor URLs of these lists may change."""
    old, new = authority.issuing, published(issuing, authority.record.serial or "")
    if (old.crl_shards or new.crl_shards) and (old.crl_shards, old.crl_urls) != (new.crl_shards, new.crl_urls):
        raise InputError(
            "CRL shards: their number and URLs cannot change, because certificates contain the URL of their CRL",
            hint="keep them, or create a new authority",
        )
