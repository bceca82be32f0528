"""From what another process wants to what may be signed: the rules of all purposes, none of which can be turned off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import AnchorholdError, LedgerError
from anchorhold.operations.authority import Authority
from anchorhold.operations.worker.certificates import intended_certificate
from anchorhold.operations.worker.crls import intended_crl
from anchorhold.operations.worker.intended import IntendedSignature, KeyOwner, not_intended
from anchorhold.operations.worker.messages import check_probe, intended_csr, message_of
from anchorhold.operations.worker.responses import intended_response
from anchorhold.plugin.requests import SignRequest
from anchorhold.x509.serials import is_formatted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import CertificateRecord
    from anchorhold.plugin.facts import SigningFacts
    from anchorhold.plugin.requests import Purpose
    from anchorhold.plugin.wanted_signature import WantedSignature

OF_AUTHORITIES: Final[tuple[Purpose, ...]] = ("certificate", "crl", "csr", "probe")
"""What keys of authorities sign."""
OF_RESPONDERS: Final[tuple[Purpose, ...]] = ("ocsp", "probe")
"""What keys of OCSP responders sign."""


def find_intended(ledger: Ledger, wanted: Sequence[WantedSignature]) -> list[IntendedSignature | AnchorholdError]:
    """What may be signed of what is wanted, in order; in place of the rest, why not.

    Args:
        ledger: What both processes trust.
        wanted: Any number of signatures; the certificates of an authority are looked up together.

    Raises:
        LedgerError: The database refused.
    """
    owners = {key: _owner(ledger, key) for key in {each.public_key_info for each in wanted}}
    certificates = {key: _certificates(ledger, owner, wanted) for key, owner in owners.items()}
    return [_outcome(ledger, owners[each.public_key_info], each, certificates[each.public_key_info]) for each in wanted]


def _owner(ledger: Ledger, public_key_info: bytes) -> KeyOwner | None:
    """Whose key it is, by the key itself: names may change."""
    with ledger.translate_errors():
        authority = ledger.authorities.by_public_key(public_key_info)
        if authority is not None:
            return KeyOwner(Authority(authority))
        responder = ledger.responders.by_public_key(public_key_info)
    if responder is None:
        return None
    return KeyOwner(Authority(ledger.authorities.get(responder.authority_id)), responder)


def _certificates(
    ledger: Ledger, owner: KeyOwner | None, wanted: Sequence[WantedSignature]
) -> Mapping[str, CertificateRecord]:
    """The certificates of an authority that are wanted, by their serial numbers."""
    if owner is None or owner.responder is not None:
        return {}
    own = owner.authority.record.public_key
    named = {each.serial for each in wanted if each.serial is not None and each.public_key_info == own}
    serials = sorted(filter(is_formatted, named))
    with ledger.translate_errors():
        return ledger.certificates.by_serials(owner.authority.record.id, serials)


def _outcome(
    ledger: Ledger,
    owner: KeyOwner | None,
    wanted: WantedSignature,
    certificates: Mapping[str, CertificateRecord],
) -> IntendedSignature | AnchorholdError:
    try:
        if owner is None:
            raise not_intended("unknown-key", None, "nobody here has the key that is to sign")
        _check_key(owner, wanted)
        return _intended(ledger, owner, wanted, certificates)
    except LedgerError:
        raise
    except AnchorholdError as error:
        return error


def _check_key(owner: KeyOwner, wanted: WantedSignature) -> None:
    if wanted.purpose not in (OF_AUTHORITIES if owner.responder is None else OF_RESPONDERS):
        raise not_intended("other-purpose", owner, "its key signs nothing for that purpose")
    if wanted.algorithm != owner.algorithm:
        raise not_intended("other-algorithm", owner, f"its key signs with {owner.algorithm}, and another was wanted")


def _intended(
    ledger: Ledger,
    owner: KeyOwner,
    wanted: WantedSignature,
    certificates: Mapping[str, CertificateRecord],
) -> IntendedSignature:
    if wanted.purpose == "certificate":
        record, tbs, draft = intended_certificate(ledger, owner, wanted, certificates)
        return IntendedSignature(owner, _request(owner, wanted, tbs, draft=draft), record.id)
    if wanted.purpose == "crl":
        tbs, crl = intended_crl(ledger, owner, wanted)
        return IntendedSignature(owner, _request(owner, wanted, tbs, facts=crl))
    message = message_of(owner, wanted)
    facts: SigningFacts | None = None
    if wanted.purpose == "csr":
        facts = intended_csr(ledger, owner, wanted, message)
    elif wanted.purpose == "ocsp":
        facts = intended_response(ledger, owner, message)
    else:
        check_probe(owner, message)
    return IntendedSignature(owner, _request(owner, wanted, message, facts=facts))


def _request(owner: KeyOwner, wanted: WantedSignature, message: bytes, **known: Any) -> SignRequest:
    return SignRequest(
        message=message,
        algorithm=owner.algorithm,
        purpose=wanted.purpose,
        ca=owner.authority.description,
        key_id=owner.key_id,
        **known,
    )
