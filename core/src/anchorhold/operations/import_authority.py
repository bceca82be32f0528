"""Importing an authority that was made elsewhere: its certificate and its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.algorithms import RSA_PADDINGS
from anchorhold.errors import AuthorityExistsError, CertificateInvalidError, KeyMismatchError
from anchorhold.ledger import IssuancePolicy, Reservation
from anchorhold.operations.authority import Authority
from anchorhold.operations.authority_intent import AuthorityIntent, check_certificate_new, establish
from anchorhold.operations.signing_key import SigningKey
from anchorhold.operations.state import Import
from anchorhold.public_keys import check_strength, spki
from anchorhold.x509.ber import read_one
from anchorhold.x509.certificates import is_pss_only
from anchorhold.x509.csr_keys import pss_hash
from anchorhold.x509.general_names import format_general_name
from anchorhold.x509.lenient_certificates import public_key_info
from anchorhold.x509.names import format_name
from anchorhold.x509.serials import MAX_OCTETS, format_serial, is_too_long
from anchorhold.x509.signatures import signature_flaw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorhold.ledger import AuthorityRecord, CertificateRecord, Ledger
    from anchorhold.operations.claims import ClaimedWork
    from anchorhold.operations.key_location import KeyLocation
    from anchorhold.operations.key_sources import AdoptedKey, ImportedKey
    from anchorhold.public_keys import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAuthority:
    """An authority to import.

    Attributes:
        name: Under which it will be known here.
        certificate: Its certificate.
        issuing: What it puts into what it signs.
    """

    name: str
    certificate: x509.Certificate
    issuing: IssuancePolicy = field(default_factory=IssuancePolicy)


def import_authority(
    ledger: Ledger,
    location: KeyLocation,
    source: ImportedKey | AdoptedKey,
    foreign: ImportedAuthority,
    known: Iterable[Authority],
) -> Authority:
    """Import an authority; its parent is linked if it is among those known.

    Raises:
        CertificateInvalidError: The certificate is not that of an authority.
        KeyMismatchError: The key does not belong to it.
        AuthorityExistsError: The name is taken.
        AnchorholdError: The backend could not store the key or sign with it; as for a creation.
    """
    certificate = foreign.certificate
    check_authority(certificate)
    check_key_matches(source.public_key, certificate)
    der = certificate.public_bytes(Encoding.DER)
    intent = AuthorityIntent(
        name=foreign.name,
        subject=format_name(certificate.subject),
        parent=find_parent(certificate, known),
        state=Import(certificate=der),
        issuing=foreign.issuing,
        certificate=der,
    )
    return establish(
        ledger, location, source, intent, lambda work, row: complete_import(work, location, row, certificate)
    )


def complete_import(
    work: ClaimedWork, location: KeyLocation, record: AuthorityRecord, certificate: x509.Certificate
) -> Authority:
    """From a recorded key to an active authority; also what ``recover`` does.

    Args:
        work: The creation.
        location: Where the key is.
        record: The pending authority.
        certificate: Its certificate.

    Raises:
        AuthorityExistsError: Another authority has that certificate meanwhile.
        BusyError: Another process has taken it over; nothing was recorded.
        AnchorholdError: The key cannot be used.
    """
    ledger, authority = work.ledger, Authority(record)
    with SigningKey(authority, location.backend, location.secrets) as key:
        key.prove()
    der, serial = certificate.public_bytes(Encoding.DER), format_serial(certificate.serial_number)
    with ledger.transaction(alone=True):
        work.confirm()
        check_certificate_new(ledger, der, own=record.id)
        if record.parent_id is None and certificate.subject == certificate.issuer:
            ledger.certificates.record(record.id, _intent(certificate, "authority"), der)
        ledger.authorities.activate(record, serial=serial, certificate=der, not_after=certificate.not_valid_after_utc)
        ledger.events.append("authority-imported", authority.record, serial=serial)
    return authority.refreshed(ledger)


def record_certificate(ledger: Ledger, authority: Authority, certificate: x509.Certificate) -> CertificateRecord:
    """Record a certificate that an authority signed elsewhere; what is recorded can be shown, revoked and answered for.

    Raises:
        CertificateInvalidError: That authority has not signed it, or it has a serial number that is too long.
        AuthorityExistsError: Its serial number is in the ledger already.
    """
    serial = format_serial(certificate.serial_number)
    flaw = issuer_flaw(certificate, authority.certificate)
    if flaw is not None:
        raise CertificateInvalidError(
            f"certificate {serial}: was not signed by {authority.name!r}: {flaw}",
            hint="name the authority that signed it",
        )
    check_serial(certificate)
    intent = _intent(certificate, "imported")
    with ledger.transaction(alone=True):
        if ledger.certificates.has(serial, authority.record.id):
            raise AuthorityExistsError(f"certificate {serial}: is already in the ledger", hint="no action is needed")
        ledger.certificates.record(authority.record.id, intent, certificate.public_bytes(Encoding.DER))
        ledger.events.append("certificate-imported", authority.record, serial=serial)
        (record,) = ledger.certificates.find(serial, authority.record.id)
        return record


def check_key_matches(key: PublicKey, certificate: x509.Certificate) -> None:
    """Refuse a key that is not the one in the certificate.

    Raises:
        KeyMismatchError: It is another one.
    """
    if spki(check_strength(certificate.public_key(), "certificate")) != spki(key):
        raise KeyMismatchError(
            "private key: does not belong to the certificate", hint="give the key that belongs to this certificate"
        )


def check_pss_binding(authority: Authority, certificate: x509.Certificate) -> None:
    """Refuse a certificate that binds the key of an authority to signatures that this one does not make.

    Raises:
        KeyMismatchError: It is one for RSASSA-PSS only, or for another hash.
    """
    if not is_pss_only(certificate):
        return
    bound, own = pss_hash(public_key_info(certificate)), authority.algorithm
    if own.scheme != RSA_PADDINGS["pss"] or bound not in (None, own.hash):
        only = f"rsa-pss with {bound}" if bound else "rsa-pss"
        raise KeyMismatchError(
            f"certificate: restricts the key to {only}, but the authority signs with {own}",
            hint="have it certified as a plain RSA key",
        )


def check_authority(certificate: x509.Certificate) -> None:
    """Refuse a certificate that is not an authority's (RFC 5280, sections 4.2.1.3 and 4.2.1.9).

    Raises:
        CertificateInvalidError: It is not a CA certificate, or its serial number is too long.
        WeakKeyError: Its key is too weak.
    """
    check_strength(certificate.public_key(), "certificate")
    check_serial(certificate)
    extensions = certificate.extensions
    try:
        is_authority = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    try:
        may_sign = extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        may_sign = True
    if not (is_authority and may_sign):
        raise CertificateInvalidError(
            "certificate: is not a CA certificate (basicConstraints CA, keyUsage keyCertSign)",
            hint="give the certificate of a CA",
        )


def check_serial(certificate: x509.Certificate) -> None:
    """Refuse a serial number by which a certificate could not be answered for.

    Raises:
        CertificateInvalidError: It is too long.
    """
    if is_too_long(certificate.serial_number):
        raise CertificateInvalidError(
            f"certificate: its serial number has more than {MAX_OCTETS} octets",
            hint="at most 20 are allowed (RFC 5280, section 4.1.2.2); it cannot be recorded",
        )


def find_parent(certificate: x509.Certificate, known: Iterable[Authority]) -> Authority | None:
    """The known authority that signed a certificate; None if it is self-signed or of an unknown issuer."""
    for authority in known:
        if authority.record.certificate is None or authority.certificate.subject != certificate.issuer:
            continue
        if issuer_flaw(certificate, authority.certificate) is None:
            return authority
    return None


def issuer_flaw(certificate: x509.Certificate, issuer: x509.Certificate) -> str | None:
    """Why a certificate was not signed by an issuer, in words; None if it was, with whatever hash."""
    if certificate.issuer != issuer.subject:
        return f"it names {format_name(certificate.issuer)!r} as its issuer, not {format_name(issuer.subject)!r}"
    whole = read_one(certificate.public_bytes(Encoding.DER))
    try:
        key = issuer.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        return f"the key of its issuer cannot be used: {error}"
    flaw = signature_flaw(key, certificate.tbs_certificate_bytes, certificate.signature, whole.member(1))
    return f"its signature {flaw}" if flaw is not None else None


def _intent(certificate: x509.Certificate, profile: str) -> Reservation:
    """What the ledger has of a certificate made elsewhere, whatever its key is like."""
    try:
        names = tuple(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = ()
    return Reservation(
        serial=format_serial(certificate.serial_number),
        profile=profile,
        subject=format_name(certificate.subject),
        names=tuple(map(format_general_name, names)),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        tbs=certificate.tbs_certificate_bytes,
    )
