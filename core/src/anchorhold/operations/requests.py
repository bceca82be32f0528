"""Requests that are kept: submitted, reserved once approved, and signed by a process that is given only the number.

What a key signs is what the ledger has recorded: the TBSCertificate is made when the request is reserved, and signed as
it is. A process that is killed while it signs leaves the request reserved; signing it again signs the same octets, so
there is one certificate with that serial number, whatever became of the first signature.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anchorhold.errors import (
    AnchorholdError,
    AuthorityNotReadyError,
    BusyError,
    InputError,
    LedgerError,
    RefusedError,
    ValidityError,
)
from anchorhold.ledger.records import ISSUED
from anchorhold.operations.certificate_drafter import CertificateDrafter
from anchorhold.operations.claims import claimed
from anchorhold.operations.issuance import reservation
from anchorhold.operations.issuer import checked_request
from anchorhold.operations.order import Issued, Order
from anchorhold.parser_errors import printable
from anchorhold.profiles.copying import not_granted
from anchorhold.public_keys import spec_of
from anchorhold.x509.csr import read_csr
from anchorhold.x509.describe import describe_extensions
from anchorhold.x509.general_names import format_general_name
from anchorhold.x509.names import format_name
from anchorhold.x509.to_be_signed import capture_tbs, read_draft, signature_algorithm, tbs_algorithm
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.ledger import CertificateRecord, Ledger
    from anchorhold.ledger.records import RequestRecord
    from anchorhold.operations.authority import Authority, Chain
    from anchorhold.operations.claims import ClaimedWork
    from anchorhold.operations.signing_key import SigningKey
    from anchorhold.settings import Settings
    from anchorhold.x509.csr import CertificationRequest
    from anchorhold.x509.draft import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A certificate that nobody has signed.

    Attributes:
        profile: Name of the profile.
        subject: Distinguished name (RFC 4514).
        names: Subject alternative names, as text.
        not_before: Start of validity.
        not_after: End of validity.
        key: Kind of its key.
        extensions: By name, as the JSON of a certificate has them.
        not_granted: What the request asks for that the certificate would not contain, in words.
    """

    profile: str
    subject: str
    names: tuple[str, ...]
    not_before: dt.datetime
    not_after: dt.datetime
    key: str
    extensions: Mapping[str, Any]
    not_granted: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "profile": self.profile,
            "subject": self.subject,
            "names": list(self.names),
            "not_before": self.not_before.isoformat(),
            "not_after": self.not_after.isoformat(),
            "key": self.key,
            "extensions": dict(self.extensions),
            "not_granted": list(self.not_granted),
        }


def submit(ledger: Ledger, settings: Settings, chain: Chain, order: Order) -> RequestRecord:
    """Check a request and draft its certificate, and keep it; no serial number is used and no key touched.

    Args:
        ledger: Where it is kept.
        settings: For the profiles.
        chain: The authority that is to sign it, and those above.
        order: What is wanted.

    Raises:
        AnchorholdError: As `Issuer.sign` for a request or an order that is not fit.
    """
    authority, (request, draft) = chain.issuer, _drafted(settings, chain, order)
    with ledger.transaction():
        kept = ledger.requests.add(authority.record.id, content=_content(order), csr=request.der, **_described(draft))
        ledger.events.append("certificate-requested", authority.record, request=kept.id)
    return kept


def preview(settings: Settings, chain: Chain, order: Order) -> Preview:
    """The certificate that an order would become now; nothing is kept, and its serial number is not used.

    Args:
        settings: For the profiles.
        chain: The authority that would sign it, and those above.
        order: What is wanted.

    Raises:
        AnchorholdError: As `submit`.
    """
    request, draft = _drafted(settings, chain, order)
    described = _described(draft)
    return Preview(
        profile=draft.profile,
        subject=described["subject"],
        names=described["names"],
        not_before=draft.not_before,
        not_after=draft.not_after,
        key=str(spec_of(draft.public_key)),
        extensions=describe_extensions(draft.extensions),
        not_granted=not_granted(request, draft),
    )


def reserve(ledger: Ledger, settings: Settings, chain: Chain, kept: RequestRecord) -> RequestRecord:
    """Approve a request: draft it as of now, and record its serial number and TBSCertificate in one commit.

    Args:
        ledger: Where it is recorded.
        settings: For the profiles.
        chain: The authority that is to sign it, and those above, as they are now.
        kept: The request, waiting.

    Raises:
        InputError: It does not wait.
        BusyError: Another process was faster.
        AuthorityNotReadyError: The authority was changed in the meantime.
        AnchorholdError: As `submit`.
    """
    _check_status(kept, "waiting")
    authority, (_, draft) = chain.issuer, _drafted(settings, chain, order_of(kept))
    intent = reservation(draft, capture_tbs(draft, authority.public_key, authority.algorithm))
    described = _described(draft)
    with ledger.transaction():
        _check_unchanged(ledger, authority)
        changed = ledger.requests.change(
            kept,
            "reserved",
            serial=intent.serial,
            draft=(described["profile"], described["subject"], described["names"]),
        )
        ledger.certificates.reserve(authority.record.id, [intent])
        ledger.events.append("certificate-reserved", authority.record, request=kept.id, serial=intent.serial)
    return changed


def sign(ledger: Ledger, key: SigningKey, kept: RequestRecord) -> Issued:
    """Sign what was reserved: the recorded octets, verified, and recorded before they are returned.

    Args:
        ledger: Where it is recorded.
        key: Of the authority.
        kept: The request, reserved.

    Raises:
        InputError: It is not reserved, or the authority signs by another algorithm since it was.
        BusyError: Another process is at it, or was faster, or has moved the key meanwhile.
        AuthorityNotReadyError, AuthorityExpiredError: The authority must not sign.
        ValidityError: The certificate would have expired.
        RefusedError: A wrapper refused; the request stays reserved, for the same octets may be signed later.
        AnchorholdError: The key cannot be used: the request stays reserved. Or it failed while it signed: the serial
            number stays used, and the request waits again.
    """
    what = f"request {kept.id}"
    with claimed(ledger, what, "being signed", what) as work:
        with ledger.translate_errors():
            kept = ledger.requests.get(kept.id)
            _check_status(kept, "reserved")
            tbs = _reserved(ledger, kept).tbs or b""
        draft = read_draft(tbs, kept.profile)
        key = _checked_key(ledger, key, kept, draft, tbs)
        key.open()
        with work.step():  # opening may take long: a person types a PIN
            _check_unchanged(ledger, key.authority)
        try:
            certificate = key.sign_draft(draft, tbs)
        except Exception as error:  # an interruption leaves it reserved, as the death of the process does
            _record_failure(work, key.authority, kept, error)
            raise
        with work.step():
            ledger.certificates.complete(kept.authority_id, [(kept.serial or "", certificate)])
            ledger.requests.change(kept, "issued", serial=kept.serial)
            ledger.events.append(
                ISSUED,
                key.authority.record,
                serial=kept.serial,
                request=kept.id,
                profile=kept.profile,
                subject=kept.subject,
                names=list(kept.names),
            )
    return Issued(
        der=certificate,
        serial=kept.serial or "",
        not_after=draft.not_after,
        not_granted=not_granted(read_csr(kept.csr), draft),
    )


def _checked_key(ledger: Ledger, key: SigningKey, kept: RequestRecord, draft: Draft, tbs: bytes) -> SigningKey:
    """The key of the authority as it is now, if that may still sign what was reserved."""
    authority = key.authority.refreshed(ledger)
    authority.check_ready()
    again = "reject it and submit it again"
    if draft.not_after <= now():
        raise ValidityError(f"request {kept.id}: its certificate expired on {draft.not_after:%Y-%m-%d}", hint=again)
    if tbs_algorithm(tbs) != signature_algorithm(authority.public_key, authority.algorithm):
        raise InputError(
            f"request {kept.id}: authority {authority.name!r} signs by another algorithm since it was reserved",
            hint=again,
        )
    current = key.of(authority)
    if current is None:
        raise BusyError(f"authority {authority.name!r}: its key was moved meanwhile", hint="repeat")
    return current


def _record_failure(work: ClaimedWork, authority: Authority, kept: RequestRecord, error: Exception) -> None:
    """Say why a request was not signed. Only of a wrapper's refusal is it known that it may be signed later as it is.

    The text of an error that is not one of ours may hold anything, secrets too, so only its class is recorded.
    """
    ledger, refused = work.ledger, isinstance(error, RefusedError)
    problem = printable(str(error)) if isinstance(error, AnchorholdError) else type(error).__name__
    with work.step():
        if refused:
            ledger.requests.change(kept, "reserved", serial=kept.serial, problem=problem)
        else:
            ledger.certificates.abandon(kept.authority_id, [kept.serial or ""])
            ledger.requests.change(kept, "waiting", problem=problem)
        kind = "certificate-refused" if refused else "certificate-failed"
        ledger.events.append(kind, authority.record, request=kept.id, serial=kept.serial)


def reject(ledger: Ledger, authority: Authority, kept: RequestRecord, why: str) -> RequestRecord:
    """Close a request that is not to be signed; a serial number that was reserved for it stays used.

    Args:
        ledger: Where it is recorded.
        authority: That would have signed it.
        kept: The request, waiting or reserved.
        why: The reason, for the submitter; one line.

    Raises:
        InputError: It was issued or rejected, or the reason has characters that cannot be printed.
        BusyError: Another process is signing it.
    """
    what = f"request {kept.id}"
    if not why.isprintable():
        raise InputError("reason: has characters that cannot be printed", hint="give one line of text")
    with claimed(ledger, what, "being rejected", what) as work, work.step():
        current = ledger.requests.get(kept.id)
        _check_status(current, "waiting", "reserved")
        if current.serial is not None:
            ledger.certificates.abandon(current.authority_id, [current.serial])
        changed = ledger.requests.change(current, "rejected", serial=current.serial, problem=why)
        ledger.events.append("certificate-rejected", authority.record, request=kept.id, serial=current.serial)
    return changed


def _check_status(kept: RequestRecord, *wanted: str) -> None:
    if kept.status not in wanted:
        raise InputError(f"request {kept.id}: is {kept.status}, not {' or '.join(wanted)}", hint="choose another one")


def _check_unchanged(ledger: Ledger, authority: Authority) -> None:
    record = authority.record
    if ledger.authorities.held_state(record.id) != (record.status, record.revision):
        raise AuthorityNotReadyError(f"authority {authority.name!r}: was changed in the meantime", hint="retry")


def _reserved(ledger: Ledger, kept: RequestRecord) -> CertificateRecord:
    found = ledger.certificates.find(kept.serial or "", kept.authority_id)
    if len(found) != 1 or found[0].status != "reserved":
        raise LedgerError(f"ledger: has no reservation for request {kept.id}", hint="reject it and submit it again")
    return found[0]


def _drafted(settings: Settings, chain: Chain, order: Order) -> tuple[CertificationRequest, Draft]:
    """The request of an order, checked, and its certificate as of now."""
    chain.issuer.check_ready()
    request, key = checked_request(order)
    return request, CertificateDrafter(settings, chain).draft(order, request, key)


def _described(draft: Draft) -> dict[str, Any]:
    return {
        "profile": draft.profile,
        "subject": format_name(draft.subject),
        "names": tuple(map(format_general_name, draft.alternative_names)),
    }


def _content(order: Order) -> dict[str, Any]:
    """An order without its CSR, as JSON has it."""
    return {
        "names": list(order.names),
        "subject": order.subject,
        "profile": order.profile,
        "expires": None if order.expires is None else order.expires.isoformat(),
        "copy": sorted(order.copy),
    }


def order_of(kept: RequestRecord) -> Order:
    """The order that was submitted.

    Args:
        kept: The request.
    """
    content: Mapping[str, Any] = kept.content
    expires = content["expires"]
    return Order(
        csr=kept.csr,
        names=tuple(content["names"]),
        subject=content["subject"],
        profile=content["profile"],
        expires=None if expires is None else dt.datetime.fromisoformat(expires),
        copy=frozenset(content["copy"]),
    )
