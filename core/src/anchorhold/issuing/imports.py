"""Importing an authority that was made elsewhere: its certificate and its key."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.errors import AuthorityExistsError, CertificateInvalidError, KeyMismatchError
from anchorhold.issuing.authority import Authority
from anchorhold.issuing.issuance import reservation
from anchorhold.issuing.key import AuthorityKey
from anchorhold.issuing.pending import begin, check_store, record_key
from anchorhold.issuing.undo import undo
from anchorhold.ledger import IssuingDefaults
from anchorhold.pkcs8 import dump_pkcs8
from anchorhold.publickeys import check_strength, spki
from anchorhold.seam.requests import CertificateAuthority, CreatedKey, Draft, ImportKeyRequest
from anchorhold.x509.names import format_name
from anchorhold.x509.serials import format_serial

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorhold.ledger import Ledger, Reservation
    from anchorhold.publickeys import PublicKey
    from anchorhold.seam.facade import KeyBackend
    from anchorhold.seam.options import OptionValues
    from anchorhold.seam.requests import Secrets
    from anchorhold.softkeys import PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignAuthority:
    """An authority to import.

    Attributes:
        name: Under which it will be known here.
        certificate: Its certificate.
        key: Its private key.
        issuing: What it puts into what it signs.
        options: Of its key backend, complete, without secrets.
    """

    name: str
    certificate: x509.Certificate
    key: PrivateKey
    issuing: IssuingDefaults = field(default_factory=IssuingDefaults)
    options: OptionValues = field(default_factory=dict)


def import_authority(
    ledger: Ledger,
    backend: KeyBackend,
    backend_type: str,
    secrets: Secrets,
    foreign: ForeignAuthority,
    known: Iterable[Authority],
) -> Authority:
    """Import an authority; its parent is linked if it is among those known.

    Raises:
        CertificateInvalidError: The certificate is not that of an authority.
        KeyMismatchError: The key does not belong to it.
        AuthorityExistsError: The name is taken.
        AnchorholdError: The backend could not store the key or sign with it; as for a creation.
    """
    public_key = check_foreign(foreign.certificate, foreign.key)
    subject = format_name(foreign.certificate.subject)
    known = tuple(known)
    _check_new(foreign.certificate, known)
    parent = find_parent(foreign.certificate, known)
    key_id = os.urandom(20)
    check_store(backend, secrets, key_id, foreign.options)
    plan = {
        "operation": "import",
        "certificate": base64.b64encode(foreign.certificate.public_bytes(Encoding.DER)).decode(),
        "options": dict(foreign.options),
    }
    authority_id = begin(
        ledger,
        foreign.name,
        plan,
        subject=subject,
        parent=parent,
        key_backend=backend.alias,
        backend_type=backend_type,
        key_id=key_id,
        issuing=foreign.issuing,
    )
    request = ImportKeyRequest(
        key_id=key_id,
        pkcs8=dump_pkcs8(foreign.key),
        ca=CertificateAuthority(name=foreign.name, subject=subject),
        options=foreign.options,
    )
    try:
        created = backend.import_key(request, secrets)
        _check_same(created.public_key, public_key, backend.owner)
        return complete_import(ledger, backend, secrets, authority_id, created, foreign.certificate)
    except Exception as error:
        undo(ledger, backend, secrets, authority_id, error)
        raise


def complete_import(
    ledger: Ledger,
    backend: KeyBackend,
    secrets: Secrets,
    authority_id: int,
    created: CreatedKey,
    certificate: x509.Certificate,
) -> Authority:
    """From a stored key to an active authority; also what ``recover`` does."""
    record_key(ledger, authority_id, created)
    authority = Authority(ledger.authorities.get(authority_id))
    with AuthorityKey(authority, backend, secrets) as key:
        key.prove()
    der, serial = certificate.public_bytes(Encoding.DER), format_serial(certificate.serial_number)
    with ledger.transaction():
        if authority.record.parent_id is None and certificate.subject == certificate.issuer:
            ledger.certificates.record(authority_id, _intent(certificate, authority.public_key), der)
        ledger.authorities.activate(
            authority_id, serial=serial, certificate=der, not_after=certificate.not_valid_after_utc
        )
        ledger.events.append("authority-imported", authority.name, serial=serial)
    return Authority(ledger.authorities.get(authority_id))


def check_foreign(certificate: x509.Certificate, key: PrivateKey) -> PublicKey:
    """Refuse a certificate that is not an authority's (RFC 5280, sections 4.2.1.3 and 4.2.1.9), or another key.

    Raises:
        CertificateInvalidError, KeyMismatchError, WeakKeyError: As they say.
    """
    public_key = check_strength(certificate.public_key(), "certificate")
    if spki(public_key) != spki(key.public_key()):
        raise KeyMismatchError(
            "private key: does not belong to the certificate", hint="give the key that belongs to this certificate"
        )
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
            "certificate: does not belong to an authority (basicConstraints CA, keyUsage keyCertSign)",
            hint="give the certificate of a CA",
        )
    return public_key


def find_parent(certificate: x509.Certificate, known: Iterable[Authority]) -> Authority | None:
    """The known authority that signed a certificate; None if it is self-signed or of an unknown issuer."""
    for authority in known:
        if authority.record.certificate is None or authority.certificate.subject != certificate.issuer:
            continue
        try:
            certificate.verify_directly_issued_by(authority.certificate)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return authority
    return None


def _check_new(certificate: x509.Certificate, known: Iterable[Authority]) -> None:
    der = certificate.public_bytes(Encoding.DER)
    for authority in known:
        if authority.record.certificate == der:
            raise AuthorityExistsError(
                f"certificate: is that of the authority {authority.name!r}", hint="use it under that name"
            )


def _check_same(stored: PublicKey, given: PublicKey, subject: object) -> None:
    if spki(stored) != spki(given):
        raise KeyMismatchError(f"{subject}: stored another key", hint="tell the author of the backend")


def _intent(certificate: x509.Certificate, public_key: PublicKey) -> Reservation:
    return reservation(
        Draft(
            issuer=certificate.issuer,
            subject=certificate.subject,
            serial=certificate.serial_number,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            public_key=public_key,
            extensions=tuple(certificate.extensions),
            profile="authority",
        ),
        certificate.tbs_certificate_bytes,
    )
