"""Drafts become certificates: capturing the TBSCertificate, signing it, and checking what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.errors import SignatureError
from anchorhold.publickeys import is_signed_by
from anchorhold.seam.bridge import bridge_key, builder_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import Algorithm
    from anchorhold.publickeys import PublicKey
    from anchorhold.seam.requests import Draft

_NO_SIGNATURE = b"\x00"


def key_identifiers(public_key: PublicKey, issuer: x509.Certificate | None) -> list[x509.Extension[x509.ExtensionType]]:
    """Subject and authority key identifier (RFC 5280, sections 4.2.1.1 and 4.2.1.2).

    Args:
        public_key: Of the certificate to be.
        issuer: The issuer's certificate; None for a root, which is its own.
    """
    subject = x509.SubjectKeyIdentifier.from_public_key(public_key)
    found = _subject_key_identifier(issuer) if issuer is not None else subject
    if found is not None:
        authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)
    else:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[union-attr,arg-type]
    return [x509.Extension(value.oid, False, value) for value in (subject, authority)]


def capture_tbs(draft: Draft, issuer_key: PublicKey, algorithm: Algorithm) -> bytes:
    """The TBSCertificate that will be signed, made without any private key."""
    captured: list[bytes] = []

    def capture(message: bytes) -> bytes:
        captured.append(message)
        return _NO_SIGNATURE

    _build(draft, issuer_key, algorithm, capture)
    return captured[0]


def sign_draft(
    draft: Draft,
    tbs: bytes,
    issuer_key: PublicKey,
    algorithm: Algorithm,
    sign: Callable[[bytes], bytes],
    signer: object,
) -> bytes:
    """Sign a draft and verify the result.

    Args:
        draft: The certificate to be.
        tbs: From `capture_tbs`, as recorded.
        issuer_key: The issuer's public key.
        algorithm: How it is signed.
        sign: Makes the signature over the whole message.
        signer: Names the backend in the message.

    Returns:
        The certificate in DER.

    Raises:
        SignatureError: The signature does not verify, or what was signed is not what was recorded.
    """
    certificate = _build(draft, issuer_key, algorithm, sign)
    signed = certificate.tbs_certificate_bytes
    if signed != tbs or not is_signed_by(issuer_key, certificate.signature, signed, algorithm):
        raise SignatureError(
            f"{signer}: returned a signature that does not verify",
            hint="nothing was issued; check the key with view-ca and tell the author of the backend",
        )
    return certificate.public_bytes(Encoding.DER)


def _build(
    draft: Draft, issuer_key: PublicKey, algorithm: Algorithm, sign: Callable[[bytes], bytes]
) -> x509.Certificate:
    builder = x509.CertificateBuilder(
        issuer_name=draft.issuer,
        subject_name=draft.subject,
        public_key=draft.public_key,
        serial_number=draft.serial,
        not_valid_before=draft.not_before.replace(tzinfo=None),
        not_valid_after=draft.not_after.replace(tzinfo=None),
        extensions=list(draft.extensions),
    )
    return builder.sign(bridge_key(issuer_key, sign), **builder_arguments(algorithm))


def _subject_key_identifier(certificate: x509.Certificate) -> x509.SubjectKeyIdentifier | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return None
