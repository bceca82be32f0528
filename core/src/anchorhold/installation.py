"""An installation: settings, ledger and key backends together, and all that can be done with them from Python."""

from __future__ import annotations

import base64
import os
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, cast

from anchorhold.algorithms import key_spec
from anchorhold.backends import SECTIONS, Backends
from anchorhold.databases import close, open_database, open_nowhere
from anchorhold.errors import AnchorholdError, UnknownAuthorityError, UnknownCertificateError
from anchorhold.issuing import copies, recovery
from anchorhold.issuing.authority import Authority
from anchorhold.issuing.chain import Chain
from anchorhold.issuing.checks import KeyState, check_key
from anchorhold.issuing.creation import Parent, create_authority
from anchorhold.issuing.crls import LIFETIME, generate_crl, shards_of
from anchorhold.issuing.defaults import checked_defaults
from anchorhold.issuing.editing import Edit, edit_authority
from anchorhold.issuing.imports import ForeignAuthority, import_authority, record_certificate
from anchorhold.issuing.issuer import Issuer
from anchorhold.issuing.key import AuthorityKey
from anchorhold.issuing.maintenance import Maintained, maintain
from anchorhold.issuing.moving import finish_move, move_key, places_of_move, undo_move
from anchorhold.issuing.offline import accept_certificate, request_authority
from anchorhold.issuing.pending import check_name, check_name_free
from anchorhold.issuing.place import KeyPlace
from anchorhold.issuing.plan import NewAuthority
from anchorhold.issuing.responders import PROFILE, OcspPlace, has_key, is_due, renew_responder
from anchorhold.issuing.revocation import release, revoke
from anchorhold.issuing.sources import AdoptedKey, ForeignKey, NewKey, find_to_adopt
from anchorhold.issuing.sweeping import Swept, sweep_responders
from anchorhold.ledger import (
    Absence,
    CertificateRecord,
    IssuingDefaults,
    Ledger,
    NoLedgerError,
    check_absence,
    ledger_exists,
)
from anchorhold.ledger.book import check_database
from anchorhold.profiles import find_profile
from anchorhold.publickeys import spec_of, spki
from anchorhold.refusals import LedgerRefusals
from anchorhold.secret import Secret
from anchorhold.settings import load_settings
from anchorhold.suggestions import suggestion
from anchorhold.x509.revocation import parse_reason
from anchorhold.x509.serials import parse_serial, whole_serial

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cryptography import x509

    from anchorhold.algorithms import KeySpec
    from anchorhold.databases import Database
    from anchorhold.issuing.plan import PathLength
    from anchorhold.issuing.recovery import Interrupted
    from anchorhold.issuing.sources import KeySource
    from anchorhold.ledger import AuthorityRecord
    from anchorhold.ledger.records import AuthorityStatus, CrlRecord, KeyCopy, ResponderRecord, RevocationRecord
    from anchorhold.profiles import ProfileSettings
    from anchorhold.publickeys import PublicKey
    from anchorhold.seam import Operation
    from anchorhold.seam.options import OptionValues
    from anchorhold.seam.resolver import Prompter, SecretResolver
    from anchorhold.settings import LoadedSettings
    from anchorhold.softkeys import PrivateKey


_STATUS: Final[dict[bool | None, AuthorityStatus | None]] = {None: None, True: "active", False: "disabled"}

ENOUGH_DIGITS: Final = 8
"""Of a serial number, for what cannot be taken back."""


class Installation:
    """A certificate authority installation.

    The ledger is opened, and its database created, when it is first needed; beside keys none is ever created. Threads
    may share an installation; each has a connection of its own, which it closes with `close`.

    Args:
        loaded: The settings.
        environment: Variables for secrets; by default ``os.environ``.
        prompter: Asks a person for a secret that is needed and missing; None (the default) if there is nobody.
        create: Whether a ledger that is not there is created; else it is an error, until it is there.
        blank: With ``create=False``: where there is neither a ledger nor a key, look into an empty one in memory.
        trial: Whether backends get the ledger's database as it is, and never one that was made or changed for them.
        patience: Seconds in all for which to wait for a ledger that another process has locked; by default 30.

    Attributes:
        notes: Sentences about what was done with success, for whoever asked for it.
    """

    def __init__(
        self,
        loaded: LoadedSettings,
        environment: Mapping[str, str] | None = None,
        prompter: Prompter | None = None,
        *,
        create: bool = True,
        blank: bool = False,
        trial: bool = False,
        patience: float | None = None,
    ) -> None:
        self.loaded = loaded
        self.notes: list[str] = []
        self._create = create
        self._patience = patience
        self._wants_blank = blank
        self._blank: Ledger | None = None
        self._tried: Database | None = None
        self._environment = os.environ if environment is None else environment
        self._ledger: Ledger | None = None
        self._opening = Lock()
        refusals = LedgerRefusals(lambda: self.ledger)
        database = self._database_as_it_is if trial else lambda: self.ledger.database
        self.backends = Backends(loaded, database, self._environment, prompter, refusals)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def database_url(self) -> str:
        """URL of the ledger's database, which may hold a password.

        Raises:
            SettingsError: The variable or file that the settings name for it is not there.
        """
        return self.loaded.database_url(self._environment)

    @property
    def ledger(self) -> Ledger:
        """The ledger.

        Raises:
            LedgerError, LedgerVersionError, LedgerForeignError: It cannot be opened.
        """
        with self._opening:
            if self._ledger is None:
                try:
                    self._ledger = Ledger(self.database_url, self.absence, patience=self._patience)
                except NoLedgerError:
                    if not self._wants_blank:
                        raise
                    self._blank = self._blank or Ledger(None)
                    return self._blank
            return self._ledger

    @property
    def absence(self) -> Absence:
        """What is done where there is no ledger, and the folders in which keys say that there was one."""
        return Absence(self._create, self.loaded.folders_of_keys(self._environment))

    def close(self) -> None:
        """Close this thread's connection to the ledger, if it was opened."""
        for ledger in (self._ledger, self._blank):
            if ledger is not None:
                ledger.close()
        if self._tried is not None:
            close(self._tried)
        self._blank = None

    def _database_as_it_is(self) -> Database:
        """The ledger's database; an empty one in memory where there is none yet.

        Raises:
            LedgerError, SettingsError: As `check_database`.
        """
        if self._tried is None:
            url = self.database_url
            check_database(url, self.absence)
            self._tried = open_database(url) if ledger_exists(url) else open_nowhere()
        return self._tried

    def forget_refusals(self) -> int:
        """Forget which PINs were refused, so that each is tried once more; how many there were."""
        if not ledger_exists(self.database_url):
            return 0
        with self.ledger.transaction():
            return self.ledger.refusals.forget_all()

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
        if ledger_exists(self.database_url):
            with self.ledger.guarded():
                check_name_free(self.ledger, name)
        else:
            check_absence(self.database_url, self.absence)

    def create_authority(
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

        Raises:
            AnchorholdError: See `anchorhold.issuing.creation.create_authority`.
        """
        place, source = self._new_place(key_backend, key, options, secrets, adopt=adopt)
        wanted = NewAuthority(
            name=name,
            subject=subject,
            profile=self._profile(profile or ("root" if parent is None else "intermediate")),
            path_length=path_length,
            expires=expires,
            permitted=tuple(permitted),
            excluded=tuple(excluded),
            issuing=self._checked(issuing, source.spec),
        )
        above = self._parent(parent, parent_secrets, place) if parent is not None else None
        try:
            return create_authority(self.ledger, place, source, wanted, above)
        finally:
            if above is not None:
                above.key.close()

    def request_authority(
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
        issuing: IssuingDefaults | None = None,
        options: OptionValues | None = None,
        secrets: Mapping[str, Secret | str] | None = None,
    ) -> Authority:
        """Make the key of an authority, and a request for a parent that is elsewhere; arguments as `create_authority`.

        `anchorhold.issuing.offline.request_of` gives the request; `accept_certificate` takes what the parent made.

        Raises:
            AnchorholdError: See `anchorhold.issuing.offline.request_authority`.
        """
        place, source = self._new_place(key_backend, key, options, secrets, adopt=adopt)
        wanted = NewAuthority(
            name=name,
            subject=subject,
            profile=self._profile(profile or "intermediate"),
            path_length=path_length,
            permitted=tuple(permitted),
            excluded=tuple(excluded),
            issuing=self._checked(issuing, source.spec),
        )
        return request_authority(self.ledger, place, source, wanted)

    def accept_certificate(
        self,
        authority: str | Authority,
        certificate: x509.Certificate,
        secrets: Mapping[str, Secret | str] | None = None,
        *,
        others: Sequence[x509.Certificate] = (),
    ) -> Authority:
        """Complete an authority made by `request_authority` with the certificate of its parent.

        Args:
            authority: Which one.
            certificate: Its certificate.
            secrets: For its key.
            others: Certificates that came with it; those above it are kept, for bundles.

        Raises:
            AnchorholdError: See `anchorhold.issuing.offline.accept_certificate`.
        """
        found = self._found(authority)
        place = self._place(found.record.key_backend, "use", secrets)
        return accept_certificate(self.ledger, place, found, certificate, self.authorities(), others)

    def import_authority(
        self,
        name: str,
        certificate: x509.Certificate,
        key: PrivateKey | None,
        *,
        key_backend: str = "default",
        issuing: IssuingDefaults | None = None,
        options: OptionValues | None = None,
        secrets: Mapping[str, Secret | str] | None = None,
    ) -> Authority:
        """Import an authority made elsewhere; arguments as for `create_authority`.

        Args:
            name: Under which it is known here.
            certificate: Its certificate.
            key: Its private key; None to adopt the one that the options describe, which is in the backend already.
            key_backend: Alias of the backend its key lives in.
            issuing: As for a new one.
            options: As for a new one.
            secrets: As for a new one.

        Raises:
            AnchorholdError: See `anchorhold.issuing.imports.import_authority`.
        """
        issuing = self._checked(issuing, spec_of(certificate.public_key()), certificate)
        foreign = ForeignAuthority(name=name, certificate=certificate, issuing=issuing)
        place = self._place(key_backend, "adopt" if key is None else "import", secrets, options)
        source = self._adopted(place, certificate) if key is None else ForeignKey(key)
        return import_authority(self.ledger, place, source, foreign, self.authorities())

    def move_key(
        self,
        authority: str | Authority,
        to: str,
        *,
        options: OptionValues | None = None,
        secrets: Mapping[str, Secret | str] | None = None,
        source_secrets: Mapping[str, Secret | str] | None = None,
        delete_source: bool = False,
    ) -> Authority:
        """Move the key of an authority to another key backend.

        Args:
            authority: Whose key.
            to: Alias of the other backend.
            options: Of that backend, by name.
            secrets: Of that backend, by name.
            source_secrets: For the key where it is.
            delete_source: Whether it is destroyed in its old place at last.

        Raises:
            AnchorholdError: See `anchorhold.issuing.moving.move_key`.
        """
        found = self._found(authority)
        source = self._place(found.record.key_backend, "use", source_secrets)
        target = self._place(to, "import", secrets, options)
        return move_key(self.ledger, found, source, target, delete_source=delete_source)

    def check_key(self, authority: Authority, secrets: Mapping[str, Secret | str] | None = None) -> KeyState:
        """Whether the key of an authority can be used now; nobody is asked for a secret.

        A backend that is gone, or an alias that is not configured any more, is a reason why it cannot.
        """
        try:
            key = self.key_of(authority, secrets, ask=False)
        except AnchorholdError as error:
            return KeyState("unusable", error)
        return check_key(key)

    def edit_authority(
        self,
        authority: str | Authority,
        *,
        name: str | None = None,
        enabled: bool | None = None,
        issuing: IssuingDefaults | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> Authority:
        """Change what may change of an authority; None leaves a value as it is.

        Args:
            authority: Which one.
            name: Its new name.
            enabled: Whether it may sign.
            issuing: All that it puts into what it signs. With an `Authority`, nobody else may have changed that since.
            changes: Some of it, by name: what others change at the same time stays.

        Raises:
            BusyError: It has been changed since that `Authority` was read.
            UnknownAuthorityError, AuthorityExistsError, AuthorityNotReadyError, InputError: As they say.
        """
        return edit_authority(
            self.ledger,
            self._found(authority),
            Edit(name=name, status=_STATUS[enabled], issuing=issuing, changes=changes or {}),
            self._checked,
        )

    def issuer(self, authority: str | Authority, secrets: Mapping[str, Secret | str] | None = None) -> Issuer:
        """Open an authority for signing; a context manager that holds its key until it is closed.

        Args:
            authority: Which one.
            secrets: For its key, by name; used when the first certificate is signed.
        """
        return Issuer(
            self.ledger,
            self.loaded.settings,
            self.key_of(self._found(authority), secrets),
            lambda changed: Chain(self.chain(changed)),
            lambda changed: self.key_of(changed, secrets),
        )

    def key_of(
        self,
        authority: Authority,
        secrets: Mapping[str, Secret | str] | None = None,
        *,
        ask: bool = True,
        flags: bool = True,
    ) -> AuthorityKey:
        """The key of an authority, not asked for yet.

        Args:
            authority: Whose.
            secrets: For it, by name.
            ask: Whether a person may be asked, if there is one.
            flags: Whether a message about a missing secret may name a command-line flag.
        """
        alias = authority.record.key_backend
        resolver = self.backends.secrets(alias, _secrets(secrets), operation="use", ask=ask, flags=flags)
        return AuthorityKey(authority, self.backends.get(alias), resolver)

    def chain(self, authority: Authority) -> list[Authority]:
        """The authority, its parent, and so on up to the root or the highest that is known."""
        chain = [authority]
        while chain[-1].record.parent_id is not None:
            chain.append(Authority(self.ledger.authorities.get(chain[-1].record.parent_id)))
        return chain

    def chain_certificates(self, authority: Authority) -> list[bytes]:
        """The certificates of `chain` in DER, and those above it that were kept; their authorities are not here.

        Raises:
            AuthorityNotReadyError: One of them has none yet.
        """
        chain = self.chain(authority)
        _ = [above.certificate for above in chain]  # says what to do if there is none
        above = map(base64.b64decode, chain[-1].record.issuing.above)
        return [*(found.record.certificate or b"" for found in chain), *above]

    def certificates(
        self,
        authority: str | Authority | None = None,
        *,
        after: int = 0,
        limit: int = 100,
        expired: bool = False,
        revoked: bool | None = None,
        profile: str | None = None,
        expiring: dt.datetime | None = None,
    ) -> list[CertificateRecord]:
        """A page of issued certificates: the valid ones, the first to expire first; or all, oldest first.

        Args:
            authority: Of one authority only.
            after: Row number (`CertificateRecord.id`) of the last one of the page before.
            limit: Length of the page.
            expired: Whether those that have expired are among them.
            revoked: Only those that are revoked, or only those that are not; None for both.
            profile: Only those of the profile of this name, known or not.
            expiring: Only those that expire until then. Certificates of OCSP responders, after which new ones come by
                themselves, are left out; with a profile those that answer are among them.
        """
        found = None if authority is None else self._found(authority).record.id
        with self.ledger.guarded():
            return self.ledger.certificates.page(
                authority_id=found,
                after=after,
                limit=limit,
                expired=expired,
                revoked=revoked,
                profile=profile,
                expiring=expiring,
            )

    def count_certificates(
        self,
        authority: str | Authority | None = None,
        *,
        after: int = 0,
        expired: bool = False,
        revoked: bool | None = None,
        profile: str | None = None,
        expiring: dt.datetime | None = None,
    ) -> int:
        """How many issued certificates there are behind one, on all pages; arguments as for `certificates`."""
        found = None if authority is None else self._found(authority).record.id
        with self.ledger.guarded():
            return self.ledger.certificates.count(
                authority_id=found, after=after, expired=expired, revoked=revoked, profile=profile, expiring=expiring
            )

    def check_profile(self, name: str) -> None:
        """Refuse the name of a profile that there neither is nor was.

        Raises:
            UnknownProfileError: It is not in the settings, not built in, and no certificate has it.
        """
        with self.ledger.guarded():
            if self.ledger.certificates.has_of_profile(name):
                return
        self._profile(name)

    def signed_elsewhere(self) -> list[Authority]:
        """Authorities whose own certificates are not among those of `certificates`: their issuers are not here."""
        known = self.authorities()
        with self.ledger.guarded():
            return [found for found in known if found.record.certificate is not None and not self._has_own(found)]

    def _has_own(self, authority: Authority) -> bool:
        """Whether the certificate of an authority is recorded with its issuer."""
        record = authority.record
        issuer = record.id if record.parent_id is None else record.parent_id
        found = self.ledger.certificates.find(record.serial or "", issuer)
        return any(certificate.certificate == record.certificate for certificate in found)

    def certificate(self, serial: str, authority: str | Authority | None = None) -> CertificateRecord:
        """A certificate by its serial number in hex, or the beginning of it, if only one fits.

        Args:
            serial: Its serial number.
            authority: Its issuer, where several have given that number.

        Raises:
            UnknownCertificateError: None fits, or several do.
        """
        issuer = None if authority is None else self._found(authority).record.id
        with self.ledger.guarded():
            found = self.ledger.certificates.find(parse_serial(serial), issuer)
        if len(found) == 1 and found[0].certificate is not None:
            return found[0]
        if len(found) > 1:
            raise UnknownCertificateError(f"certificate {serial}: several fit", hint="give more of the serial number")
        raise UnknownCertificateError(f"certificate {serial}: is not in the ledger", hint="look it up with list-certs")

    def revoke(
        self,
        serial: str,
        reason: str = "unspecified",
        invalidity: dt.datetime | None = None,
        *,
        authority: str | Authority | None = None,
    ) -> CertificateRecord:
        """Revoke a certificate; the next CRL and OCSP answer say so.

        Args:
            serial: Its serial number in hex, or 8 digits or more from its beginning, if only one fits.
            reason: One of `anchorhold.x509.revocation.REASONS`.
            invalidity: Since when its key may not have been trustworthy.
            authority: Its issuer, where several have given that number.

        Raises:
            UnknownCertificateError, RevocationError, InputError: As they say.
        """
        found = self._revocable(serial, authority)
        issuer = Authority(self.ledger.authorities.get(found.authority_id))
        revoke(self.ledger, issuer, found, parse_reason(reason), invalidity)
        return found

    def _revocable(self, serial: str, authority: str | Authority | None) -> CertificateRecord:
        """A certificate, or a serial number for which a signature may exist although none was recorded.

        Revoking is for good, so a slip that leaves the beginning of another serial number must not do it.
        """
        issuer = None if authority is None else self._found(authority).record.id
        digits = parse_serial(serial)
        with self.ledger.guarded():
            found = self.ledger.certificates.find(digits, issuer, abandoned=True)
        one = found[0] if len(found) == 1 else self.certificate(serial, authority)
        if one.serial != whole_serial(digits) and len(digits) < ENOUGH_DIGITS:
            raise UnknownCertificateError(
                f"certificate {serial}: only begins the serial number {one.serial}",
                hint=f"give the whole number, or at least {ENOUGH_DIGITS} digits of it",
            )
        return one

    def release(self, serial: str, *, authority: str | Authority | None = None) -> CertificateRecord:
        """Take back that a certificate is on hold; arguments as for `revoke`.

        Raises:
            UnknownCertificateError, RevocationError: As they say.
        """
        found = self._revocable(serial, authority)
        release(self.ledger, Authority(self.ledger.authorities.get(found.authority_id)), found)
        return found

    def generate_crls(
        self,
        authority: str | Authority,
        secrets: Mapping[str, Secret | str] | None = None,
        *,
        lifetime: dt.timedelta = LIFETIME,
    ) -> Iterator[CrlRecord]:
        """Make the CRLs of an authority one after the other: the full one, then those of its shards.

        Args:
            authority: Which one; a disabled one may, for what it has signed is out there.
            secrets: For its key.
            lifetime: Until the next ones are due.

        Raises:
            AnchorholdError: See `anchorhold.issuing.crls.generate_crl`.
        """
        with self.key_of(self._found(authority), secrets) as key:
            for shard in shards_of(key.authority):
                yield generate_crl(self.ledger, key, shard, lifetime)

    def crl(self, authority: str | Authority, shard: int | None = None) -> CrlRecord | None:
        """The newest CRL of an authority; None if none was made.

        Args:
            authority: Which one.
            shard: None for the full one.
        """
        found = self._found(authority)
        with self.ledger.guarded():
            return self.ledger.crls.last(found.record.id, shard)

    def revocation(self, certificate: CertificateRecord) -> RevocationRecord | None:
        """Whether and why a certificate is revoked."""
        return self.revocations([certificate]).get(certificate.id)

    def revocations(self, certificates: Sequence[CertificateRecord]) -> dict[int, RevocationRecord]:
        """Which of these are revoked, by their row numbers."""
        with self.ledger.guarded():
            return self.ledger.revocations.of([record.id for record in certificates])

    def import_certificate(self, authority: str | Authority, certificate: x509.Certificate) -> CertificateRecord:
        """Record a certificate that an authority signed elsewhere, so that it can be revoked here.

        Raises:
            CertificateInvalidError: That authority has not signed it.
            AuthorityExistsError: Its serial number is in the ledger already.
        """
        return record_certificate(self.ledger, self._found(authority), certificate)

    def renew_responder(
        self,
        authority: str | Authority,
        secrets: Mapping[str, Secret | str] | None = None,
        *,
        key: KeySpec | None = None,
    ) -> ResponderRecord:
        """Make a new OCSP responder for an authority; the old one retires, and is destroyed by `sweep_responders`.

        Args:
            authority: Which one.
            secrets: For its key, which signs the responder's certificate.
            key: The kind of the responder's key; by default that of the authority's own.

        Raises:
            AnchorholdError: See `anchorhold.issuing.responders.renew_responder`.
        """
        with self.key_of(self._found(authority), secrets) as own:
            return renew_responder(self.ledger, own, self.ocsp_place, self._profile(PROFILE), key)

    def responder_is_due(self, authority: Authority) -> bool:
        """Whether an authority needs a new OCSP responder; see `anchorhold.issuing.responders.is_due`.

        It needs one, too, if the key is not where it was made, which only a look at it shows.
        """
        due = is_due(self.ledger, authority, self.ocsp_place)
        return due or not has_key(self.ledger, authority, self.ocsp_place)

    def sweep_responders(self, authority: Authority, *, gone: bool = False) -> Swept:
        """Destroy keys of OCSP responders that nothing needs any more.

        Args:
            authority: Whose.
            gone: Whether those that cannot be found are recorded as gone.

        Returns:
            What became of them, failures included.
        """
        return sweep_responders(self.ledger, authority, self.ocsp_place, gone=gone)

    def maintain(
        self,
        authority: str | Authority,
        secrets: Mapping[str, Secret | str] | None = None,
        *,
        lifetime: dt.timedelta = LIFETIME,
    ) -> Maintained:
        """Renew CRLs and the OCSP responder of an authority if they are due; nobody is asked for a secret.

        Args:
            authority: Which one; a disabled one may, for what it has signed is out there.
            secrets: For its key, if they are at hand.
            lifetime: Of CRLs.

        Returns:
            What was done, and what could not be: look at its ``failures``.

        Raises:
            AnchorholdError: Nothing could be tried; see `anchorhold.issuing.maintenance.maintain`.
        """
        found = self._found(authority)
        with ExitStack() as opened:
            key = cache(lambda: opened.enter_context(self.key_of(found, secrets, ask=False, flags=False)))
            return maintain(self.ledger, found, key, self.ocsp_place, self._profile(PROFILE), lifetime)

    def ocsp_place(self, alias: str) -> OcspPlace:
        """An alias of ``ocsp_key_backends``, ready for use with nobody present."""
        backend = self.backends.get(alias, "ocsp")
        return OcspPlace(
            backend=backend,
            type=self.backends.aliases("ocsp")[alias].backend,
            store=backend.ocsp_store(),
            secrets=self.backends.ocsp_secrets(alias),
        )

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
        place = self._place(record.key_backend, "use", secrets)
        parent = Authority(self.ledger.authorities.get(record.parent_id)) if record.parent_id is not None else None
        above = self._parent(parent, parent_secrets, place) if parent is not None else None
        try:
            return recovery.finish(self.ledger, place, record, above)
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
        return recovery.abandon(self.ledger, self._place(record.key_backend, "use", secrets), record)

    def finish_move(
        self,
        record: AuthorityRecord,
        secrets: Mapping[str, Secret | str] | None = None,
        source_secrets: Mapping[str, Secret | str] | None = None,
    ) -> Authority:
        """Complete the move of a key that was interrupted.

        Args:
            record: From `interrupted`.
            secrets: For the backend it is moved to.
            source_secrets: For the one it was in.
        """
        old, new = places_of_move(record)
        source, target = self._place(old, "use", source_secrets), self._place(new, "use", secrets)
        target = replace(target, options=(record.plan or {}).get("options", {}))
        return finish_move(self.ledger, Authority(record), source, target)

    def undo_move(self, record: AuthorityRecord, secrets: Mapping[str, Secret | str] | None = None) -> None:
        """Leave a key where it is used, and remove a copy that arrived without being used.

        Args:
            record: From `interrupted`.
            secrets: For the backend it was moved to.
        """
        undo_move(self.ledger, Authority(record), self._place(places_of_move(record)[1], "use", secrets))

    def destroy_copy(
        self, copy: KeyCopy, secrets: Mapping[str, Secret | str] | None = None, *, forget_key: bool = False
    ) -> None:
        """Destroy a copy of a key that was left where it was used before.

        Args:
            copy: From `interrupted`.
            secrets: For the backend it is in.
            forget_key: Do not look for it, because it is gone or its backend is.

        Raises:
            BusyError: Somebody is at work on the key of that authority.
            KeyMissingError: It is not there.
            AnchorholdError: It may still be there.
        """
        authority = Authority(self.ledger.authorities.get(copy.authority_id))
        if forget_key:
            copies.forget_copy(self.ledger, authority, copy)
        else:
            copies.destroy_copy(self.ledger, authority, copy, self._place(copy.key_backend, "use", secrets))

    def _found(self, authority: str | Authority) -> Authority:
        return self.authority(authority) if isinstance(authority, str) else authority

    def _place(
        self,
        alias: str,
        operation: Operation,
        secrets: Mapping[str, Secret | str] | None,
        options: OptionValues | None = None,
    ) -> KeyPlace:
        """An alias as one operation uses it; without options, for a key that has its place already."""
        return KeyPlace(
            backend=self.backends.get(alias),
            type=self.backends.aliases()[alias].backend,
            secrets=self.backends.secrets(alias, _secrets(secrets), operation=operation),
            options=self.backends.options(alias, operation, options or {}) if operation != "use" else {},
        )

    def _new_place(
        self,
        alias: str,
        spec: KeySpec | None,
        options: OptionValues | None,
        secrets: Mapping[str, Secret | str] | None,
        *,
        adopt: bool,
    ) -> tuple[KeyPlace, KeySource]:
        """Where the key of a new authority will be, and where it comes from."""
        place = self._place(alias, "adopt" if adopt else "create", secrets, options)
        return place, self._adopted(place) if adopt else NewKey(spec or key_spec())

    def _adopted(self, place: KeyPlace, certificate: x509.Certificate | None = None) -> AdoptedKey:
        """The key that the options describe; `notes` has what there is to know about it."""
        expected = certificate.public_key() if certificate is not None else None
        if expected is not None:
            spec_of(expected)  # refuses other kinds
        source = find_to_adopt(place, cast("PublicKey | None", expected))
        self.notes += [f"The key that was adopted {note}." for note in source.existing.notes]
        known = self.authorities() if ledger_exists(self.database_url) else []
        wanted = spki(source.public_key)
        for other in known:
            if other.record.public_key == wanted:
                self.notes.append(f"The key that was adopted is that of authority {other.name!r}, too.")
        return source

    def _profile(self, name: str) -> ProfileSettings:
        return find_profile(name, self.loaded.settings.profiles)

    def _checked(
        self, issuing: IssuingDefaults | None, spec: KeySpec, certificate: x509.Certificate | None = None
    ) -> IssuingDefaults:
        checked = checked_defaults(issuing or IssuingDefaults(), spec, self.loaded.settings.profiles, certificate)
        if self._is_chosen(checked.ocsp_key_backend):
            self.backends.get(checked.ocsp_key_backend, "ocsp")
        return checked

    def _is_chosen(self, alias: str) -> bool:
        """Whether somebody has chosen that alias for keys of responders, by naming or by configuring it.

        The one that there is without settings may lead to a backend that is not installed; not everybody needs OCSP.
        """
        named = alias != IssuingDefaults().ocsp_key_backend
        configured = self.loaded.origins[SECTIONS["ocsp"]] != "default" and alias in self.backends.aliases("ocsp")
        return named or configured

    def _parent(self, parent: str | Authority, secrets: Mapping[str, Secret | str] | None, own: KeyPlace) -> Parent:
        """The parent with its key; secrets that serve a whole alias fall back to those given for the new key."""
        found = self._found(parent)
        alias = found.record.key_backend
        if alias == own.backend.alias:
            shared = cast("SecretResolver", own.secrets)  # `_place` made it
        else:
            shared = self.backends.secrets(alias, {}, operation="use")
        resolver = self.backends.secrets(alias, _secrets(secrets), operation="use", own=shared)
        key = AuthorityKey(found, self.backends.get(alias), resolver)
        return Parent(key=key, chain=Chain(self.chain(found)))


def open_installation(
    config: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    prompter: Prompter | None = None,
    create: bool = True,
    blank: bool = False,
    trial: bool = False,
    patience: float | None = None,
) -> Installation:
    """Open the installation that the settings describe; with no settings at all, the defaults.

    Args:
        config: The settings file; by default it is looked for.
        environment: The variables; by default ``os.environ``.
        prompter: Asks a person for missing secrets; by default nobody is asked.
        create: Whether a ledger that is not there is created; else it is an error, until it is there.
        blank: With ``create=False``: where there is neither a ledger nor a key, look into an empty one in memory.
        trial: Whether backends get the ledger's database as it is, and never one that was made or changed for them.
        patience: Seconds in all for which to wait for a ledger that another process has locked; by default 30.

    Raises:
        SettingsError: The settings are wrong.
    """
    loaded = load_settings(config, environment)
    return Installation(loaded, environment, prompter, create=create, blank=blank, trial=trial, patience=patience)


def _secrets(given: Mapping[str, Secret | str] | None) -> dict[str, Secret]:
    return {name: value if isinstance(value, Secret) else Secret(value) for name, value in (given or {}).items()}
