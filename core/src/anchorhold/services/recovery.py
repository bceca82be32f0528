"""Finishing or abandoning operations that were interrupted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anchorhold.operations import key_copies, recovery
from anchorhold.operations.authority import Authority
from anchorhold.operations.inventory import Inventory, Place, take_inventory
from anchorhold.operations.move_key import aliases_of_move, finish_move, undo_move
from anchorhold.operations.state import KeyMove, move_of
from anchorhold.plugin.requests import SECTIONS
from anchorhold.services.authorities import AuthorityService
from anchorhold.services.context import wrapped
from anchorhold.services.keys import KeyService

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from anchorhold.ledger import AuthorityRecord, CertificateRecord
    from anchorhold.ledger.records import KeyCopy
    from anchorhold.operations.key_check import KeyStatus
    from anchorhold.operations.recovery import PendingOperations
    from anchorhold.plugin.inventory import ListedKey
    from anchorhold.plugin.requests import Role
    from anchorhold.services.context import GivenSecrets, ServiceContext


class RecoveryService:
    """What was begun in an installation and not completed.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def pending(self, grace: dt.timedelta = recovery.GRACE_PERIOD) -> PendingOperations:
        """What was begun and not completed; see `anchorhold.operations.recovery.pending_operations`.

        Args:
            grace: Age from which a reservation counts as interrupted.
        """
        return recovery.pending_operations(self._context.ledger, grace)

    def inventory(self, secrets: Mapping[str, GivenSecrets] | None = None) -> Inventory:
        """Keys that no record names, and records whose key is gone, in all aliases that are configured.

        Args:
            secrets: For each alias of ``key_backends``; nobody is asked.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        context = self._context
        given = secrets or {}

        def place(alias: str, role: Role) -> Place:
            def list_keys() -> tuple[ListedKey, ...]:
                backend = context.backend(alias, role)
                found = wrapped(given.get(alias))
                if role == "ocsp":
                    return backend.list_keys(context.backends.ocsp_secrets(alias))
                return backend.list_keys(context.backends.secrets(alias, found, operation="use", ask=False))

            return Place(alias=alias, role=role, list_keys=list_keys)

        def check(authority: Authority) -> KeyStatus:
            return KeyService(context).check(authority, given.get(authority.record.key_backend))

        places = [place(alias, role) for role in SECTIONS for alias in context.backends.aliases(role)]
        return take_inventory(context.ledger, places, context.authorities(), check)

    def finish(
        self, record: AuthorityRecord, secrets: GivenSecrets = None, parent_secrets: GivenSecrets = None
    ) -> Authority:
        """Complete a pending authority whose key exists; see `anchorhold.operations.recovery.finish`.

        Args:
            record: From `pending`.
            secrets: For its key.
            parent_secrets: Secrets for the key of its parent.
        """
        context = self._context
        place = context.place(record.key_backend, "use", secrets)
        parent = self.parent_of(record)
        above = AuthorityService(context).open_parent(parent, parent_secrets, place) if parent is not None else None
        try:
            return recovery.finish(context.ledger, place, record, above)
        finally:
            if above is not None:
                above.key.close()

    def abandon(self, record: AuthorityRecord, secrets: GivenSecrets = None, *, forget_key: bool = False) -> bool:
        """Abandon a pending authority, and destroy its key if there is one.

        Args:
            record: From `pending`.
            secrets: For its key backend.
            forget_key: Do not look for the key, because its backend is gone or cannot search.

        Returns:
            Whether a key was destroyed.
        """
        if forget_key:
            recovery.forget(self._context.ledger, record)
            return False
        place = self._context.place(record.key_backend, "use", secrets)
        return recovery.abandon(self._context.ledger, place, record)

    def finish_move(
        self, record: AuthorityRecord, secrets: GivenSecrets = None, source_secrets: GivenSecrets = None
    ) -> Authority:
        """Complete the move of a key that was interrupted.

        Args:
            record: From `pending`.
            secrets: For the backend it is moved to.
            source_secrets: For the one it was in.
        """
        context = self._context
        old, new = aliases_of_move(record)
        source, target = context.place(old, "use", source_secrets), context.place(new, "use", secrets)
        move = move_of(record)
        target = replace(target, options=move.options if isinstance(move, KeyMove) else {})
        return finish_move(context.ledger, Authority(record), source, target)

    def undo_move(self, record: AuthorityRecord, secrets: GivenSecrets = None) -> None:
        """Leave a key where it is used, and remove a copy that arrived without being used.

        Args:
            record: From `pending`.
            secrets: For the backend it was moved to.
        """
        place = self._context.place(aliases_of_move(record)[1], "use", secrets)
        undo_move(self._context.ledger, Authority(record), place)

    def parent_of(self, record: AuthorityRecord) -> Authority | None:
        """The authority that signs a pending one; None for a root."""
        return None if record.parent_id is None else self._context.authority_of_row(record.parent_id)

    def owner_of(self, copy: KeyCopy) -> Authority:
        """The authority whose key a copy is."""
        return self._context.authority_of_row(copy.authority_id)

    def destroy_copy(self, copy: KeyCopy, secrets: GivenSecrets = None, *, forget_key: bool = False) -> None:
        """Destroy a copy of a key that was left where it was used before.

        Args:
            copy: From `pending`.
            secrets: For the backend it is in.
            forget_key: Do not look for it, because it or its backend is gone.

        Raises:
            BusyError: Another process is working on the key of that authority.
            KeyMissingError: It is not there.
            AnchorholdError: It may still be there.
        """
        context, authority = self._context, self.owner_of(copy)
        if forget_key:
            key_copies.forget_copy(context.ledger, authority, copy)
        else:
            place = context.place(copy.key_backend, "use", secrets)
            key_copies.destroy_copy(context.ledger, authority, copy, place)

    def abandon_certificates(self, certificates: tuple[CertificateRecord, ...]) -> None:
        """Close reservations from `pending`; their serial numbers stay used, their TBSCertificates are kept."""
        recovery.abandon_certificates(self._context.ledger, certificates)
