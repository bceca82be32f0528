"""Certificate signing requests (RFC 2986): reading them, and refusing those nobody should sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

from anchorhold.errors import RequestInvalidError, RequestSignatureError
from anchorhold.x509.general_names import check_alt_names, format_general_name
from anchorhold.x509.names import check_subject, format_name
from anchorhold.x509.oids import extension_name
from anchorhold.x509.request_keys import subject_key

if TYPE_CHECKING:
    from anchorhold.seam.requests import Draft
    from anchorhold.x509.request_keys import SubjectKey

_BROKEN_HASHES: Final = ("md5",)
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
    request = read_csr(data, subject)
    check_csr(request, subject)
    return request


def read_csr(data: bytes, subject: str = "CSR") -> x509.CertificateSigningRequest:
    """Parse a request and check nothing of it; see `load_csr`.

    Raises:
        RequestInvalidError: Truncated, malformed or empty.
    """
    load = x509.load_pem_x509_csr if b"-----BEGIN" in data else x509.load_der_x509_csr
    try:
        request = load(data)
        _ = request.subject, request.extensions  # both are parsed when first asked for
    except _UNREADABLE as error:
        raise RequestInvalidError(
            f"{subject}: not a certificate signing request that can be read", hint="ask for it again, as PEM or DER"
        ) from error
    return request


def check_csr(request: x509.CertificateSigningRequest, subject: str = "CSR") -> SubjectKey:
    """Verify a request's own signature, the strength of its key and its names; see `load_csr`."""
    key = subject_key(request, subject)
    _check_signature(request, subject)
    check_subject(request.subject)
    check_alt_names(alt_names_of(request))
    return key


def alt_names_of(request: x509.CertificateSigningRequest) -> tuple[x509.GeneralName, ...]:
    """The subject alternative names that a request asks for."""
    for extension in request.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            return tuple(extension.value)
    return ()


def not_granted(request: x509.CertificateSigningRequest, draft: Draft) -> tuple[str, ...]:
    """What a request asks for that a certificate does not contain, as words.

    Extensions other than alternative names are set by the profile, never by the request.
    """
    granted = {extension.oid: extension for extension in draft.extensions}
    missing = []
    if not set(request.subject) <= set(draft.subject):
        missing.append(f"the subject {format_name(request.subject)}")
    names = draft.alternative_names
    missing += [format_general_name(name) for name in alt_names_of(request) if name not in names]
    missing += [
        f"the extension {extension_name(extension.oid)}"
        for extension in request.extensions
        if extension.oid != ExtensionOID.SUBJECT_ALTERNATIVE_NAME and not _has(granted.get(extension.oid), extension)
    ]
    return tuple(missing)


def _has(granted: x509.Extension[Any] | None, asked: x509.Extension[Any]) -> bool:
    """Whether what was granted is what was asked for; more key purposes than asked for are."""
    if granted is not None and isinstance(asked.value, x509.ExtendedKeyUsage):
        return set(asked.value) <= set(granted.value)
    return granted == asked


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
