"""Revocation lists: their numbers are in the ledger, and their octets follow from it, so they are made here again."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from anchorhold.operations.crl_contents import CrlPlan, unsigned_crl
from anchorhold.operations.crls import check_may_issue_crls
from anchorhold.operations.worker.intended import not_intended
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from anchorhold.ledger import Ledger
    from anchorhold.operations.worker.intended import KeyOwner
    from anchorhold.plugin.facts import CrlFacts
    from anchorhold.plugin.wanted_signature import WantedSignature

_HINT: Final = "find out who has asked for it if that happens again, and make the list"


def intended_crl(ledger: Ledger, owner: KeyOwner, wanted: WantedSignature) -> tuple[bytes, CrlFacts]:
    """The TBSCertList of a number that was taken, in DER, and what plugins are told of it.

    Args:
        ledger: Where it was begun.
        owner: An authority, whose own key signs.
        wanted: What is wanted.

    Raises:
        SignatureNotIntendedError: That number was not taken, a newer list is there, or the content is another.
        AuthorityNotReadyError, AuthorityExpiredError, CertificateInvalidError: The authority must not sign lists.
    """
    authority, number = owner.authority, wanted.number
    again = Remedy("crls.generate", {"authority": authority.name})
    check_may_issue_crls(authority)
    with ledger.translate_errors():
        begun = ledger.events.begun("crl-begun", authority.record.id, f'"number": {number:d},') if number else None
        if begun is None:
            raise not_intended("crl-not-begun", owner, "no CRL of that number was begun")
        plan = CrlPlan.of_detail(begun)
        previous = ledger.crls.state(authority.record.id, plan.shard)
    if previous is not None and previous.number >= plan.number:
        problem = f"CRL {plan.number} was made already, or a newer one (number {previous.number})"
        raise not_intended("crl-superseded", owner, problem, _HINT, again)
    *_, tbs = unsigned_crl(ledger, authority, plan, previous)
    if sha256(tbs).digest() != wanted.digest:
        problem = f"CRL {plan.number} has another content by the ledger"
        raise not_intended("other-content", owner, problem, _HINT, again)
    return tbs, plan.facts
