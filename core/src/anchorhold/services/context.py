"""What the services of an installation share: settings, ledger, key backends, and who acts."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Self, Unpack, cast

from anchorhold.audit import AuditContext
from anchorhold.backends import BackendRegistry
from anchorhold.errors import UnknownAuthorityError
from anchorhold.lent_keys import lent_here
from anchorhold.operations.authority import Authority, Chain
from anchorhold.operations.key_location import KeyLocation, check_backend_type
from anchorhold.refused_secrets import LedgerRefusedSecrets
from anchorhold.secret import Secret
from anchorhold.services.announcements import announce
from anchorhold.services.ledger_access import LedgerAccess
from anchorhold.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from anchorhold.ledger import Ledger
    from anchorhold.operations.signing_key import SigningKey
    from anchorhold.plugin import Operation
    from anchorhold.plugin.backend_options import OptionValues
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import KeyHandle, Role
    from anchorhold.plugin.secret_resolver import Prompter, SecretResolver
    from anchorhold.profiles.model import ProfileSettings
    from anchorhold.services.ledger_access import AccessOptions
    from anchorhold.settings import LoadedSettings

    GivenSecrets: TypeAlias = Mapping[str, Secret | str] | None
    """Secrets by name, such as ``{"password": "…"}``."""

_NO_OPTIONS: Final[OptionValues] = {}


class ServiceContext:
    """Shared by the services of one installation and one actor.

    Args:
        loaded: The settings.
        access: Opens the ledger.
        backends: The key backends.
        audit: Who acts.
        deadline: Until when key backends are asked, by `time.monotonic`; None for as long as it takes.

    Attributes:
        notes: Sentences about what succeeded, for the caller.
    """

    def __init__(
        self,
        loaded: LoadedSettings,
        access: LedgerAccess,
        backends: BackendRegistry,
        audit: AuditContext,
        deadline: float | None = None,
    ) -> None:
        self.loaded = loaded
        self.access = access
        self.backends = backends
        self.audit = audit
        self.deadline = deadline
        self.notes: list[str] = []
        self._recording: Ledger | None = None
        self._asks_once = False

    @classmethod
    def of(
        cls,
        loaded: LoadedSettings,
        environment: Mapping[str, str] | None = None,
        prompter: Prompter | None = None,
        audit: AuditContext | None = None,
        **access: Unpack[AccessOptions],
    ) -> Self:
        """For loaded settings; arguments as for `anchorhold.open_installation`."""
        variables = os.environ if environment is None else environment
        opened = LedgerAccess(loaded, variables, **access)
        memory = LedgerRefusedSecrets(lambda: opened.ledger)
        backends = BackendRegistry(loaded, opened.database, variables, prompter, memory)
        return cls(loaded, opened, backends, audit or AuditContext())

    def acting_as(self, audit: AuditContext) -> ServiceContext:
        """The same for another actor."""
        return ServiceContext(self.loaded, self.access, self.backends, audit, self.deadline)

    def until(self, deadline: float) -> ServiceContext:
        """The same with a deadline; an earlier one stays."""
        earliest = deadline if self.deadline is None else min(deadline, self.deadline)
        return ServiceContext(self.loaded, self.access, self.backends, self.audit, earliest)

    def asking_once(self) -> ServiceContext:
        """The same; a backend that was waited for in vain a short time ago is not asked again."""
        same = copy(self)
        same._asks_once = True  # noqa: SLF001  # of the same class
        return same

    @property
    def ledger(self) -> Ledger:
        """The ledger; what is recorded through it names the actor.

        Raises:
            LedgerError, LedgerVersionError, LedgerForeignError: It cannot be opened.
        """
        opened = self.access.ledger
        if self._recording is None or self._recording.database is not opened.database:
            tell = partial(announce, self.backends, self.audit)
            self._recording = opened.acting_as(self.audit).telling(tell, self.backends.listening)
        return self._recording

    def authorities(self) -> list[Authority]:
        """All authorities that were not abandoned, oldest first."""
        ledger = self.ledger
        with ledger.translate_errors():
            records = ledger.authorities.all_known()
        return [Authority(record) for record in records]

    def authority(self, selected: str | Authority) -> Authority:
        """An authority by its name, its serial number (hex), or the beginning of either, if only one fits.

        Args:
            selected: Such a text; an `Authority` is returned as it is.

        Raises:
            UnknownAuthorityError: None fits, or several do.
        """
        if isinstance(selected, Authority):
            return selected
        known = self.authorities()
        digits = selected.replace(":", "").lower()
        matches = (
            [found for found in known if found.name == selected],
            [found for found in known if found.record.serial == digits],
            [
                found
                for found in known
                if selected and (found.name.startswith(selected) or (found.record.serial or "").startswith(digits))
            ],
        )
        found = next((fitting for fitting in matches if fitting), [])
        if len(found) == 1:
            return found[0]
        names = [authority.name for authority in found or known]
        if found:
            raise UnknownAuthorityError(
                f"authority {selected!r}: several match ({', '.join(names)})", hint="give more of the name"
            )
        raise UnknownAuthorityError(f"authority {selected!r}: is not known", hint=suggestion(selected, names))

    def authority_of_row(self, row: int) -> Authority:
        """An authority by its row number."""
        with self.ledger.translate_errors():
            return Authority(self.ledger.authorities.get(row))

    def chain(self, authority: Authority) -> Chain:
        """The authority, its parent, and so on up to the root or the highest that is known."""
        chain = [authority]
        while chain[-1].record.parent_id is not None:
            chain.append(self.authority_of_row(chain[-1].record.parent_id))
        return Chain(chain)

    def key_of(
        self,
        authority: Authority,
        secrets: GivenSecrets = None,
        *,
        below: KeyLocation | None = None,
        ask: bool = True,
        flags: bool = True,
    ) -> SigningKey:
        """The key of an authority; its backend is asked when it is first used.

        Args:
            authority: Whose.
            secrets: For it, by name.
            below: Where the key of a new authority below it is; secrets that serve a whole alias fall back to its own.
            ask: Whether a person may be asked, if there is one.
            flags: Whether a message about a missing secret may name a command-line flag.
        """
        from anchorhold.operations.signing_key import SigningKey

        lent, request = self.lent_here(authority), None
        if lent is not None:
            request = replace(authority.key_request, handle=lent[1])
        backend = self.backend_of(authority, lent)
        own: SecretResolver | None = None
        if below is not None and below.backend.alias == backend.alias:
            own = cast("SecretResolver", below.secrets)  # `place` made it
        elif below is not None:
            own = self.backends.secrets(backend.alias, {}, operation="use")
        given = wrapped(secrets)
        resolver = self.backends.secrets(backend.alias, given, operation="use", own=own, ask=ask, flags=flags)
        return SigningKey(authority, backend, resolver, request)

    def lent_here(self, authority: Authority) -> tuple[str, KeyHandle] | None:
        """See `anchorhold.lent_keys.lent_here`."""
        settings = self.loaded.settings
        return lent_here(authority.record, settings, self.backends.aliases()) if settings.worker else None

    def backend_of(self, authority: Authority, lent: tuple[str, KeyHandle] | None = None) -> KeyBackend:
        """The key backend that has the key of an authority; as `backend`.

        Args:
            authority: Whose key.
            lent: From `lent_here`.

        Raises:
            KeyMismatchError: Another host lends it, and its alias is something else here.
        """
        record = authority.record
        backend = self.backend(record.key_backend if lent is None else lent[0])
        if lent is None and "handle" in (record.handle or {}).get("data", ()):  # see `KeyHandle.of_lent`
            found = self.backends.aliases()[record.key_backend].backend_type
            check_backend_type(record.key_backend, found, record.backend_type, f"key of authority {record.name!r}")
        return backend

    def backend(self, alias: str, role: Role = "ca") -> KeyBackend:
        """A key backend that passes the actor to wrappers, and is asked until the deadline.

        Raises:
            AnchorholdError: It is not configured, or cannot be used.
        """
        backend = self.backends.get(alias, role).acting_as(self.audit).until(self.deadline)
        return backend.asked_once(self.backends.unresponsive) if self._asks_once else backend

    def place(
        self, alias: str, operation: Operation, secrets: GivenSecrets, options: OptionValues | None = None
    ) -> KeyLocation:
        """An alias as one operation uses it; without options, for a key that has its place already."""
        return KeyLocation(
            backend=self.backend(alias),
            type=self.backends.aliases()[alias].backend_type,
            secrets=self.backends.secrets(alias, wrapped(secrets), operation=operation),
            options=self.backends.options(alias, operation, options or {}) if operation != "use" else _NO_OPTIONS,
        )

    def profile(self, name: str) -> ProfileSettings:
        """A profile by its name.

        Raises:
            UnknownProfileError: No profile has that name.
        """
        from anchorhold.profiles.built_in import find_profile

        return find_profile(name, self.loaded.settings.profiles)


def wrapped(given: GivenSecrets) -> dict[str, Secret]:
    """Secrets as a backend's resolver wants them."""
    return {name: value if isinstance(value, Secret) else Secret(value) for name, value in (given or {}).items()}
