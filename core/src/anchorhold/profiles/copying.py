"""What of a request gets into a certificate, by the rules of its profile and as ordered; and what does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from anchorhold.errors import RequestInvalidError
from anchorhold.x509.der import is_der
from anchorhold.x509.general_names import format_general_name, kind_of
from anchorhold.x509.known_oids import EXTENSIONS, PURPOSES, dotted
from anchorhold.x509.name_constraints import is_within, parse_subtree
from anchorhold.x509.names import attribute_oid, certified, format_name
from anchorhold.x509.oid_names import extension_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from anchorhold.profiles.model import CopySettings
    from anchorhold.x509.csr import CertificationRequest
    from anchorhold.x509.draft import Draft

_NOBODY: Final = x509.Name([])


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What of a request gets into a certificate.

    Attributes:
        subject: Its subject, or the parts of it in its order, as they can be in a certificate.
        names: Of its alternative names.
        purposes: Of its key purposes, dotted.
        extensions: Of its extensions, as they are.
    """

    subject: x509.Name
    names: tuple[x509.GeneralName, ...]
    purposes: tuple[str, ...]
    extensions: tuple[x509.Extension[x509.ExtensionType], ...]


class CopyRules:
    """Applies the section ``copy`` of a profile.

    Args:
        settings: The section.
    """

    def __init__(self, settings: CopySettings) -> None:
        self._whole_subject = settings.subject is True
        attributes = () if isinstance(settings.subject, bool) else settings.subject
        self._attributes = {attribute_oid(name) for name in attributes}
        self._kinds = {rule for rule in settings.alt if ":" not in rule}
        self._subtrees = [parse_subtree(rule) for rule in settings.alt if ":" in rule]
        self._purposes = {dotted(name, PURPOSES, "a key purpose") for name in settings.extended_key_usage}
        self._extensions = tuple(dict.fromkeys(EXTENSIONS.get(name, name) for name in settings.extensions))

    def copied(self, request: CertificationRequest, asked: Collection[str], *, with_subject: bool = True) -> Copied:
        """What the rules take from a request, and what was asked for beyond them.

        Args:
            request: The request.
            asked: Parts that are copied whole: ``subject``, ``alt``.
            with_subject: False where the subject is given, so that the one of the request need not be readable.

        Raises:
            RequestInvalidError: A part that is copied cannot be read, or an extension is not DER.
            SubjectInvalidError: The subject cannot be in a certificate.
        """
        return Copied(
            subject=self._subject(request, whole="subject" in asked) if with_subject else _NOBODY,
            names=self._names(request, every="alt" in asked),
            purposes=self._asked_purposes(request),
            extensions=tuple(self._asked_extensions(request)),
        )

    def _subject(self, request: CertificationRequest, *, whole: bool) -> x509.Name:
        if whole or self._whole_subject:
            return certified(request.subject)
        if not self._attributes:
            return _NOBODY
        kept = ([found for found in rdn if found.oid in self._attributes] for rdn in request.subject.rdns)
        return certified(x509.Name([x509.RelativeDistinguishedName(found) for found in kept if found]))

    def _names(self, request: CertificationRequest, *, every: bool) -> tuple[x509.GeneralName, ...]:
        """Those that are of a kind, or in a subtree, that is named; or all of them."""
        if every:
            return request.alternative_names
        if not self._kinds and not self._subtrees:
            return ()
        return tuple(
            name
            for name in request.alternative_names
            if kind_of(name) in self._kinds or any(is_within(name, subtree) for subtree in self._subtrees)
        )

    def _asked_purposes(self, request: CertificationRequest) -> tuple[str, ...]:
        if not self._purposes:
            return ()
        found = request.extension(x509.ExtendedKeyUsage.oid.dotted_string)
        asked = [] if found is None else [oid.dotted_string for oid in found.value]
        return tuple(oid for oid in asked if oid in self._purposes)

    def _asked_extensions(self, request: CertificationRequest) -> Iterator[x509.Extension[x509.ExtensionType]]:
        for oid in self._extensions:
            found = request.extension(oid)
            if found is None:
                continue
            if not is_der(found.value.public_bytes()):
                raise RequestInvalidError(
                    f"CSR: its extension {extension_name(found.oid)} is not DER",
                    hint="request a new one that is encoded correctly",
                )
            yield found


def not_granted(request: CertificationRequest, draft: Draft) -> tuple[str, ...]:
    """What a request asks for that a certificate does not contain, as words.

    Extensions other than alternative names are set by the profile, never by the request.
    """
    missing = [f"{part}, which cannot be read" for part in request.unreadable.values()]
    if request.readable_subject.rdns:
        missing += _left_of_subject(request.readable_subject, draft)
    if request.readable_extensions:
        missing += _left_of_names(request.readable_names, draft)
        missing += _left_of_extensions(request.readable_extensions, draft)
    return tuple(missing)


def _left_of_subject(asked: x509.Name, draft: Draft) -> list[str]:
    given = {(attribute.oid, _folded(attribute.value)) for attribute in draft.subject}
    left = [attribute for attribute in asked if (attribute.oid, _folded(attribute.value)) not in given]
    return [f"the subject {format_name(x509.Name(left))}"] if left else []


def _left_of_names(asked: Iterable[x509.GeneralName], draft: Draft) -> list[str]:
    given = {_folded(format_general_name(name)) for name in draft.alternative_names}
    return [text for text in map(format_general_name, asked) if _folded(text) not in given]


def _left_of_extensions(asked: Iterable[x509.Extension[Any]], draft: Draft) -> list[str]:
    granted = {extension.oid: extension for extension in draft.extensions}
    return [
        f"the extension {extension_name(extension.oid)}"
        for extension in asked
        if extension.oid != ExtensionOID.SUBJECT_ALTERNATIVE_NAME and not _has(granted.get(extension.oid), extension)
    ]


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
