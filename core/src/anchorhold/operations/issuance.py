"""The order in which certificates come into the world.

The serial number is reserved and the TBSCertificate recorded in one commit; then the key is asked for, each
certificate signed and verified; then all are recorded in one commit. Only what was recorded is returned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.ledger import Reservation
from anchorhold.operations.parallel import OrderedParallel
from anchorhold.x509.general_names import format_general_name
from anchorhold.x509.names import format_name
from anchorhold.x509.serials import format_serial
from anchorhold.x509.to_be_signed import capture_tbs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorhold.ledger import Ledger
    from anchorhold.operations.signing_key import SigningKey
    from anchorhold.x509.draft import Draft


def issue(
    ledger: Ledger,
    key: SigningKey,
    drafts: Sequence[Draft],
    recorded: Callable[[list[bytes]], None] | None = None,
    *,
    check: Callable[[], None] | None = None,
) -> list[bytes]:
    """Sign drafts with the key of an authority.

    If one of them cannot be signed, those that were are recorded (they exist), and the rest is taken back.

    Args:
        ledger: Where it is recorded.
        key: The issuer's.
        drafts: What to sign; all of them are held in memory.
        recorded: Called with the certificates within the last transaction.
        check: Called within the first one; what it raises is raised before anything was reserved or signed.

    Returns:
        The certificates in DER, in the order of the drafts.

    Raises:
        AnchorholdError: From the backend, a wrapper or the ledger.
    """
    authority = key.authority
    intents = [reservation(draft, capture_tbs(draft, authority.public_key, authority.algorithm)) for draft in drafts]
    with ledger.transaction():
        if check is not None:
            check()
        ledger.certificates.reserve(authority.record.id, intents)
    signing: OrderedParallel[bytes] = OrderedParallel(len(drafts))
    try:
        key.open()
        signed = signing.run(lambda number: key.sign_draft(drafts[number], intents[number].tbs))
    except BaseException:
        _record_failed_batch(ledger, authority.record.id, intents, signing)
        raise
    with ledger.transaction():
        ledger.certificates.complete(
            authority.record.id, [(intent.serial, der) for intent, der in zip(intents, signed, strict=True)]
        )
        if recorded is not None:
            recorded(signed)
    return signed


def reservation(draft: Draft, tbs: bytes) -> Reservation:
    """What the ledger records of a draft before it is signed."""
    return Reservation(
        serial=format_serial(draft.serial),
        profile=draft.listed_as or draft.profile,
        subject=format_name(draft.subject),
        names=tuple(map(format_general_name, draft.alternative_names)),
        not_before=draft.not_before,
        not_after=draft.not_after,
        tbs=tbs,
    )


def _record_failed_batch(
    ledger: Ledger, authority_id: int, intents: Sequence[Reservation], signing: OrderedParallel[bytes]
) -> None:
    """After a failure: record what was signed, abandon what may have been, take back the rest."""
    fates = list(zip((intent.serial for intent in intents), signing.begun, signing.results, strict=True))
    with ledger.transaction():
        ledger.certificates.complete(authority_id, [(serial, der) for serial, _, der in fates if der is not None])
        ledger.certificates.abandon(authority_id, [serial for serial, begun, der in fates if begun and der is None])
        ledger.certificates.release(authority_id, [serial for serial, begun, _ in fates if not begun])
