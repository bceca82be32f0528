"""An installation: settings, ledger and key backends together, and all that can be done with them from Python."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from anchorhold.algorithms import key_spec
from anchorhold.backends import Backends
from anchorhold.errors import UnknownAuthorityError, UnknownCertificateError
from anchorhold.issuing import recovery, undo
from anchorhold.issuing.authority import Authority
from anchorhold.issuing.chain import Chain
from anchorhold.issuing.creation import Parent, create_authority
from anchorhold.issuing.defaults import checked_defaults
from anchorhold.issuing.imports import ForeignAuthority, import_authority
from anchorhold.issuing.issuer import Issuer
from anchorhold.issuing.key import AuthorityKey
from anchorhold.issuing.pending import check_name, check_name_free
from anchorhold.issuing.plan import NewAuthority
from anchorhold.ledger import CertificateRecord, IssuingDefaults, Ledger
from anchorhold.ledger.database import ledger_exists
from anchorhold.publickeys import spec_of
from anchorhold.secret import Secret
from anchorhold.settings import load_settings
from anchorhold.suggestions import suggestion
from anchorhold.x509.profiles import find_profile
from anchorhold.x509.serials import parse_serial

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cryptography import x509

    from anchorhold.algorithms import KeySpec
    from anchorhold.issuing.plan import PathLength
    from anchorhold.issuing.recovery import Interrupted
    from anchorhold.ledger import AuthorityRecord
    from anchorhold.ledger.records import AuthorityStatus
    from anchorhold.seam.options import OptionValues
    from anchorhold.seam.resolver import Prompter, SecretResolver
    from anchorhold.settings import LoadedSettings
    from anchorhold.softkeys import PrivateKey


_STATUS: Final[dict[bool | None, AuthorityStatus | None]] = {None: None, True: "active", False: "disabled"}


class Installation:
    """A certificate authority installation.

    The ledger is opened, and its database created, when it is first needed. Threads may share an installation; each
    has a connection of its own, which it closes with `close`.

    Args:
        loaded: The settings.
        environment: Variables for secrets; by default ``os.environ``.
        prompter: Asks a person for a secret that is needed and missing; None (the default) if there is nobody.
    """

    def __init__(
        self,
        loaded: LoadedSettings,
        environment: Mapping[str, str] | None = None,
        prompter: Prompter | None = None,
    ) -> None:
        self.loaded = loaded
        self._ledger: Ledger | None = None
        self._opening = Lock()
        self.backends = Backends(
            loaded, lambda: self.ledger.database, os.environ if environment is None else environment, prompter
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ledger(self) -> Ledger:
        """The ledger.

        Raises:
            LedgerError, LedgerVersionError, LedgerForeignError: It cannot be opened.
        """
        with self._opening:
            if self._ledger is None:
                self._ledger = Ledger(self.loaded.settings.database)
            return self._ledger

    def close(self) -> None:
        """Close this thread's connection to the ledger, if it was opened."""
        if self._ledger is not None:
            self._ledger.close()

    def authorities(self) -> list[Authority]:
        """All authorities that were not abandoned, oldest first."""
        with self.ledger.guarded():
            return [Authority(record) for record in self.ledger.authorities.known()]

    def authority(self, name: str) -> Authority:
        """An authority by its name, its serial number (hex), or the beginning of either, if only one fits.

        Raises:
            UnknownAuthorityError: None fits, or several do.
        """
        known = self.authorities()
        digits = name.replace(":", "").lower()
        matches = (
            [authority for authority in known if authority.name == name],
            [authority for authority in known if authority.record.serial == digits],
            [
                authority
                for authority in known
                if name and (authority.name.startswith(name) or (authority.record.serial or "").startswith(digits))
            ],
        )
        found = next((fitting for fitting in matches if fitting), [])
        if len(found) == 1:
            return found[0]
        names = [authority.name for authority in found or known]
        if found:
            raise UnknownAuthorityError(f"authority {name!r}: several fit ({', '.join(names)})", hint="give more of it")
        raise UnknownAuthorityError(f"authority {name!r}: is not known", hint=suggestion(name, names))

    def check_new_name(self, name: str) -> None:
        """Refuse a name for a new authority before anybody is asked for anything.

        Raises:
            InputError, AuthorityExistsError: It cannot be used, or is taken.
        """
        check_name(name)
        if ledger_exists(self.loaded.settings.database):
            with self.ledger.guarded():
                check_name_free(self.ledger, name)

    def create_authority(
        self,
        name: str,
        subject: str,
        *,
        parent: str | Authority | None = None,
        profile: str | None = None,
        key: KeySpec | None = None,
        key_backend: str = "default",
        path_length: PathLength = None,
        expires: dt.datetime | None = None,
        permitted: Sequence[str] = (),
        excluded: Sequence[str] = (),
        issuing: IssuingDefaults | None = None,
        options: OptionValues | None = None,
        secrets: Mapping[str, Secret | str] | None = None,
        parent_secrets: Mapping[str, Secret | str] | None = None,
    ) -> Authority:
        """Create an authority: its key, its certificate, its record.

        Args:
            name: Under which it is known here.
            subject: Distinguished name, RFC 4514 or ``/C=AT/CN=…``.
            parent: What signs it; None for a root.
            profile: A profile for authorities; by default ``root``, or ``intermediate`` with a parent.
            key: The kind of key; by default EC on P-256.
            key_backend: Alias of the backend its key will live in.
            path_length: How many authorities may follow below it, or ``none`` for no limit; by default as the profile
                says, which is no limit for a root, else 0.
            expires: End of validity; by default as the profile says, which is ten years for a root, else five, and at
                most the parent's own.
            permitted: Subtrees of names that it may certify, such as ``DNS:example.com``.
            excluded: Subtrees of names that it must not certify.
            issuing: URLs and hash for what it will sign.
            options: Of the key backend, by name, such as ``{"path": "ca"}``.
            secrets: Of the key backend, by name, such as ``{"password": "…"}``.
            parent_secrets: For the parent's key.

        Raises:
            AnchorholdError: See `anchorhold.issuing.creation.create_authority`.
        """
        own = self.backends.secrets(key_backend, _secrets(secrets), operation="create")
        spec = key or key_spec()
        named = profile or ("root" if parent is None else "intermediate")
        wanted = NewAuthority(
            name=name,
            subject=subject,
            profile=find_profile(named, self.loaded.settings.profiles),
            spec=spec,
            path_length=path_length,
            expires=expires,
            permitted=tuple(permitted),
            excluded=tuple(excluded),
            issuing=self._checked(issuing, spec),
            options=self.backends.options(key_backend, "create", options or {}),
        )
        above = self._parent(parent, parent_secrets, own, key_backend) if parent is not None else None
        try:
            return create_authority(
                self.ledger, self.backends.get(key_backend), self._type(key_backend), own, wanted, above
            )
        finally:
            if above is not None:
                above.key.close()

    def import_authority(
        self,
        name: str,
        certificate: x509.Certificate,
        key: PrivateKey,
        *,
        key_backend: str = "default",
        issuing: IssuingDefaults | None = None,
        options: OptionValues | None = None,
        secrets: Mapping[str, Secret | str] | None = None,
    ) -> Authority:
        """Import an authority made elsewhere; arguments as for `create_authority`.

        Raises:
            AnchorholdError: See `anchorhold.issuing.imports.import_authority`.
        """
        foreign = ForeignAuthority(
            name=name,
            certificate=certificate,
            key=key,
            issuing=self._checked(issuing, spec_of(certificate.public_key()), certificate),
            options=self.backends.options(key_backend, "import", options or {}),
        )
        return import_authority(
            self.ledger,
            self.backends.get(key_backend),
            self._type(key_backend),
            self.backends.secrets(key_backend, _secrets(secrets), operation="import"),
            foreign,
            self.authorities(),
        )

    def edit_authority(
        self,
        authority: str | Authority,
        *,
        name: str | None = None,
        enabled: bool | None = None,
        issuing: IssuingDefaults | None = None,
    ) -> Authority:
        """Change what may change of an authority; None leaves a value as it is.

        Raises:
            UnknownAuthorityError, AuthorityExistsError, AuthorityNotReadyError: As they say.
        """
        found = self._found(authority)
        _ = found.certificate  # one that was never completed cannot be edited
        if issuing is not None:
            issuing = self._checked(issuing, spec_of(found.public_key), found.certificate)
        check_name(found.name if name is None else name)
        status = _STATUS[enabled]
        with self.ledger.transaction():
            if name is not None and name != found.name:
                check_name_free(self.ledger, name)
            self.ledger.authorities.edit(found.record.id, name=name, status=status, issuing=issuing)
            self.ledger.events.append("authority-edited", name or found.name, before=found.name, status=status)
        return Authority(self.ledger.authorities.get(found.record.id))

    def issuer(self, authority: str | Authority, secrets: Mapping[str, Secret | str] | None = None) -> Issuer:
        """Open an authority for signing; a context manager that holds its key until it is closed.

        Args:
            authority: Which one.
            secrets: For its key, by name; used when the first certificate is signed.
        """
        key = self.key_of(self._found(authority), secrets)
        return Issuer(self.ledger, self.loaded.settings, key, Chain(self.chain(key.authority)))

    def key_of(self, authority: Authority, secrets: Mapping[str, Secret | str] | None = None) -> AuthorityKey:
        """The key of an authority, not asked for yet."""
        alias = authority.record.key_backend
        return AuthorityKey(
            authority, self.backends.get(alias), self.backends.secrets(alias, _secrets(secrets), operation="use")
        )

    def chain(self, authority: Authority) -> list[Authority]:
        """The authority, its parent, and so on up to the root or the highest that is known."""
        chain = [authority]
        while chain[-1].record.parent_id is not None:
            chain.append(Authority(self.ledger.authorities.get(chain[-1].record.parent_id)))
        return chain

    def certificates(
        self, authority: str | Authority | None = None, *, after: int = 0, limit: int = 100, expired: bool = False
    ) -> list[CertificateRecord]:
        """A page of issued certificates, oldest first.

        Args:
            authority: Of one authority only.
            after: Row number (`CertificateRecord.id`) of the last one of the page before.
            limit: Length of the page.
            expired: Whether those that have expired are among them.
        """
        found = None if authority is None else self._found(authority).record.id
        with self.ledger.guarded():
            return self.ledger.certificates.page(authority_id=found, after=after, limit=limit, expired=expired)

    def certificate(self, serial: str) -> CertificateRecord:
        """A certificate by its serial number in hex, or the beginning of it, if only one fits.

        Raises:
            UnknownCertificateError: None fits, or several do.
        """
        with self.ledger.guarded():
            found = self.ledger.certificates.find(parse_serial(serial))
        if len(found) == 1 and found[0].certificate is not None:
            return found[0]
        if len(found) > 1:
            raise UnknownCertificateError(f"certificate {serial}: several fit", hint="give more of the serial number")
        raise UnknownCertificateError(f"certificate {serial}: is not in the ledger", hint="look it up with list-certs")

    def interrupted(self, grace: dt.timedelta = recovery.GRACE) -> Interrupted:
        """What was begun and not completed; see `anchorhold.issuing.recovery`."""
        return recovery.interrupted(self.ledger, grace)

    def finish(
        self,
        record: AuthorityRecord,
        secrets: Mapping[str, Secret | str] | None = None,
        parent_secrets: Mapping[str, Secret | str] | None = None,
    ) -> Authority:
        """Complete a pending authority whose key exists; see `anchorhold.issuing.recovery.finish`."""
        alias = record.key_backend
        own = self.backends.secrets(alias, _secrets(secrets), operation="use")
        parent = Authority(self.ledger.authorities.get(record.parent_id)) if record.parent_id is not None else None
        above = self._parent(parent, parent_secrets, own, alias) if parent is not None else None
        try:
            return recovery.finish(self.ledger, self.backends.get(alias), own, record, above)
        finally:
            if above is not None:
                above.key.close()

    def abandon(
        self,
        record: AuthorityRecord,
        secrets: Mapping[str, Secret | str] | None = None,
        *,
        forget_key: bool = False,
    ) -> bool:
        """Give up a pending authority, and destroy its key if there is one.

        Args:
            record: From `interrupted`.
            secrets: For its key backend.
            forget_key: Do not look for the key, because its backend is gone or cannot search.

        Returns:
            Whether a key was destroyed.
        """
        if forget_key:
            recovery.forget(self.ledger, record)
            return False
        alias = record.key_backend
        own = self.backends.secrets(alias, _secrets(secrets), operation="use")
        return undo.remove(self.ledger, self.backends.get(alias), own, record)

    def _found(self, authority: str | Authority) -> Authority:
        return self.authority(authority) if isinstance(authority, str) else authority

    def _type(self, alias: str) -> str:
        return self.backends.aliases()[alias].backend

    def _checked(
        self, issuing: IssuingDefaults | None, spec: KeySpec, certificate: x509.Certificate | None = None
    ) -> IssuingDefaults:
        return checked_defaults(issuing or IssuingDefaults(), spec, self.loaded.settings.profiles, certificate)

    def _parent(
        self,
        parent: str | Authority,
        secrets: Mapping[str, Secret | str] | None,
        own: SecretResolver,
        own_alias: str,
    ) -> Parent:
        """The parent with its key; secrets that serve a whole alias fall back to those given for the new key."""
        found = self._found(parent)
        alias = found.record.key_backend
        if alias != own_alias:
            own = self.backends.secrets(alias, {}, operation="use")
        resolver = self.backends.secrets(alias, _secrets(secrets), operation="use", own=own)
        key = AuthorityKey(found, self.backends.get(alias), resolver)
        return Parent(key=key, chain=Chain(self.chain(found)))


def open_installation(
    config: Path | None = None, *, environment: Mapping[str, str] | None = None, prompter: Prompter | None = None
) -> Installation:
    """Open the installation that the settings describe; with no settings at all, the defaults.

    Args:
        config: The settings file; by default it is looked for.
        environment: The variables; by default ``os.environ``.
        prompter: Asks a person for missing secrets; by default nobody is asked.

    Raises:
        SettingsError: The settings are wrong.
    """
    return Installation(load_settings(config, environment), environment, prompter)


def _secrets(given: Mapping[str, Secret | str] | None) -> dict[str, Secret]:
    return {name: value if isinstance(value, Secret) else Secret(value) for name, value in (given or {}).items()}
