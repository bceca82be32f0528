"""What a profile copies from requests, by its rules; nothing else of a request gets into a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from anchorhold.errors import RequestInvalidError
from anchorhold.x509.constraints import is_within, parse_subtree
from anchorhold.x509.csr import alt_names_of
from anchorhold.x509.der import is_der
from anchorhold.x509.general_names import kind_of
from anchorhold.x509.identifiers import EXTENSIONS, PURPOSES, dotted
from anchorhold.x509.names import attribute_oid
from anchorhold.x509.oids import extension_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.settings.profile import CopySettings


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
        self._extensions = {EXTENSIONS.get(name, name) for name in settings.extensions}

    def subject(self, request: x509.CertificateSigningRequest) -> list[x509.RelativeDistinguishedName]:
        """The parts of its subject, in its order."""
        if self._whole_subject:
            return list(request.subject.rdns)
        kept = ([found for found in rdn if found.oid in self._attributes] for rdn in request.subject.rdns)
        return [x509.RelativeDistinguishedName(attributes) for attributes in kept if attributes]

    def names(self, request: x509.CertificateSigningRequest) -> tuple[x509.GeneralName, ...]:
        """Those of its alternative names that are of a kind, or in a subtree, that is named."""
        return tuple(
            name
            for name in alt_names_of(request)
            if kind_of(name) in self._kinds or any(is_within(name, subtree) for subtree in self._subtrees)
        )

    def purposes(self, request: x509.CertificateSigningRequest) -> tuple[str, ...]:
        """Those of its key purposes that are named, dotted."""
        if not self._purposes:
            return ()
        return tuple(
            oid.dotted_string
            for extension in request.extensions
            if isinstance(extension.value, x509.ExtendedKeyUsage)
            for oid in extension.value
            if oid.dotted_string in self._purposes
        )

    def extensions(self, request: x509.CertificateSigningRequest) -> Iterator[x509.Extension[x509.ExtensionType]]:
        """Those of its extensions that are named, as they are.

        Raises:
            RequestInvalidError: One of them is not DER.
        """
        for found in request.extensions:
            if found.oid.dotted_string not in self._extensions:
                continue
            if not is_der(found.value.public_bytes()):
                raise RequestInvalidError(
                    f"CSR: its extension {extension_name(found.oid)} is not DER", hint="ask for it again, well encoded"
                )
            yield found
