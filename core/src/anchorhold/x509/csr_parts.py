"""The parts of a certificate signing request, each read by itself: one that is bad blocks only who asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from anchorhold.errors import RequestInvalidError
from anchorhold.parser_errors import attempt
from anchorhold.x509.ber import BIT_STRING, INTEGER, SEQUENCE, SET, BerError, Value, read_one
from anchorhold.x509.lenient_extensions import load_extension
from anchorhold.x509.lenient_names import load_name
from anchorhold.x509.oid_names import extension_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")

_REQUESTS: Final = ("1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14")
"""extensionRequest (RFC 2985, section 5.4.2), and the one of Microsoft that it was made from."""
_ATTRIBUTES: Final = 0xA0
_MAX_EXTENSIONS: Final = 1_000
_SUBJECT: Final = "the subject"
_ATTRIBUTES_PART: Final = "the attributes"


@dataclass(frozen=True)
class CertificationRequest:
    """A request as it was handed over.

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
    def key_info(self) -> Value:
        """Its SubjectPublicKeyInfo, as it was handed over."""
        return self.tbs.member(2, SEQUENCE)

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
        return load_der_public_key(self.key_info.raw) if self.parsed is None else self.parsed.public_key()

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

    @cached_property
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
            extensions, error = attempt(lambda: tuple(parsed.extensions) if len(self._asked_for) <= 1 else None)
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
