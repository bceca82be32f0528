"""The configured key backends: from an alias in the settings to a bound, checked `KeyBackend`."""

from __future__ import annotations

from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from anchorhold import secret_sources
from anchorhold.errors import SettingsError, UnknownAliasError, UnknownBackendError
from anchorhold.plugin import BACKENDS_GROUP, WRAPPERS_GROUP, BackendContext, WrapperContext, discovery
from anchorhold.plugin.backend_options import OptionValues, options_of
from anchorhold.plugin.binding import PluginFactory, bind, bind_wrappers, construct_wrapper
from anchorhold.plugin.blame import blaming
from anchorhold.plugin.key_backend import KeyBackend
from anchorhold.plugin.path_options import anchored
from anchorhold.plugin.refused_secrets import ProcessRefusedSecrets
from anchorhold.plugin.requests import SECTIONS
from anchorhold.plugin.secret_resolver import SecretResolver
from anchorhold.plugin.unresponsive import UnresponsiveAliases
from anchorhold.secret import SecretReference
from anchorhold.settings.implied import ocsp_aliases
from anchorhold.settings.model import AliasSettings
from anchorhold.settings.validation_errors import first_error
from anchorhold.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pluggy import PluginManager

    from anchorhold.databases import Database
    from anchorhold.plugin import Operation, RefusedSecrets, Role
    from anchorhold.plugin.secret_resolver import Prompter
    from anchorhold.secret import Secret
    from anchorhold.settings import LoadedSettings


class BackendRegistry:
    """Binds each alias when it is first asked for; an alias nobody asks for can be broken without harm.

    Args:
        loaded: The settings.
        database: Opens the ledger's database.
        environment: The variables, for secrets.
        prompter: Asks a person for a secret; None if there is nobody.
        refused_secrets: Remembers which secrets were refused; by default for this process alone.

    Attributes:
        unresponsive: Aliases that have just taken long to fail.
        listening: Who may want to be told what was recorded: enabled wrappers, and aliases in use that implement that.
    """

    def __init__(
        self,
        loaded: LoadedSettings,
        database: Callable[[], Database],
        environment: Mapping[str, str],
        prompter: Prompter | None = None,
        refused_secrets: RefusedSecrets | None = None,
    ) -> None:
        self._loaded = loaded
        self._database = database
        self._environment = environment
        self._refused_secrets = refused_secrets or ProcessRefusedSecrets()
        self._prompter = prompter
        self.unresponsive = UnresponsiveAliases()
        self.listening = set(loaded.settings.wrappers)
        self._written = secret_sources.settings(loaded.path)
        self._binding = RLock()
        self._bound: dict[tuple[Role, str], KeyBackend] = {}
        self._listeners: dict[tuple[Role, str], PluginManager] = {}
        self._wrappers: dict[tuple[Role, str], list[tuple[discovery.PluginIdentity, Any]]] = {}

    def aliases(self, role: Role = "ca") -> dict[str, AliasSettings]:
        """The configured aliases and their settings."""
        if role == "ocsp" and self._loaded.origins[SECTIONS[role]] == "default":
            installed = {plugin.name for plugin in discovery.installed(BACKENDS_GROUP)}
            return ocsp_aliases(self._loaded.settings, installed)
        return cast("dict[str, AliasSettings]", getattr(self._loaded.settings, SECTIONS[role]))

    def get(self, alias: str, role: Role = "ca") -> KeyBackend:
        """The backend of an alias.

        Raises:
            UnknownAliasError: It is not configured.
            UnknownBackendError, BackendLoadError, BackendContractError, SettingsError: It cannot be bound.
        """
        with self._binding:
            if (role, alias) not in self._bound:
                backend = self._bound[role, alias] = self._bind(alias, role)
                if role == "ca" and backend.supports("recorded"):
                    self.listening.add(alias)
            return self._bound[role, alias]

    def close(self) -> None:
        """Close the backends that want to be; one that is asked for again is bound again."""
        with self._binding:
            self._bound = {place: backend for place, backend in self._bound.items() if not backend.close()}

    def check_storage(self, name: str) -> tuple[str, ...]:
        """Look at one of the ``storages``, which need not be used by any alias; see `KeyBackend.check_place`.

        Raises:
            AnchorholdError: No key can be kept there.
        """
        settings = AliasSettings(backend="storages", options={"storage_alias": name})
        used = any(
            alias.backend_type == "storages" and alias.options.get("storage_alias", "default") == name
            for role in SECTIONS
            for alias in self.aliases(role).values()
        )
        if used:  # looked at with that alias
            return ()
        try:
            return self._bind(f"storages.{name}", "ca", settings).check_place()
        except UnknownBackendError:
            return (f"storages.{name}: could not be checked, because anchorhold-storages is not installed",)

    def secrets(
        self,
        alias: str,
        given: Mapping[str, Secret],
        *,
        operation: Operation,
        own: SecretResolver | None = None,
        ask: bool = True,
        flags: bool = True,
    ) -> SecretResolver:
        """The secrets of an alias for one command.

        Args:
            alias: The alias.
            given: From the command line or the caller.
            operation: What is done with its keys.
            own: For the key of a parent: the resolver of the alias's own keys.
            ask: Whether a person may be asked, if there is one.
            flags: Whether the command has flags for them.

        Raises:
            SecretMissingError: A new key is given an empty secret.
        """
        backend = self.get(alias)
        new = operation in ("create", "import")
        # A backend is asked for its options only where they matter, not whenever something is signed.
        declared = [found for found in options_of(backend, operation) if found.secret] if new or own is not None else []
        shared = [option.name for option in declared if option.scope == "alias"]
        resolver = self._resolver(backend, given, own=own, shared=shared, unattended=not ask, flags=flags)
        if new:
            for option in declared:
                if option.scope == "key":
                    resolver.refuse_cleared(option.name)
        return resolver

    def ocsp_secrets(self, alias: str) -> SecretResolver:
        """The secrets of an alias that keeps keys of OCSP responders; nobody is asked."""
        return self._resolver(self.get(alias, "ocsp"), {}, unattended=True, flags=False)

    def options(self, alias: str, operation: Operation, given: Mapping[str, Any]) -> OptionValues:
        """Values of all options of an alias that are not secret: what was given, else the defaults.

        Raises:
            SettingsError: An option is not known.
        """
        declared = {
            option.name: option.default
            for option in options_of(self.get(alias), operation)
            if not option.secret and not option.prompt
        }
        unknown = sorted(set(given) - set(declared))
        if unknown:
            known = ", ".join(declared) or "none"
            raise SettingsError(f"{self.get(alias).identity}: has no option {unknown[0]!r}", hint=f"it has: {known}")
        return {**declared, **given}

    def _resolver(
        self,
        backend: KeyBackend,
        given: Mapping[str, Secret],
        *,
        own: SecretResolver | None = None,
        shared: list[str] | None = None,
        unattended: bool = False,
        flags: bool = True,
    ) -> SecretResolver:
        return SecretResolver(
            alias=backend.alias,
            environment=self._environment,
            section=f"{SECTIONS[backend.role]}.{backend.alias}",
            given=given,
            options=backend.options,
            parent=own is not None,
            shared=shared or (),
            own=own,
            prompter=None if unattended else self._prompter,
            flags=flags,
            written=self._written,
        )

    def _bind(self, alias: str, role: Role, settings: AliasSettings | None = None) -> KeyBackend:
        section = f"{SECTIONS[role]}.{alias}" if settings is None else alias
        settings = settings or self._settings_of(alias, role)
        plugin = discovery.find(BACKENDS_GROUP, settings.backend, f"{section}.backend")
        backend_class: Any = plugin.loaded
        owner = discovery.PluginIdentity("key backend", alias, plugin, ocsp=role == "ocsp")
        model = plugin.attribute("Options", None)
        if role == "ocsp":
            model = plugin.attribute("OcspOptions", model)
        options = self._validated(owner, model, settings.options, f"{section}.options")
        context = BackendContext(
            alias=alias,
            role=role,
            database=self._database,
            environment=self._environment,
            shared={"storages": self._loaded.settings.storages},
            refused_secrets=self._refused_secrets,
            folder=self._loaded.folder,
        )
        bound = bind(
            PluginFactory(partial(backend_class, options, context), owner),
            self.wrappers(alias, role),
            ocsp=role == "ocsp",
        )
        backend = KeyBackend(
            alias=alias,
            role=role,
            identity=owner,
            manager=bound.manager,
            options=options,
            capabilities=bound.capabilities,
            wrapped=bound.wrapped,
            handle_version=plugin.handle_version,
        )
        if role == "ocsp":
            self._check_unattended(backend, section)
        return backend

    def _settings_of(self, alias: str, role: Role) -> AliasSettings:
        aliases = self.aliases(role)
        try:
            return aliases[alias]
        except KeyError:
            raise UnknownAliasError(
                f"{SECTIONS[role]}: no alias {alias!r} is configured",
                hint=suggestion(alias, aliases, "configured: {}"),
            ) from None

    def wrappers(self, alias: str, role: Role = "ca") -> list[tuple[discovery.PluginIdentity, Any]]:
        """The enabled wrappers around an alias, in the order of the settings.

        Raises:
            UnknownBackendError, BackendLoadError, BackendContractError, SettingsError: One cannot be used, so nothing
                may go on.
        """
        if (role, alias) not in self._wrappers:
            names = self._loaded.settings.wrappers
            place: dict[str, Any] = {"folder": self._loaded.folder, "environment": self._environment}
            self._wrappers[role, alias] = [
                self._wrapper(name, WrapperContext(alias=alias, role=role, **place)) for name in names
            ]
        return self._wrappers[role, alias]

    def listeners(self, alias: str, role: Role = "ca") -> PluginManager | None:
        """Who is told what was recorded of keys in an alias: its wrappers, and its backend if that is in use.

        Returns:
            None if there is nobody.

        Raises:
            AnchorholdError: A wrapper cannot be used.
        """
        with self._binding:
            if (role, alias) in self._bound:
                return self._bound[role, alias].manager
            if (role, alias) not in self._listeners and self._loaded.settings.wrappers:
                self._listeners[role, alias] = bind_wrappers(self.wrappers(alias, role))
            return self._listeners.get((role, alias))

    def _wrapper(self, name: str, context: WrapperContext) -> tuple[discovery.PluginIdentity, Any]:
        plugin = discovery.find(WRAPPERS_GROUP, name, f"wrappers.{name}")
        wrapper_class: Any = plugin.loaded
        owner = discovery.PluginIdentity("wrapper", name, plugin)
        given = self._loaded.settings.wrappers[name].options
        options = self._validated(owner, plugin.attribute("Options", None), given, f"wrappers.{name}.options")
        return owner, construct_wrapper(PluginFactory(partial(wrapper_class, options, context), owner))

    def _validated(self, owner: discovery.PluginIdentity, model: Any, given: dict[str, Any], section: str) -> Any:
        where = str(self._loaded.path or "settings")
        if model is None:
            if given:
                raise SettingsError(f"{where}: {section} takes no options", hint="remove them")
            return None
        with blaming(owner, f"checking {section}"):
            try:
                return model.model_validate(anchored(model, given, self._loaded.folder, section))
            except ValidationError as error:
                raise first_error(error, model, where, prefix=section.split(".")) from None

    def _check_unattended(self, backend: KeyBackend, section: str) -> None:
        """Refuse an OCSP key backend that would have to ask a person."""
        resolver = self._resolver(backend, {}, unattended=True)
        for name in sorted(backend.ocsp_store().unattended):
            if resolver.get(name) is None:
                reference = getattr(backend.options, name.replace("-", "_"), None)
                asked = isinstance(reference, SecretReference) and reference.source == "prompt"
                raise SettingsError(
                    f"{section}: OCSP keys are used unattended, and {name} "
                    f"{'would be prompted for' if asked else 'is not set'}",
                    hint=f"set {section}.options.{name.replace('-', '_')} to a value, a variable or a file",
                )
