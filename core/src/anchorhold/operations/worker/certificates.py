"""Certificates: signed while they are reserved, octet by octet as the ledger has them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from anchorhold.operations.worker.intended import not_intended
from anchorhold.public_keys import spki
from anchorhold.x509.to_be_signed import read_draft, signature_algorithm, tbs_algorithm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import CertificateRecord
    from anchorhold.operations.worker.intended import KeyOwner
    from anchorhold.plugin.wanted_signature import WantedSignature
    from anchorhold.x509.draft import Draft


def intended_certificate(
    ledger: Ledger, owner: KeyOwner, wanted: WantedSignature, records: Mapping[str, CertificateRecord]
) -> tuple[CertificateRecord, bytes, Draft]:
    """A reservation, its TBSCertificate and its draft, rebuilt from that.

    Args:
        ledger: Where it is recorded.
        owner: An authority, whose own key signs.
        wanted: What is wanted.
        records: Certificates of the authority by their serial numbers.

    Raises:
        SignatureNotIntendedError: Nothing of that kind is reserved, or what is reserved is something else.
        AuthorityNotReadyError, AuthorityExpiredError: The authority must not sign it now.
    """
    record = records.get(wanted.serial or "")
    if record is None:
        raise not_intended("not-reserved", owner, "no certificate of that serial number was ever reserved")
    if record.status != "reserved" or record.tbs is None:
        problem = f"serial number {record.serial} is {record.status}"
        raise not_intended(f"already-{record.status}", owner, problem)
    if sha256(record.tbs).digest() != wanted.digest:
        problem = f"serial number {record.serial} is reserved for another content"
        raise not_intended("other-content", owner, problem)
    if tbs_algorithm(record.tbs) != signature_algorithm(owner.public_key, owner.algorithm):
        problem = f"serial number {record.serial} was reserved for another algorithm"
        raise not_intended("other-algorithm", owner, problem, "reserve it again")
    draft = read_draft(record.tbs, record.profile)
    _check_may_sign(ledger, owner, draft)
    return record, record.tbs, draft


def _check_may_sign(ledger: Ledger, owner: KeyOwner, draft: Draft) -> None:
    """One that is being created signs its own certificate; a disabled one those of its responders; others all."""
    authority = owner.authority
    if authority.record.status == "pending" and spki(draft.public_key) == spki(owner.public_key):
        return
    if authority.record.status == "disabled" and _is_of_responder(ledger, owner, draft):
        authority.check_valid()
        return
    authority.check_ready()


def _is_of_responder(ledger: Ledger, owner: KeyOwner, draft: Draft) -> bool:
    with ledger.translate_errors():
        found = ledger.responders.by_public_key(spki(draft.public_key))
    return found is not None and found.authority_id == owner.authority.record.id
