"""An authority whose parent is elsewhere: a key and a request for a certificate now, the certificate when it comes."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.errors import AuthorityNotReadyError
from anchorhold.operations.authority import Authority
from anchorhold.operations.authority_intent import AuthorityIntent, check_certificate_new, establish
from anchorhold.operations.authority_plan import effective_profile
from anchorhold.operations.claims import claim_subject, claimed
from anchorhold.operations.import_authority import (
    check_authority,
    check_key_matches,
    check_pss_binding,
    complete_import,
    find_parent,
)
from anchorhold.operations.signing_key import SigningKey
from anchorhold.operations.state import CsrPending, state_of
from anchorhold.plugin.facts import CsrFacts
from anchorhold.profiles.extensions import ProfileExtensions
from anchorhold.remedy import Remedy
from anchorhold.x509.names import format_name, parse_authority_subject, parse_subject
from anchorhold.x509.to_be_signed import to_be_signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anchorhold.ledger import AuthorityRecord, Ledger
    from anchorhold.operations.authority_plan import NewAuthority
    from anchorhold.operations.claims import ClaimedWork
    from anchorhold.operations.key_location import KeyLocation
    from anchorhold.operations.key_sources import KeySource


def awaits_certificate(record: AuthorityRecord) -> bool:
    """Whether its request was made, so that it waits for its certificate."""
    state = state_of(record)
    requested = isinstance(state, CsrPending) and state.csr is not None and not state.abandoning
    return record.status == "pending" and requested


def request_authority(ledger: Ledger, location: KeyLocation, source: KeySource, wanted: NewAuthority) -> Authority:
    """Make or adopt a key and a request (RFC 2986) that a parent elsewhere can sign.

    Args:
        ledger: Where it is recorded.
        location: Where its key will live.
        source: Where its key comes from.
        wanted: The authority; the request asks for the extensions of its profile, the parent decides.

    Returns:
        The authority, pending; `pending_csr` gives the request.

    Raises:
        AnchorholdError: As `anchorhold.operations.create_authority.create_authority`.
    """
    algorithm = source.spec.algorithm(wanted.issuing.hash, wanted.issuing.rsa_padding)
    location.backend.capabilities.check(location.backend.identity, source.spec, algorithm)
    subject = format_name(parse_authority_subject(wanted.subject))
    state = CsrPending(subject=subject, profile=effective_profile(wanted))
    intent = AuthorityIntent(name=wanted.name, subject=subject, parent=None, state=state, issuing=wanted.issuing)
    return establish(ledger, location, source, intent, lambda work, record: complete_request(work, location, record))


def complete_request(work: ClaimedWork, location: KeyLocation, record: AuthorityRecord) -> Authority:
    """From a recorded key to a recorded request; also what ``recover`` does.

    Raises:
        BusyError: Another process has taken it over; nothing was recorded.
        AnchorholdError: The key cannot be used.
    """
    authority = Authority(record)
    with SigningKey(authority, location.backend, location.secrets) as key:
        key.prove()
        csr = _request(work, authority, key)
    with work.step():
        work.ledger.authorities.record_plan(record, replace(_waiting(record), csr=csr).to_json())
        work.ledger.events.append("authority-requested", authority.record)
    return authority.refreshed(work.ledger)


def pending_csr(authority: Authority) -> x509.CertificateSigningRequest:
    """The request of an authority that waits for its certificate.

    Raises:
        AuthorityNotReadyError: It does not wait for one.
    """
    if not awaits_certificate(authority.record):
        raise AuthorityNotReadyError(
            f"authority {authority.name!r}: is not waiting for a certificate",
            hint="check its state in the list of authorities",
            remedy=Remedy("authorities.list"),
        )
    return x509.load_der_x509_csr(_waiting(authority.record).csr or b"")


def accept_certificate(
    ledger: Ledger,
    location: KeyLocation,
    authority: Authority,
    certificate: x509.Certificate,
    known: Iterable[Authority],
    others: Sequence[x509.Certificate] = (),
) -> Authority:
    """Complete an authority with the certificate that its parent has made.

    Args:
        ledger: Where it is recorded.
        location: Where its key is.
        authority: Which one.
        certificate: Its certificate.
        known: The authorities here, one of which may be its parent.
        others: Certificates that came with it; those above it are kept where its parent is not known here.

    Raises:
        AuthorityNotReadyError: It does not wait for one.
        CertificateInvalidError, KeyMismatchError, AuthorityExistsError: It is not one for this authority.
    """
    pending_csr(authority)
    known = tuple(other for other in known if other.record.id != authority.record.id)
    check_authority(certificate)
    check_key_matches(authority.public_key, certificate)
    check_pss_binding(authority, certificate)
    parent = find_parent(certificate, known)
    with claimed(
        ledger, claim_subject(authority.record.id), "being completed", f"authority {authority.name!r}"
    ) as work:
        authority = authority.refreshed(ledger)
        pending_csr(authority)  # another process may have completed or abandoned it since
        with work.step():
            check_certificate_new(ledger, certificate.public_bytes(Encoding.DER), own=authority.record.id)
            ledger.authorities.certify(
                authority.record,
                subject=format_name(certificate.subject),
                parent_id=parent.record.id if parent is not None else None,
                above=issuer_chain(certificate, others) if parent is None else (),
            )
            record = ledger.authorities.get(authority.record.id)
        return complete_import(work, location, record, certificate)


def issuer_chain(certificate: x509.Certificate, others: Sequence[x509.Certificate]) -> list[bytes]:
    """Certificates above one, as far as they are among others, in any order: its issuer first, in DER."""
    found: list[bytes] = []
    while certificate.subject != certificate.issuer:
        issuer = next((other for other in others if _has_issued(other, certificate)), None)
        if issuer is None or issuer.public_bytes(Encoding.DER) in found:
            break
        found.append(issuer.public_bytes(Encoding.DER))
        certificate = issuer
    return found


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _waiting(record: AuthorityRecord) -> CsrPending:
    return cast("CsrPending", state_of(record))  # others do not get here


def _request(work: ClaimedWork, authority: Authority, key: SigningKey) -> bytes:
    """The request in DER: what it is to be is recorded, then it is signed through the hook `sign` and verified."""
    waiting = _waiting(authority.record)
    subject, profile = parse_subject(waiting.subject), waiting.profile
    builder = x509.CertificateSigningRequestBuilder(subject_name=subject)
    for extension in ProfileExtensions(profile, None).extensions(authority.spec.type, subject, (), serial=0):
        builder = builder.add_extension(extension.value, extension.critical)
    info = to_be_signed(builder, authority.public_key, authority.algorithm)
    with work.step():
        work.ledger.events.append(
            "csr-begun", authority.record, subject=waiting.subject, sha256=sha256(info).hexdigest()
        )
    return key.sign_request(info, CsrFacts(subject=subject))
