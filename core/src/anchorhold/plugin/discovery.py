"""Finding backends and wrappers among the installed distributions, by their entry points."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anchorhold.errors import BackendContractError, BackendLoadError, UnknownBackendError
from anchorhold.parser_errors import attempt
from anchorhold.plugin.hook_markers import API_VERSION, BACKENDS_GROUP, WRAPPERS_GROUP
from anchorhold.remedy import Remedy
from anchorhold.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import Distribution, EntryPoint, EntryPoints

_WORDS = {BACKENDS_GROUP: "key backend type", WRAPPERS_GROUP: "wrapper"}


@dataclass(frozen=True)
class PluginIdentity:
    """Who a configured backend or wrapper is, for messages; the distribution is looked up when it is printed.

    Attributes:
        kind: ``key backend`` or ``wrapper``.
        name: Its alias, or the name of the wrapper.
        plugin: What is configured under it.
        ocsp: Whether it keeps keys of OCSP responders; an alias of that name may keep those of authorities, too.
    """

    kind: str
    name: str
    plugin: Plugin
    ocsp: bool = False

    def __str__(self) -> str:
        kind = f"OCSP {self.kind}" if self.ocsp else self.kind
        return f"{kind} {self.name!r} ({self.plugin.name} of {self.plugin.distribution})"


@dataclass(frozen=True)
class Plugin:
    """One installed backend or wrapper, not imported yet.

    Attributes:
        entry_point: Where it is.
    """

    entry_point: EntryPoint

    @property
    def name(self) -> str:
        """The backend type, or the name of the wrapper."""
        return self.entry_point.name

    @property
    def distribution(self) -> str:
        """Name and version of the distribution it comes from."""
        dist = self.entry_point.dist
        return _named(dist) if dist is not None else "an unknown distribution"

    @property
    def kind(self) -> str:
        """What it is, for messages."""
        return _WORDS[self.entry_point.group]

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} of {self.distribution}"

    @cached_property
    def loaded(self) -> type[Any]:
        """The class, imported, with its API version checked.

        Raises:
            BackendLoadError: It cannot be imported.
            BackendContractError: It is not a class, or was written for another version of the plugin API.
        """
        try:
            found = self.entry_point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may raise whatever it likes, and end no command of ours
            raise BackendLoadError(
                f"{self}: cannot be imported from {self.entry_point.value} ({_told(error)})",
                hint="reinstall the distribution or take it out of the settings",
            ) from error
        if not isinstance(found, type):
            raise BackendContractError(
                f"{self}: the entry point {self.entry_point.value} is not a class", hint="report this to its author"
            )
        self._check_api_version(self._attribute(found, "anchorhold_api", None))
        return found

    def attribute(self, name: str, otherwise: Any) -> Any:
        """An attribute of the class.

        Args:
            name: Its name.
            otherwise: What it is worth if the class has none.

        Raises:
            BackendLoadError: It cannot be read.
        """
        return self._attribute(self.loaded, name, otherwise)

    def _attribute(self, found: type[Any], name: str, otherwise: Any) -> Any:
        value, error = attempt(lambda: getattr(found, name, otherwise))
        if error is not None:
            raise BackendLoadError(
                f"{self}: the attribute {name} of its class cannot be read ({type(error).__name__})",
                hint="report this to its author",
            ) from error
        return value

    @property
    def handle_version(self) -> int:
        """The newest version of key handles that the class reads; 1 if it does not say.

        Raises:
            BackendContractError: It says something else than a version.
        """
        version = self.attribute("handle_version", 1)
        if not isinstance(version, int) or version < 1:
            shown, _ = attempt(lambda: repr(version))
            raise BackendContractError(
                f"{self}: handle_version is {shown or 'an object'}, not a whole number from 1 on",
                hint="report this to its author",
            )
        return version

    def _check_api_version(self, version: object) -> None:
        if version == API_VERSION:
            return
        if isinstance(version, int):
            behind = "anchorhold" if version > API_VERSION else self.distribution.split()[0]
            raise BackendContractError(
                f"{self}: was written for version {version} of the backend interface, not {API_VERSION}",
                hint=f"upgrade {behind}",
            )
        raise BackendContractError(
            f"{self}: does not say which version of the backend interface it was written for",
            hint=f"its author must add `anchorhold_api = {API_VERSION}` to the class",
        )


def entry_points(*, group: str) -> EntryPoints:
    """Those of a group, of all distributions that are installed."""
    return _read(group, _path()).points


def damaged(group: str) -> tuple[str, ...]:
    """Distributions whose entry points cannot be read, so that nobody knows what they offer; one sentence for each."""
    return _read(group, _path()).damaged


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read of a group.

    Attributes:
        points: Those that could be read.
        damaged: See `damaged`.
    """

    points: EntryPoints
    damaged: tuple[str, ...] = ()


def _path() -> tuple[tuple[str, float], ...]:
    return tuple((place, _changed(place)) for place in sys.path)


@lru_cache(len(_WORDS) + 1)  # and commands
def _read(group: str, _: tuple[tuple[str, float], ...]) -> _Found:
    """The same as long as no folder of the path changes: to read them is to open a file of every distribution."""
    found = attempt(lambda: metadata.entry_points(group=group))[0]
    return _Found(found) if found is not None else _one_by_one(group)


def _one_by_one(group: str) -> _Found:
    """Those of all distributions that can be read: a damaged one has nothing to do with the others."""
    seen: set[str] = set()
    found: list[EntryPoint] = []
    broken: dict[str, None] = {}
    for each in metadata.distributions():
        name, _ = attempt(lambda: each.name)  # noqa: B023
        if name is not None and name in seen:  # the first on the path hides the others
            continue
        points, error = attempt(lambda: tuple(each.entry_points.select(group=group)))  # noqa: B023
        found += points or ()
        if error is not None:
            broken[f"distribution {_named(each)}: its entry points cannot be read ({type(error).__name__})"] = None
        seen.update(() if name is None else (name,))
    return _Found(metadata.EntryPoints(found), tuple(broken))


def _named(each: Distribution) -> str:
    """Name and version; for one whose metadata cannot be read, those in the name of its folder."""
    told, _ = attempt(lambda: f"{each.name} {each.version}" if each.name and each.version else None)
    folder = Path(str(getattr(each, "_path", "") or "an unknown distribution"))
    return told or " ".join(folder.name.removesuffix(".dist-info").removesuffix(".egg-info").split("-", 1))


def _told(error: BaseException) -> str:
    """An exception of a stranger, whose text may be code that fails."""
    text, _ = attempt(lambda: str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _changed(place: str) -> float:
    """When something was last installed in a folder; 0 if there is none."""
    try:
        return Path(place).stat().st_mtime
    except OSError:
        return 0


def installed(group: str) -> list[Plugin]:
    """All backends or wrappers that are installed, by name."""
    return [Plugin(entry_point) for entry_point in sorted(entry_points(group=group), key=lambda found: found.name)]


def find(group: str, name: str, subject: str) -> Plugin:
    """The one installed backend or wrapper of that name.

    Args:
        group: `BACKENDS_GROUP` or `WRAPPERS_GROUP`.
        name: Backend type or name of the wrapper; with ``distribution:`` before it where several offer one.
        subject: Where in the settings the name stands, for the message.

    Raises:
        UnknownBackendError: None is installed, or several are.
    """
    owner, _, kind = name.rpartition(":")
    found = _distinct(point for point in entry_points(group=group) if point.name == kind)
    if owner:
        found = [plugin for plugin in found if _normal(plugin.distribution.split()[0]) == _normal(owner)]
    if len(found) == 1:
        return found[0]
    word = _WORDS[group]
    if found:
        owners = " and ".join(plugin.distribution for plugin in found)
        meant = f"{found[0].distribution.split()[0]}:{name}"
        raise UnknownBackendError(
            f"{subject}: {owners} both offer the {word} {name!r}",
            hint=f"uninstall one of them, or name the one that is meant, such as {meant!r}",
        )
    names = [plugin.name for plugin in installed(group)]
    hint, remedy = _advice(group, name, names)
    if unread := damaged(group):
        hint = f"reinstall the distribution that cannot be read ({unread[0]}), or {hint}"
    raise UnknownBackendError(f"{subject}: the {word} {name!r} is not installed", hint=hint, remedy=remedy)


def _normal(name: str) -> str:
    """The name of a distribution as all spellings of it are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _distinct(candidates: Iterable[EntryPoint]) -> list[Plugin]:
    """Drop what is found twice because one installation is on the path twice."""
    distinct = {(point.value, point.dist.name if point.dist else ""): Plugin(point) for point in candidates}
    return list(distinct.values())


def _advice(group: str, name: str, names: list[str]) -> tuple[str, Remedy | None]:
    if "." in name:  # a class, as other programs have it in their settings
        known = next((each for each in names if each in re.split(r"\W|_", name.lower())), None)
        what = f"write {known!r}" if known else "write one of those that are installed"
        return f"{what}, because a name is expected, not a class; installed: {', '.join(names) or 'none'}", None
    if group == WRAPPERS_GROUP:
        return suggestion(name, names, "install the distribution that offers it; installed: {}"), None
    if near := suggestion(name, names, otherwise=""):
        return near, None
    package, listed = name.rpartition(":")[0] or f"anchorhold-{name}", ", ".join(names) or "none"
    return (
        f"choose from what is installed ({listed}), or try to install {package}",
        Remedy("packages.install", {"requirement": package}),
    )
