"""The order in which certificates come into the world.

The serial number is reserved and the TBSCertificate recorded in one commit; then the key is asked for, each
certificate signed and verified; then all are recorded in one commit. Only what was recorded is returned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.ledger import Reservation
from anchorhold.x509.drafts import capture_tbs
from anchorhold.x509.general_names import format_general_name
from anchorhold.x509.names import format_name
from anchorhold.x509.serials import format_serial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorhold.issuing.key import AuthorityKey
    from anchorhold.ledger import Ledger
    from anchorhold.seam.requests import Draft


def issue(
    ledger: Ledger, key: AuthorityKey, drafts: Sequence[Draft], recorded: Callable[[list[bytes]], None] | None = None
) -> list[bytes]:
    """Sign drafts with the key of an authority.

    If one of them cannot be signed, those before it are recorded (they exist), and the rest is taken back.

    Args:
        ledger: Where it is recorded.
        key: The issuer's.
        drafts: What to sign; all of them are held in memory.
        recorded: Called with the certificates within the last transaction.

    Returns:
        The certificates in DER, in the order of the drafts.

    Raises:
        AnchorholdError: From the backend, a wrapper or the ledger.
    """
    authority = key.authority
    intents = [reservation(draft, capture_tbs(draft, authority.public_key, authority.algorithm)) for draft in drafts]
    with ledger.transaction():
        ledger.certificates.reserve(authority.record.id, intents)
    signed: list[bytes] = []
    asked = 0
    try:
        key.open()
        for draft, intent in zip(drafts, intents, strict=True):
            asked += 1
            signed.append(key.sign_draft(draft, intent.tbs))
    except BaseException:
        _settle(ledger, authority.record.id, intents, signed, asked)
        raise
    with ledger.transaction():
        ledger.certificates.complete(authority.record.id, _with_serials(intents, signed))
        if recorded is not None:
            recorded(signed)
    return signed


def reservation(draft: Draft, tbs: bytes) -> Reservation:
    """What the ledger records of a draft before it is signed."""
    return Reservation(
        serial=format_serial(draft.serial),
        profile=draft.profile,
        subject=format_name(draft.subject),
        names=",".join(format_general_name(name) for name in draft.alternative_names),
        not_before=draft.not_before,
        not_after=draft.not_after,
        tbs=tbs,
    )


def _settle(
    ledger: Ledger, authority_id: int, intents: Sequence[Reservation], signed: Sequence[bytes], asked: int
) -> None:
    """After a failure: record what was signed, abandon what may have been, take back the rest."""
    with ledger.transaction():
        ledger.certificates.complete(authority_id, _with_serials(intents, signed))
        ledger.certificates.abandon(authority_id, [intent.serial for intent in intents[len(signed) : asked]])
        ledger.certificates.release(authority_id, [intent.serial for intent in intents[asked:]])


def _with_serials(intents: Sequence[Reservation], signed: Sequence[bytes]) -> list[tuple[str, bytes]]:
    return [(intent.serial, der) for intent, der in zip(intents, signed, strict=False)]
