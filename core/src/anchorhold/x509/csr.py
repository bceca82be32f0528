"""Certificate signing requests (RFC 2986): reading them, and refusing those nobody should sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from anchorhold.errors import RequestInvalidError, RequestSignatureError
from anchorhold.parser_errors import attempt
from anchorhold.x509.ber import BerError
from anchorhold.x509.csr_keys import subject_key
from anchorhold.x509.csr_parts import CertificationRequest
from anchorhold.x509.file_formats import REQUEST, FileError, blocks
from anchorhold.x509.general_names import format_general_name
from anchorhold.x509.names import format_name
from anchorhold.x509.oid_names import extension_name
from anchorhold.x509.signatures import hash_of_signature, signature_flaw

if TYPE_CHECKING:
    from anchorhold.x509.csr_keys import SubjectKey
    from anchorhold.x509.draft import Draft

_USUAL: Final = (b"-----BEGIN CERTIFICATE REQUEST-----", b"-----BEGIN NEW CERTIFICATE REQUEST-----")
_BROKEN_HASHES: Final = ("MD2", "MD4", "MD5")
"""A signature over these also fits other texts that an attacker can find. SHA-1 still shows who holds the key."""


def load_csr(data: bytes, subject: str = "CSR") -> CertificationRequest:
    """Read a request and check all that can be checked without an authority.

    Args:
        data: The file's content: PEM, DER, or what else `anchorhold.x509.file_formats` reads.
        subject: What to call it in messages.

    Raises:
        RequestInvalidError: Truncated, malformed or empty, or something else than a request.
        RequestSignatureError: Not signed by the key it contains.
        WeakKeyError: Its key is too weak.
        KeyUnsupportedError: Its key is of a type that is not certified.
    """
    request = read_csr(data, subject)
    check_csr(request, subject)
    return request


def read_csr(data: bytes, subject: str = "CSR") -> CertificationRequest:
    """Parse a request and check nothing of it; see `load_csr`.

    Raises:
        RequestInvalidError: Truncated, malformed or empty, or something else than a request.
    """
    try:
        parsed = _read_usual_form(data)
        if parsed is not None:
            return CertificationRequest.of(parsed, subject)
        found = blocks(data)
        first = next((block for block in found if block.kind == REQUEST), None)
        if first is not None:
            return CertificationRequest.read(first.der, subject)
    except (FileError, BerError) as error:
        raise RequestInvalidError(
            f"{subject}: cannot be read as a certificate signing request ({error})",
            hint="request it again, as PEM or DER",
        ) from error
    raise RequestInvalidError(
        f"{subject}: is {found[0].kind}, not a certificate signing request", hint="give the CSR, as PEM or DER"
    )


def _read_usual_form(data: bytes) -> x509.CertificateSigningRequest | None:
    """A request in one of the usual forms, of which thousands come to be signed together; None if it is in another."""
    load = x509.load_pem_x509_csr if data.startswith(_USUAL) else x509.load_der_x509_csr
    return attempt(lambda: load(data))[0] if load is x509.load_pem_x509_csr or data[:1] == b"0" else None


def check_csr(request: CertificationRequest | x509.CertificateSigningRequest, subject: str = "CSR") -> SubjectKey:
    """Verify a request's own signature and the strength of its key; see `load_csr`.

    Its names are checked where they are copied: what is not used can block nothing.
    """
    request = CertificationRequest.of(request)
    key = subject_key(request, subject)
    _check_signature(request, key.public_key, subject)
    return key


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request that was verified, so that it need not be again; `check_request` makes it.

    Attributes:
        request: The request.
        key: The key in it.
    """

    request: CertificationRequest
    key: SubjectKey


def check_request(data: bytes, subject: str = "CSR") -> CheckedRequest:
    """Read a request and check it once for all; arguments and errors as `load_csr`."""
    request = read_csr(data, subject)
    return CheckedRequest(request, check_csr(request, subject))


def alt_names_of(request: CertificationRequest) -> tuple[x509.GeneralName, ...]:
    """The subject alternative names that a request asks for.

    Raises:
        RequestInvalidError: They cannot be read.
    """
    return request.alternative_names


def not_granted(request: CertificationRequest, draft: Draft) -> tuple[str, ...]:
    """What a request asks for that a certificate does not contain, as words.

    Extensions other than alternative names are set by the profile, never by the request.
    """
    granted = {extension.oid: extension for extension in draft.extensions}
    missing = [f"{part}, which cannot be read" for part in request.unreadable.values()]
    given = {(attribute.oid, _folded(attribute.value)) for attribute in draft.subject}
    wanted = request.readable_subject
    left = [attribute for attribute in wanted if (attribute.oid, _folded(attribute.value)) not in given]
    if left:
        missing.append(f"the subject {format_name(x509.Name(left))}")
    names = {_folded(format_general_name(name)) for name in draft.alternative_names}
    asked = map(format_general_name, request.readable_names)
    missing += [name for name in asked if _folded(name) not in names]
    missing += [
        f"the extension {extension_name(extension.oid)}"
        for extension in request.readable_extensions
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


def _check_signature(request: CertificationRequest, key: object, subject: str) -> None:
    if _is_usual(request.parsed):
        return
    digest = hash_of_signature(request.algorithm)
    if digest in _BROKEN_HASHES:
        raise RequestSignatureError(
            f"{subject}: is signed with {digest}, which no longer proves that its holder has the key",
            hint="have it signed with SHA-256",
        )
    flaw = signature_flaw(key, request.info, request.signature, request.algorithm)
    if flaw is not None:
        raise RequestSignatureError(
            f"{subject}: its signature {flaw}", hint="request a new CSR from the holder of the key"
        )


def _is_usual(request: x509.CertificateSigningRequest | None) -> bool:
    """Whether ``cryptography`` says that its signature is right; where it does not, that may be its policy."""
    if request is None or not attempt(lambda: request.is_signature_valid)[0]:
        return False
    digest, error = attempt(lambda: request.signature_hash_algorithm)
    return error is None and (digest is None or digest.name.upper() not in _BROKEN_HASHES)
