"""OCSP responses: by the keys of responders alone, and saying of certificates what the ledger says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.operations.ocsp_answers import AnswerTemplate, status_of
from anchorhold.operations.responders import ANSWER_LIFETIME
from anchorhold.operations.worker.intended import not_intended
from anchorhold.plugin.facts import OcspFacts
from anchorhold.x509.ocsp import NEVER_ISSUED, CertStatus, issuer_hashes
from anchorhold.x509.ocsp_response_data import MalformedResponseDataError, load_response_data
from anchorhold.x509.serials import format_serial
from anchorhold.x509.validity import BACKDATE, is_in_future, now

if TYPE_CHECKING:
    from anchorhold.ledger import Ledger
    from anchorhold.operations.worker.intended import KeyOwner
    from anchorhold.x509.ocsp_response_data import ResponseData

_NOT_ISSUED: Final = {"unknown": CertStatus(issued=False), "revoked": NEVER_ISSUED}
"""The status of what was not issued, by the `ocsp_unknown` of its issuer."""


def intended_response(ledger: Ledger, owner: KeyOwner, message: bytes) -> OcspFacts:
    """What a response says, which is what the ledger says.

    Args:
        ledger: Tells the status of certificates.
        owner: A responder.
        message: ResponseData (RFC 6960, section 4.2.1), in DER.

    Raises:
        SignatureNotIntendedError: It is no response of this responder, or says something else.
    """
    if owner.responder is None or owner.responder.status not in ("active", "retired"):
        raise not_intended("no-responder", owner, "its key signs no OCSP responses")
    template = AnswerTemplate.of(owner.authority, owner.responder)
    try:
        data = load_response_data(message)
    except MalformedResponseDataError:
        raise not_intended("no-response", owner, "is no OCSP response") from None
    if template.encoder.response_data(data.single, data.produced_at, data.nonce) != message:
        raise not_intended("no-response", owner, "is an OCSP response of another responder, or has another form")
    _check_issuer(owner, data)
    _check_times(owner, data, template)
    _check_status(ledger, owner, data)
    return OcspFacts(serial=data.single.cert_id.serial_number, status=data.single.cert_status.word)


def _check_issuer(owner: KeyOwner, data: ResponseData) -> None:
    asked = data.single.cert_id
    named = (asked.hash_algorithm, asked.issuer_name_hash, asked.issuer_key_hash)
    if named not in set(issuer_hashes(owner.authority.certificate)):
        raise not_intended("other-issuer", owner, "the OCSP response is about a certificate of another issuer")


def _check_times(owner: KeyOwner, data: ResponseData, template: AnswerTemplate) -> None:
    moment, single = now(), data.single
    fits = (
        abs(moment - data.produced_at) <= BACKDATE
        and single.this_update <= data.produced_at
        and single.next_update <= min(data.produced_at + ANSWER_LIFETIME, template.end)
    )
    if not fits:
        raise not_intended(
            "other-time", owner, "the OCSP response is of another time, or good for too long", "compare the clocks"
        )


def _check_status(ledger: Ledger, owner: KeyOwner, data: ResponseData) -> None:
    authority, said = owner.authority, data.single.cert_status
    serial = format_serial(data.single.cert_id.serial_number)
    with ledger.translate_errors():
        record = ledger.certificates.by_serials(authority.record.id, [serial]).get(serial)
        revocation = ledger.revocations.of([record.id]).get(record.id) if record is not None else None
    if record is None or record.status != "issued":
        known = _NOT_ISSUED.get(authority.record.issuing.ocsp_unknown)
    else:
        known = status_of(revocation)
    is_moved = revocation is not None and is_in_future(revocation.revoked_at, now())  # and counts as of any moment
    if known is None or (said.word, said.reason) != (known.word, known.reason) or not (is_moved or said == known):
        raise not_intended("other-status", owner, f"the status of certificate {serial} is another by the ledger")
