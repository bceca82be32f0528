"""Certificate signing requests (RFC 2986): reading them, and refusing those nobody should sign."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request that was verified, so that it need not be again; `check_request` makes it.

    Attributes:
        request: The request.
        key: The key in it.
    """

    request: x509.CertificateSigningRequest
    key: SubjectKey


def check_request(data: bytes, subject: str = "CSR") -> CheckedRequest:
    """Read a request and check it once for all; arguments and errors as `load_csr`."""
    request = read_csr(data, subject)
    return CheckedRequest(request, check_csr(request, subject))


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
    given = {(attribute.oid, _folded(attribute.value)) for attribute in draft.subject}
    left = [attribute for attribute in request.subject if (attribute.oid, _folded(attribute.value)) not in given]
    if left:
        missing.append(f"the subject {format_name(x509.Name(left))}")
    names = {_folded(format_general_name(name)) for name in draft.alternative_names}
    asked = map(format_general_name, alt_names_of(request))
    missing += [name for name in asked if _folded(name) not in names]
    missing += [
        f"the extension {extension_name(extension.oid)}"
        for extension in request.extensions
        if extension.oid != ExtensionOID.SUBJECT_ALTERNATIVE_NAME and not _has(granted.get(extension.oid), extension)
    ]
    return tuple(missing)


def _has(granted: x509.Extension[Any] | None, asked: x509.Extension[Any]) -> bool:
    """Whether what was granted has what was asked for, and perhaps more; whether it is critical is for the issuer."""
    if granted is None:  # who asks for no authority has got none
        return isinstance(asked.value, x509.BasicConstraints) and not asked.value.ca
    if isinstance(asked.value, x509.ExtendedKeyUsage | x509.TLSFeature):
        return set(asked.value) <= set(granted.value)
    if isinstance(asked.value, x509.KeyUsage):
        return _usages(asked.value) <= _usages(granted.value)
    return bool(granted.value == asked.value)


def _usages(usage: x509.KeyUsage) -> set[str]:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    agreed = ("encipher_only", "decipher_only") if usage.key_agreement else ()
    return {name for name in (*names, "key_cert_sign", "crl_sign", *agreed) if getattr(usage, name)}


def _folded(value: str | bytes) -> str | bytes:
    return " ".join(value.lower().split()) if isinstance(value, str) else value


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
