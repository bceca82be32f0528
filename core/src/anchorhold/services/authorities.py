"""Certificate authorities: creating, importing, editing and finding them.

Signing finds its authority here and imports nothing of what makes one: each method imports its operation.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from anchorhold.public_keys import spec_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from cryptography import x509

    from anchorhold.algorithms import KeySpec
    from anchorhold.ledger import IssuancePolicy
    from anchorhold.ledger.records import AuthorityStatus
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.authority_plan import PathLength
    from anchorhold.operations.create_authority import Parent
    from anchorhold.operations.key_location import KeyLocation
    from anchorhold.plugin.backend_options import OptionValues
    from anchorhold.services.context import GivenSecrets, ServiceContext
    from anchorhold.software_keys import PrivateKey

_STATUS: Final[dict[bool | None, AuthorityStatus | None]] = {None: None, True: "active", False: "disabled"}


class AuthorityService:
    """The authorities of an installation.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def list(self) -> Sequence[Authority]:
        """All authorities that were not abandoned, oldest first."""
        return self._context.authorities()

    def get(self, authority: str) -> Authority:
        """An authority by its name, its serial number (hex), or the beginning of either, if only one fits.

        Raises:
            UnknownAuthorityError: None fits, or several do.
        """
        return self._context.authority(authority)

    def check_new_name(self, name: str) -> None:
        """Refuse a name for a new authority before anybody is asked for anything.

        Raises:
            InputError, AuthorityExistsError: It cannot be used, or is taken.
        """
        from anchorhold.operations.authority_intent import check_name, check_name_free

        check_name(name)
        access = self._context.access
        if access.exists:
            with self._context.ledger.translate_errors():
                check_name_free(self._context.ledger, name)
        else:
            access.check_absence()

    def create(
        self,
        name: str,
        subject: str,
        *,
        parent: str | Authority | None = None,
        profile: str | None = None,
        key: KeySpec | None = None,
        adopt: bool = False,
        key_backend: str = "default",
        path_length: PathLength = None,
        expires: dt.datetime | None = None,
        permitted: Sequence[str] = (),
        excluded: Sequence[str] = (),
        issuing: IssuancePolicy | None = None,
        options: OptionValues | None = None,
        secrets: GivenSecrets = None,
        parent_secrets: GivenSecrets = None,
        accepted_by: Sequence[str] = (),
        even_so: bool = False,
    ) -> Authority:
        """Create an authority: its key, its certificate, its record.

        Args:
            name: Under which it is known here.
            subject: Distinguished name, RFC 4514 or ``/C=AT/CN=…``.
            parent: The authority that signs it; None for a root.
            profile: A profile for authorities; by default ``root``, or ``intermediate`` with a parent.
            key: The kind of key; by default EC on P-256.
            adopt: Use the key that the options describe, which is in the backend already, instead of a new one.
            key_backend: Alias of the backend its key lives in.
            path_length: How many authorities may follow below it, or ``none`` for no limit; by default as the profile
                says, which is no limit for a root, else 0.
            expires: End of validity; by default as the profile says, which is ten years for a root, else five, and at
                most the parent's own.
            permitted: Subtrees of names that it may certify, such as ``DNS:example.com``.
            excluded: Subtrees of names that it must not certify.
            issuing: URLs, policies, hash … for what it will sign.
            options: Of the key backend, by name, such as ``{"path": "ca"}``.
            secrets: Of the key backend, by name, such as ``{"password": "…"}``.
            parent_secrets: For the parent's key.
            accepted_by: Programs that must accept it, as `AdviceService` names them.
            even_so: Whether an EC key may sign with SHA-3, which most programs refuse.

        Raises:
            NotAcceptedError: One of these programs refuses it, or most do; nothing was made.
            AnchorholdError: See `anchorhold.operations.create_authority.create_authority`.
        """
        from anchorhold.operations.authority_plan import NewAuthority
        from anchorhold.operations.create_authority import create_authority
        from anchorhold.services.new_authorities import check_accepted, checked_issuing, key_location

        context = self._context
        place, source = key_location(context, key_backend, key, options, secrets, adopt=adopt)
        profile = profile or ("root" if parent is None else "intermediate")
        wanted = NewAuthority(
            name=name,
            subject=subject,
            profile=context.profile(profile),
            profile_name=profile,
            path_length=path_length,
            expires=expires,
            permitted=tuple(permitted),
            excluded=tuple(excluded),
            issuing=checked_issuing(context, issuing, source.spec, even_so=even_so),
        )
        above = self.open_parent(parent, parent_secrets, place) if parent is not None else None
        check_accepted(accepted_by, source.spec, wanted, above)
        try:
            return create_authority(context.ledger, place, source, wanted, above)
        finally:
            if above is not None:
                above.key.close()

    def request_csr(
        self,
        name: str,
        subject: str,
        *,
        profile: str | None = None,
        key: KeySpec | None = None,
        adopt: bool = False,
        key_backend: str = "default",
        path_length: PathLength = None,
        permitted: Sequence[str] = (),
        excluded: Sequence[str] = (),
        issuing: IssuancePolicy | None = None,
        options: OptionValues | None = None,
        secrets: GivenSecrets = None,
        accepted_by: Sequence[str] = (),
        even_so: bool = False,
    ) -> Authority:
        """Make the key of an authority, and a CSR for a parent that is elsewhere; arguments as for `create`.

        `anchorhold.operations.external_parent.pending_csr` gives the CSR; `complete` takes the certificate that the
        parent made.

        Raises:
            AnchorholdError: See `anchorhold.operations.external_parent.request_authority`.
        """
        from anchorhold.operations.authority_plan import NewAuthority
        from anchorhold.operations.external_parent import request_authority
        from anchorhold.services.new_authorities import check_accepted, checked_issuing, key_location

        context = self._context
        place, source = key_location(context, key_backend, key, options, secrets, adopt=adopt)
        wanted = NewAuthority(
            name=name,
            subject=subject,
            profile=context.profile(profile or "intermediate"),
            profile_name=profile or "intermediate",
            path_length=path_length,
            permitted=tuple(permitted),
            excluded=tuple(excluded),
            issuing=checked_issuing(context, issuing, source.spec, even_so=even_so),
        )
        check_accepted(accepted_by, source.spec, wanted)
        return request_authority(context.ledger, place, source, wanted)

    def complete(
        self,
        authority: str | Authority,
        certificate: x509.Certificate,
        secrets: GivenSecrets = None,
        *,
        others: Sequence[x509.Certificate] = (),
    ) -> Authority:
        """Complete an authority made by `request_csr` with the certificate of its parent.

        Args:
            authority: Which one.
            certificate: Its certificate.
            secrets: For its key.
            others: Certificates that came with it; those above it are kept, for bundles.

        Raises:
            AnchorholdError: See `anchorhold.operations.external_parent.accept_certificate`.
        """
        from anchorhold.operations.external_parent import accept_certificate

        found = self._context.authority(authority)
        place = self._context.place(found.record.key_backend, "use", secrets)
        return accept_certificate(self._context.ledger, place, found, certificate, self._context.authorities(), others)

    def import_(
        self,
        name: str,
        certificate: x509.Certificate,
        key: PrivateKey | None,
        *,
        key_backend: str = "default",
        issuing: IssuancePolicy | None = None,
        options: OptionValues | None = None,
        secrets: GivenSecrets = None,
        even_so: bool = False,
    ) -> Authority:
        """Import an authority made elsewhere; arguments as for `create`.

        Args:
            name: Under which it is known here.
            certificate: Its certificate.
            key: Its private key; None to adopt the one that the options describe, which is in the backend already.
            key_backend: Alias of the backend its key lives in.
            issuing: As for a new one.
            options: As for a new one.
            secrets: As for a new one.
            even_so: As for a new one.

        Raises:
            AnchorholdError: See `anchorhold.operations.import_authority.import_authority`.
        """
        from anchorhold.operations.import_authority import ImportedAuthority, import_authority
        from anchorhold.operations.key_sources import ImportedKey
        from anchorhold.services.new_authorities import adopted_key, checked_issuing

        context = self._context
        issuing = checked_issuing(context, issuing, spec_of(certificate.public_key()), certificate, even_so=even_so)
        foreign = ImportedAuthority(name=name, certificate=certificate, issuing=issuing)
        place = context.place(key_backend, "adopt" if key is None else "import", secrets, options)
        source = adopted_key(context, place, certificate) if key is None else ImportedKey(key)
        return import_authority(context.ledger, place, source, foreign, context.authorities())

    def edit(
        self,
        authority: str | Authority,
        *,
        name: str | None = None,
        enabled: bool | None = None,
        issuing: IssuancePolicy | None = None,
        changes: Mapping[str, Any] | None = None,
        accepted_by: Sequence[str] = (),
        even_so: bool = False,
    ) -> Authority:
        """Change what may change of an authority; None leaves a value as it is.

        Args:
            authority: Which one.
            name: Its new name.
            enabled: Whether it may sign.
            issuing: The whole policy. With an `Authority`, it must be unchanged since that was read.
            changes: Some of it, by name: what others change at the same time stays.
            accepted_by: Programs that must accept what it is then, as `AdviceService` names them.
            even_so: As for a new one.

        Raises:
            BusyError: It was changed since that `Authority` was read.
            NotAcceptedError: As for a new one; nothing was changed.
            UnknownAuthorityError: No authority, or more than one, matches.
            AuthorityExistsError: Another authority has the new name.
            AuthorityNotReadyError: It was never completed.
            InputError: The new name or a value of the policy is not valid.
        """
        from anchorhold.operations.edit_authority import AuthorityEdit, edit_authority
        from anchorhold.services.new_authorities import checked_issuing

        context = self._context
        found = context.authority(authority)
        edit = AuthorityEdit(name=name, status=_STATUS[enabled], issuing=issuing, changes=changes or {})

        def checked(policy: IssuancePolicy, spec: KeySpec, certificate: x509.Certificate) -> IssuancePolicy:
            before = found.record.issuing.hash
            new = checked_issuing(context, policy, spec, certificate, before=before, even_so=even_so)
            if accepted_by:
                from anchorhold.services.advice import check_edited

                check_edited(accepted_by, context.chain(found), new)
            return new

        if accepted_by and edit.issuing_of(found) is None:
            checked(found.record.issuing, found.spec, found.certificate)
        return edit_authority(context.ledger, found, edit, checked)

    def chain(self, authority: str | Authority) -> Sequence[Authority]:
        """The authority, its parent, and so on up to the root or the highest that is known."""
        return self._context.chain(self._context.authority(authority)).authorities

    def chain_certificates(self, authority: str | Authority) -> Sequence[bytes]:
        """The certificates of `chain` in DER, and those above it that were kept; their authorities are not here.

        Raises:
            AuthorityNotReadyError: One of them has no certificate yet.
        """
        chain = self.chain(authority)
        _ = [above.certificate for above in chain]  # raises where there is none
        above = map(base64.b64decode, chain[-1].record.issuing.above)
        return [*(found.record.certificate or b"" for found in chain), *above]

    def list_externally_signed(self) -> Sequence[Authority]:
        """Authorities whose own certificates `CertificateService.list` does not have: their issuers are not here."""
        known = self._context.authorities()
        with self._context.ledger.translate_errors():
            return [found for found in known if found.record.certificate is not None and not self._has_own(found)]

    def open_parent(self, parent: str | Authority, secrets: GivenSecrets, own: KeyLocation) -> Parent:
        """A parent with its key; secrets that serve a whole alias fall back to those given for the new key.

        Args:
            parent: Which authority.
            secrets: For its key.
            own: Where the key of the new authority is or will be.
        """
        from anchorhold.operations.create_authority import Parent

        context = self._context
        found = context.authority(parent)
        return Parent(key=context.key_of(found, secrets, below=own), chain=context.chain(found))

    def _has_own(self, authority: Authority) -> bool:
        """Whether the certificate of an authority is recorded with its issuer."""
        record = authority.record
        issuer = record.id if record.parent_id is None else record.parent_id
        found = self._context.ledger.certificates.find(record.serial or "", issuer)
        return any(certificate.certificate == record.certificate for certificate in found)
