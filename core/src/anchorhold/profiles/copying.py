"""What a profile copies from requests, by its rules; nothing else of a request gets into a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from anchorhold.errors import RequestInvalidError
from anchorhold.x509.csr import alt_names_of
from anchorhold.x509.der import is_der
from anchorhold.x509.general_names import kind_of
from anchorhold.x509.known_oids import EXTENSIONS, PURPOSES, dotted
from anchorhold.x509.name_constraints import is_within, parse_subtree
from anchorhold.x509.names import attribute_oid
from anchorhold.x509.oid_names import extension_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.profiles.model import CopySettings
    from anchorhold.x509.csr_parts import CertificationRequest


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

    def subject(self, request: CertificationRequest) -> list[x509.RelativeDistinguishedName]:
        """The parts of its subject, in its order."""
        if self._whole_subject:
            return list(request.subject.rdns)
        if not self._attributes:
            return []
        kept = ([found for found in rdn if found.oid in self._attributes] for rdn in request.subject.rdns)
        return [x509.RelativeDistinguishedName(attributes) for attributes in kept if attributes]

    def names(self, request: CertificationRequest) -> tuple[x509.GeneralName, ...]:
        """Those of its alternative names that are of a kind, or in a subtree, that is named."""
        if not self._kinds and not self._subtrees:
            return ()
        return tuple(
            name
            for name in alt_names_of(request)
            if kind_of(name) in self._kinds or any(is_within(name, subtree) for subtree in self._subtrees)
        )

    def purposes(self, request: CertificationRequest) -> tuple[str, ...]:
        """Those of its key purposes that are named, dotted."""
        if not self._purposes:
            return ()
        found = request.extension(x509.ExtendedKeyUsage.oid.dotted_string)
        asked = [] if found is None else [oid.dotted_string for oid in found.value]
        return tuple(oid for oid in asked if oid in self._purposes)

    def extensions(self, request: CertificationRequest) -> Iterator[x509.Extension[x509.ExtensionType]]:
        """Those of its extensions that are named, as they are.

        Raises:
            RequestInvalidError: One of them is not DER.
        """
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
