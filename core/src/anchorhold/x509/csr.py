"""Certificate signing requests (RFC 2986): reading them part by part, and refusing those nobody should sign."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from anchorhold.errors import RequestInvalidError, RequestSignatureError
from anchorhold.parser_errors import attempt
from anchorhold.x509.ber import BIT_STRING, INTEGER, SEQUENCE, SET, BerError, Value, read_one
from anchorhold.x509.csr_keys import subject_key
from anchorhold.x509.der import members
from anchorhold.x509.file_formats import REQUEST, FileError, blocks
from anchorhold.x509.lenient_extensions import load_extension
from anchorhold.x509.lenient_names import load_name
from anchorhold.x509.oid_names import extension_name
from anchorhold.x509.signatures import hash_of_signature, signature_flaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.x509.csr_keys import SubjectKey

_T = TypeVar("_T")

_USUAL: Final = (b"-----BEGIN CERTIFICATE REQUEST-----", b"-----BEGIN NEW CERTIFICATE REQUEST-----")
_BROKEN_HASHES: Final = ("MD2", "MD4", "MD5")
"""A signature over these also fits other texts that an attacker can find. SHA-1 still shows who holds the key."""
_REQUESTS: Final = ("1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14")
"""extensionRequest (RFC 2985, section 5.4.2), and the one of Microsoft that it was made from."""
_PUBLIC_KEY: Final = 3
"""Members of a CertificationRequestInfo up to the public key."""
_ATTRIBUTES: Final = 0xA0
_MAX_EXTENSIONS: Final = 1_000
_SUBJECT: Final = "the subject"
_ATTRIBUTES_PART: Final = "the attributes"


@dataclass(frozen=True)
class CertificationRequest:
    """A request as it was handed over; a part that cannot be read blocks only who asks for it.

    Attributes:
        der: All of it; the name says what it should be.
        name: What to call it in messages.
        parsed: The same as ``cryptography`` has it, where it takes it.
    """

    der: bytes
    name: str = "CSR"
    parsed: x509.CertificateSigningRequest | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls, request: CertificationRequest | x509.CertificateSigningRequest, name: str = "CSR"
    ) -> CertificationRequest:
        """One that was loaded with ``cryptography``, or is one of ours."""
        if isinstance(request, CertificationRequest):
            return request
        return cls(request.public_bytes(Encoding.DER), name, request)

    @classmethod
    def read(cls, der: bytes, name: str = "CSR") -> CertificationRequest:
        """Read the frame of a request.

        Raises:
            BerError: It is not that of a request.
            RequestInvalidError: It has a version that there is not.
        """
        parsed, _ = attempt(lambda: x509.load_der_x509_csr(der))
        request = cls(der, name, parsed)
        if parsed is not None:
            return request
        version = request.tbs.member(0, INTEGER).integer
        if version != 0:
            raise RequestInvalidError(
                f"{name}: has the version {version}, but only 0 is defined (RFC 2986, section 4.1)",
                hint="create it again; a newer release of the program that created it may encode it correctly",
            )
        _ = request.tbs.member(1, SEQUENCE), request.tbs.member(2, SEQUENCE), request.algorithm, request.signature
        return request

    @cached_property
    def tbs(self) -> Value:
        """Its CertificationRequestInfo."""
        return self._whole.member(0, SEQUENCE)

    @property
    def info(self) -> bytes:
        """What was signed, as it was handed over."""
        return self.tbs.raw

    @property
    def key_info(self) -> bytes:
        """Its SubjectPublicKeyInfo, as it was handed over."""
        if self.parsed is None:
            return self.tbs.member(2, SEQUENCE).raw
        info = self.parsed.tbs_certrequest_bytes
        *_, begin, end = members(info, _PUBLIC_KEY)
        return info[begin:end]

    @property
    def algorithm(self) -> Value:
        """The AlgorithmIdentifier of its signature."""
        return self._whole.member(1, SEQUENCE)

    @property
    def signature(self) -> bytes:
        """Its signature."""
        return self._whole.member(2, BIT_STRING).bits

    def public_key(self) -> Any:
        """The key in it, whatever it is; raises what ``cryptography`` raises."""
        return load_der_public_key(self.key_info) if self.parsed is None else self.parsed.public_key()

    @property
    def subject(self) -> x509.Name:
        """Its subject.

        Raises:
            RequestInvalidError: It cannot be read.
        """
        return self._asked(self._subject[0], _SUBJECT)

    @property
    def readable_subject(self) -> x509.Name:
        """Its subject, empty if that cannot be read."""
        return self._subject[0]

    @property
    def extensions(self) -> tuple[x509.Extension[Any], ...]:
        """The extensions that it asks for.

        Raises:
            RequestInvalidError: One of them cannot be read.
        """
        return self._asked(self.readable_extensions, *self._extensions[1])

    @property
    def readable_extensions(self) -> tuple[x509.Extension[Any], ...]:
        """Those that can be read."""
        return self._extensions[0]

    @property
    def alternative_names(self) -> tuple[x509.GeneralName, ...]:
        """The subject alternative names that it asks for.

        Raises:
            RequestInvalidError: They cannot be read.
        """
        return self._asked(self.readable_names, x509.SubjectAlternativeName.oid.dotted_string, _ATTRIBUTES_PART)

    @property
    def readable_names(self) -> tuple[x509.GeneralName, ...]:
        """The same, none if they cannot be read."""
        for found in self.readable_extensions:
            if isinstance(found.value, x509.SubjectAlternativeName):
                return tuple(found.value)
        return ()

    def extension(self, oid: str) -> x509.Extension[Any] | None:
        """One extension, by its dotted identifier.

        Raises:
            RequestInvalidError: It cannot be read.
        """
        found = (each for each in self.readable_extensions if each.oid.dotted_string == oid)
        return self._asked(next(found, None), oid, _ATTRIBUTES_PART)

    @property
    def unreadable(self) -> Mapping[str, str]:
        """What cannot be read of it and why, in words: the subject, its attributes, extensions by identifier."""
        flaw = self._subject[1]
        return {**({_SUBJECT: f"{_SUBJECT} ({flaw})"} if flaw else {}), **self._extensions[1]}

    def _asked(self, value: _T, *parts: str) -> _T:
        for part in parts:
            if part in self.unreadable:
                raise RequestInvalidError(
                    f"{self.name}: what is to be copied cannot be read: {self.unreadable[part]}",
                    hint="specify it yourself, or request a CSR that encodes it correctly",
                )
        return value

    @cached_property
    def _whole(self) -> Value:
        return read_one(self.der)

    @cached_property
    def _subject(self) -> tuple[x509.Name, str | None]:
        if (parsed := self.parsed) is not None:
            subject, error = attempt(lambda: parsed.subject)
            if subject is not None and error is None:
                return subject, None
        try:
            return load_name(self.tbs.member(1, SEQUENCE)), None
        except BerError as error:
            return x509.Name([]), str(error)

    @cached_property
    def _extensions(self) -> tuple[tuple[x509.Extension[Any], ...], dict[str, str]]:
        if (parsed := self.parsed) is not None:
            extensions, error = attempt(lambda: tuple(parsed.extensions) if _rows(parsed) <= 1 else None)
            if extensions is not None and error is None:
                return extensions, {}
        try:
            return _each([each for row in self._asked_for for each in row.members])
        except BerError as error:
            return (), {_ATTRIBUTES_PART: f"its attributes ({error})"}

    @property
    def _asked_for(self) -> list[Value]:
        """The rows of extensions in its attributes, of which it may have none, or several."""
        rows: list[Value] = []
        for attribute in (each for part in self.tbs.members[3:] if part.tag == _ATTRIBUTES for each in part.members):
            if attribute.member(0).oid.dotted_string in _REQUESTS:
                rows += attribute.member(1, SET).members
        return rows


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
    key = subject_key(request.public_key, request.key_info, subject)
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


def _rows(request: x509.CertificateSigningRequest) -> int:
    """How many attributes ask for extensions; ``cryptography`` reads those of one."""
    return sum(attribute.oid.dotted_string in _REQUESTS for attribute in request.attributes)


def _each(values: list[Value]) -> tuple[tuple[x509.Extension[Any], ...], dict[str, str]]:
    """Those that can be read, and why the others cannot; one that stands twice alike is one."""
    if len(values) > _MAX_EXTENSIONS:
        raise BerError(f"there are more than {_MAX_EXTENSIONS} extensions")
    found: dict[str, x509.Extension[Any]] = {}
    unreadable: dict[str, str] = {}
    for value in values:
        oid = f"octet {value.at}"
        try:
            oid = value.member(0).oid.dotted_string
            extension = load_extension(value)
            flaw = None if found.setdefault(oid, extension) == extension else "occurs twice with different values"
        except BerError as error:
            flaw = str(error)
        if flaw is not None:
            unreadable[oid] = f"the extension {_named(oid)} ({flaw})"
    return tuple(each for oid, each in found.items() if oid not in unreadable), unreadable


def _named(oid: str) -> str:
    return oid if " " in oid else extension_name(x509.ObjectIdentifier(oid))
