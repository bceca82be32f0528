"""An authority whose parent is elsewhere: a key and a request for a certificate now, the certificate when it comes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.errors import AuthorityNotReadyError
from anchorhold.issuing.authority import Authority
from anchorhold.issuing.claiming import claimed, subject_of
from anchorhold.issuing.imports import check_authority, check_belongs, check_binding, complete_import, find_parent
from anchorhold.issuing.key import AuthorityKey
from anchorhold.issuing.pending import Intent, check_certificate_new, establish
from anchorhold.issuing.plan import effective_profile
from anchorhold.issuing.undo import is_abandoning
from anchorhold.profiles import ProfileSettings
from anchorhold.profiles.extensions import ProfileExtensions
from anchorhold.remedy import Remedy
from anchorhold.x509.names import format_name, parse_authority_subject, parse_subject
from anchorhold.x509.to_be_signed import to_be_signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from anchorhold.issuing.claiming import Work
    from anchorhold.issuing.place import KeyPlace
    from anchorhold.issuing.plan import NewAuthority
    from anchorhold.issuing.sources import KeySource
    from anchorhold.ledger import AuthorityRecord, Ledger

REQUEST = "request"
"""The operation in the plan of an authority that waits for its certificate."""


def is_waiting(record: AuthorityRecord) -> bool:
    """Whether its request was made, so that it waits for its certificate."""
    plan: Mapping[str, Any] = record.plan or {}
    requested = plan.get("operation") == REQUEST and plan.get("csr") is not None
    return record.status == "pending" and requested and not is_abandoning(record)


def request_authority(ledger: Ledger, place: KeyPlace, source: KeySource, wanted: NewAuthority) -> Authority:
    """Make or adopt a key and a request (RFC 2986) that a parent elsewhere can sign.

    Args:
        ledger: Where it is recorded.
        place: Where its key will live.
        source: Where its key comes from.
        wanted: The authority; the request asks for the extensions of its profile, the parent decides.

    Returns:
        The authority, pending; `request_of` gives the request.

    Raises:
        AnchorholdError: As `anchorhold.issuing.creation.create_authority`.
    """
    algorithm = source.spec.algorithm(wanted.issuing.hash, wanted.issuing.rsa_padding)
    place.backend.capabilities.check(place.backend.owner, source.spec, algorithm)
    subject = format_name(parse_authority_subject(wanted.subject))
    plan = {"operation": REQUEST, "subject": subject, "profile": effective_profile(wanted).stored()}
    intent = Intent(name=wanted.name, subject=subject, parent=None, plan=plan, issuing=wanted.issuing)
    return establish(ledger, place, source, intent, lambda work, record: complete_request(work, place, record))


def complete_request(work: Work, place: KeyPlace, record: AuthorityRecord) -> Authority:
    """From a recorded key to a recorded request; also what ``recover`` does.

    Raises:
        BusyError: Somebody else has taken it over; nothing was recorded.
        AnchorholdError: The key cannot be used.
    """
    authority = Authority(record)
    with AuthorityKey(authority, place.backend, place.secrets) as key:
        key.prove()
        csr = _request(authority, key)
    with work.step():
        work.ledger.authorities.record_plan(record, {**(record.plan or {}), "csr": base64.b64encode(csr).decode()})
        work.ledger.events.append("authority-requested", authority.name)
    return authority.refreshed(work.ledger)


def request_of(authority: Authority) -> x509.CertificateSigningRequest:
    """The request of an authority that waits for its certificate.

    Raises:
        AuthorityNotReadyError: It does not wait for one.
    """
    if not is_waiting(authority.record):
        raise AuthorityNotReadyError(
            f"authority {authority.name!r}: waits for no certificate",
            hint="see its state in the list of authorities",
            remedy=Remedy("authorities.list"),
        )
    return x509.load_der_x509_csr(base64.b64decode((authority.record.plan or {})["csr"]))


def accept_certificate(
    ledger: Ledger,
    place: KeyPlace,
    authority: Authority,
    certificate: x509.Certificate,
    known: Iterable[Authority],
    others: Sequence[x509.Certificate] = (),
) -> Authority:
    """Complete an authority with the certificate that its parent has made.

    Args:
        ledger: Where it is recorded.
        place: Where its key is.
        authority: Which one.
        certificate: Its certificate.
        known: The authorities here, one of which may be its parent.
        others: Certificates that came with it; those above it are kept where its parent is not known here.

    Raises:
        AuthorityNotReadyError: It does not wait for one.
        CertificateInvalidError, KeyMismatchError, AuthorityExistsError: It is not one for this authority.
    """
    request_of(authority)
    known = tuple(other for other in known if other.record.id != authority.record.id)
    check_authority(certificate)
    check_belongs(authority.public_key, certificate)
    check_binding(authority, certificate)
    parent = find_parent(certificate, known)
    with claimed(ledger, subject_of(authority.record.id), "being completed", f"authority {authority.name!r}") as work:
        authority = authority.refreshed(ledger)
        request_of(authority)  # another process may have completed or abandoned it since
        with work.step():
            check_certificate_new(ledger, certificate.public_bytes(Encoding.DER), own=authority.record.id)
            ledger.authorities.certify(
                authority.record,
                subject=format_name(certificate.subject),
                parent_id=parent.record.id if parent is not None else None,
                above=chain_above(certificate, others) if parent is None else (),
            )
            record = ledger.authorities.get(authority.record.id)
        return complete_import(work, place, record, certificate)


def chain_above(certificate: x509.Certificate, others: Sequence[x509.Certificate]) -> list[bytes]:
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


def _request(authority: Authority, key: AuthorityKey) -> bytes:
    """The request in DER, signed through the hook `sign` and verified."""
    plan = authority.record.plan or {}
    subject = parse_subject(plan["subject"])
    profile = ProfileSettings.model_validate(plan["profile"])
    builder = x509.CertificateSigningRequestBuilder(subject_name=subject)
    for extension in ProfileExtensions(profile, None).extensions(authority.public_key, subject, (), serial=0):
        builder = builder.add_extension(extension.value, extension.critical)
    return key.sign_request(to_be_signed(builder, authority.public_key, authority.algorithm))
