"""Certificate signing requests (RFC 2986): reading them, and refusing those nobody should sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.x509.oid import ExtensionOID

from anchorhold.errors import KeyUnsupportedError, RequestInvalidError, RequestSignatureError, WeakKeyError
from anchorhold.publickeys import check_strength, spki
from anchorhold.x509.general_names import check_alt_names, format_general_name
from anchorhold.x509.names import check_subject, format_name
from anchorhold.x509.oids import extension_name

if TYPE_CHECKING:
    from anchorhold.publickeys import PublicKey
    from anchorhold.seam.requests import Draft

_BROKEN_HASHES: Final = ("md5",)
_RSA_ENCRYPTION: Final = bytes.fromhex("06092a864886f70d010101")
"""The object identifier rsaEncryption in DER (RFC 8017, appendix A.1)."""
_UNREADABLE: Final = (ValueError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType, x509.DuplicateExtension)


def load_csr(data: bytes, subject: str = "CSR") -> x509.CertificateSigningRequest:
    """Read a request, PEM or DER, and check all that can be checked without an authority.

    Args:
        data: The file's content.
        subject: What to call it in messages.

    Raises:
        RequestInvalidError: Truncated, malformed or empty.
        RequestSignatureError: Not signed by the key it contains.
        WeakKeyError: Its key is too weak.
        KeyUnsupportedError: Its key is of a type that is not certified.
        SubjectInvalidError: Its subject has control characters.
        NameForbiddenError: It asks for a name that must not be certified.
    """
    load = x509.load_pem_x509_csr if b"-----BEGIN" in data else x509.load_der_x509_csr
    try:
        request = load(data)
        _ = request.subject, request.extensions  # both are parsed when first asked for
    except _UNREADABLE as error:
        raise RequestInvalidError(
            f"{subject}: not a certificate signing request that can be read", hint="ask for it again, as PEM or DER"
        ) from error
    check_csr(request, subject)
    return request


def check_csr(request: x509.CertificateSigningRequest, subject: str = "CSR") -> PublicKey:
    """Verify a request's own signature, the strength of its key and its names; see `load_csr`."""
    key = _public_key(request, subject)
    _check_signature(request, subject)
    check_subject(request.subject)
    check_alt_names(alt_names_of(request))
    return key


def alt_names_of(request: x509.CertificateSigningRequest) -> tuple[x509.GeneralName, ...]:
    """The subject alternative names that a request asks for."""
    try:
        extension = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(extension.value)


def not_granted(request: x509.CertificateSigningRequest, draft: Draft) -> tuple[str, ...]:
    """What a request asks for that a certificate does not contain, as words.

    Extensions other than alternative names are set by the profile, never by the request.
    """
    granted = {extension.oid: extension for extension in draft.extensions}
    missing = []
    if request.subject.rdns and request.subject != draft.subject:
        missing.append(f"the subject {format_name(request.subject)}")
    missing += [format_general_name(name) for name in alt_names_of(request) if name not in draft.alternative_names]
    missing += [
        f"the extension {extension_name(extension.oid)}"
        for extension in request.extensions
        if extension.oid != ExtensionOID.SUBJECT_ALTERNATIVE_NAME and granted.get(extension.oid) != extension
    ]
    return tuple(missing)


def _public_key(request: x509.CertificateSigningRequest, subject: str) -> PublicKey:
    try:
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        if _RSA_ENCRYPTION in _public_key_info(request):
            raise WeakKeyError(
                f"{subject}: the RSA key has a modulus or exponent that cannot be right", hint="make a new key"
            ) from error
        raise KeyUnsupportedError(
            f"{subject}: its public key cannot be used", hint="use an EC, RSA, Ed25519, Ed448 or ML-DSA key"
        ) from error
    if spki(check_strength(key, subject)) != _public_key_info(request):
        raise KeyUnsupportedError(
            f"{subject}: its public key is of a restricted kind (such as RSASSA-PSS) or oddly encoded",
            hint="use a plain EC, RSA, Ed25519, Ed448 or ML-DSA key",
        )
    return key  # type: ignore[return-value]  # check_strength refused every other type


def _public_key_info(request: x509.CertificateSigningRequest) -> bytes:
    """The SubjectPublicKeyInfo as it stands in the request; ``cryptography`` reads some kinds as others."""
    info = asn1.decode_der(_RequestInfo, request.tbs_certrequest_bytes)
    return asn1.encode_der(info.public_key)


@asn1.sequence
class _RequestInfo:
    """CertificationRequestInfo (RFC 2986, section 4.1)."""

    version: int
    subject: asn1.TLV
    public_key: asn1.TLV
    attributes: asn1.TLV


def _check_signature(request: x509.CertificateSigningRequest, subject: str) -> None:
    try:
        digest = request.signature_hash_algorithm
        valid = request.is_signature_valid and (digest is None or digest.name not in _BROKEN_HASHES)
    except (UnsupportedAlgorithm, ValueError, TypeError):
        valid = False
    if not valid:
        raise RequestSignatureError(
            f"{subject}: its signature was not made by the key it contains, or cannot be verified",
            hint="have it made again by the holder of the key",
        )
