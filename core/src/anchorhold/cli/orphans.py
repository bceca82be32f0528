"""``recover --orphans``: keys without a record, and records without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.cli.output import info
from anchorhold.cli.remedies import sentence
from anchorhold.errors import OperationUnsupportedError, RecoveryNeededError

if TYPE_CHECKING:
    from anchorhold.operations.inventory import Inventory


def show_orphans(found: Inventory) -> None:
    """Tell what was found.

    Raises:
        RecoveryNeededError: Something was.
        AnchorholdError: Nothing was, and a place could not be looked into.
    """
    for place, key in found.unknown:
        key_id = f" (key id {key.key_id.hex()})" if key.key_id is not None else ""
        info(f"No record names a key in {place.section}: {key.name}{key_id}.")
    for authority in found.gone:
        info(f"The key of authority {authority.name} is not in {authority.record.key_backend!r}.")
    for authority, responder in found.gone_responders:
        info(f"The key of the OCSP responder of {authority.name} is not in {responder.key_backend!r}.")
    for what, problem in found.unchecked.items():
        info(f"Not checked: {what} ({sentence(problem)}).")
    gone = len(found.gone) + len(found.gone_responders)
    if found.unknown or gone:
        raise RecoveryNeededError(
            f"recover: keys without a record: {len(found.unknown)}; records without a key: {gone}",
            hint="restore what is missing from a backup, or regenerate the keys of responders; "
            "delete a key only if no other installation uses it",
        )
    failed = [error for error in found.unchecked.values() if not isinstance(error, OperationUnsupportedError)]
    if failed:
        raise failed[0]
    info("Each key that was found has a record, and each record its key, as far as it could be checked.")
