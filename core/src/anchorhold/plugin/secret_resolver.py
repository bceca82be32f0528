"""Where secrets come from: the command line, the environment, the settings, and at last a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from anchorhold import secret_sources
from anchorhold.errors import SecretMissingError
from anchorhold.plugin.backend_options import variable_of
from anchorhold.remedy import Remedy
from anchorhold.secret import Secret, SecretReference, read_secret_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from anchorhold.secret_sources import SecretSource


class Prompter(Protocol):
    """Asks a person for a secret."""

    def __call__(self, question: str) -> Secret:
        """Show the question, return what was typed (not shown)."""


class SecretResolver:
    """The `Secrets` of one alias, either for its own keys or for those of a parent authority.

    A value given on the command line or in the environment wins over the settings; an empty one clears what
    comes after it. For a parent's key, secrets in `shared` fall back to those of the alias itself.

    Args:
        alias: The alias.
        parent: Whether for the key of a parent.
        given: From the command line or the caller, by option name.
        environment: The variables, usually ``os.environ``.
        options: The alias's validated options model, if it has one.
        section: Where in the settings the options stand.
        shared: Names of the secrets that serve every key of the alias.
        own: For a parent: the resolver of the alias's own keys.
        prompter: Asks a person; None if unattended.
        flags: Whether the caller can give them, as by an option of a command.
        written: Tells of a place in the settings where a secret that is written there comes from.
    """

    def __init__(
        self,
        *,
        alias: str,
        environment: Mapping[str, str],
        section: str,
        given: Mapping[str, Secret] | None = None,
        options: Any = None,
        parent: bool = False,
        shared: Collection[str] = (),
        own: SecretResolver | None = None,
        prompter: Prompter | None = None,
        flags: bool = True,
        written: Callable[[str], SecretSource] | None = None,
    ) -> None:
        self._alias = alias
        self._parent = parent
        self._given = dict(given or {})
        self._environment = environment
        self._options = options
        self._section = section
        self._shared = shared
        self._own = own
        self._prompter = prompter
        self._flags = flags
        self._written = written or secret_sources.settings(None)

    def __repr__(self) -> str:
        return f"<secrets of {self._alias!r}>"

    def get(self, name: str) -> Secret | None:
        """See `anchorhold.plugin.Secrets.get`."""
        return self._find(name) or None

    def require(self, name: str) -> Secret:
        """See `anchorhold.plugin.Secrets.require`."""
        found = self._find(name)
        if found:
            return found
        if found is None and self._own is not None and name in self._shared:
            return self._own.require(name)  # one PIN for both, so a person is asked once
        if found is None and self._prompter is not None:
            what = f"{name.replace('-', ' ')} of {'the parent in ' if self._parent else ''}key backend {self._alias!r}"
            asked = self._prompter(what)
            if asked:
                self._given[name] = asked  # asked once, used as often as this command needs it
                return asked
        cleared = found is not None
        raise SecretMissingError(
            f"key backend {self._alias!r}: the {name.replace('-', ' ')} is {'empty' if cleared else 'missing'}",
            hint=self._advice(name),
            remedy=self._remedy(name) if self._flags else None,
        )

    def refuse_cleared(self, name: str) -> None:
        """Refuse an empty secret for a new key: ``--password "$UNSET"`` must not leave it unprotected in silence.

        Raises:
            SecretMissingError: It was given, and is empty.
        """
        found = self._find(name)
        if found is not None and not found:
            raise SecretMissingError(
                f"key backend {self._alias!r}: the {name.replace('-', ' ')} is empty, so it would protect nothing",
                hint="leave it out altogether, or give one",
                remedy=self._remedy(name),
            )

    def _find(self, name: str) -> Secret | None:
        """The secret; empty if it was cleared, None if it was not given."""
        value = self._explicit(name)
        if value is None and self._own is not None and name in self._shared:
            value = self._own._explicit(name)  # noqa: SLF001
        if value is not None:
            return value
        reference = self._reference(name)
        found = reference.resolve(self._environment) if reference is not None else None
        if found is not None and found.source is None:
            return Secret(found.reveal_bytes(), self._written(f"{self._section}.options.{name.replace('-', '_')}"))
        return found

    def _explicit(self, name: str) -> Secret | None:
        if name in self._given:
            return self._given[name]
        variable = variable_of(self._alias, name, parent=self._parent)
        if variable in self._environment:
            return Secret(self._environment[variable], secret_sources.variable(variable))
        if f"{variable}_FILE" in self._environment:
            return read_secret_file(self._environment[f"{variable}_FILE"])
        return None

    def _reference(self, name: str) -> SecretReference | None:
        found = getattr(self._options, name.replace("-", "_"), None)
        return found if isinstance(found, SecretReference) else None

    def _advice(self, name: str) -> str:
        variable = variable_of(self._alias, name, parent=self._parent)
        ways = [f"set {variable} or {variable}_FILE"]
        field = name.replace("-", "_")
        if hasattr(self._options, field):
            ways.append(f"set {self._section}.options.{field} in the settings")
        return ", or ".join([*ways, *(["give it"] if self._flags else ())])

    def _remedy(self, name: str) -> Remedy:
        return Remedy("secrets.give", {"key_backend": self._alias, "secret": name, "parent": self._parent})


class GeneratedSecrets:
    """The `Secrets` of one OCSP responder key: those core generated, then those of the alias, without prompting."""

    def __init__(self, generated: Mapping[str, Secret], alias: SecretResolver) -> None:
        self._generated = dict(generated)
        self._alias = alias

    def get(self, name: str) -> Secret | None:
        """See `anchorhold.plugin.Secrets.get`."""
        return self._generated.get(name) or self._alias.get(name)

    def require(self, name: str) -> Secret:
        """See `anchorhold.plugin.Secrets.require`."""
        return self._generated.get(name) or self._alias.require(name)
