"""Which classes of fsspec may keep keys, and which options they would ignore silently.

A class that writes to the local disk makes files that everybody may read, and one that hands on to another class hides
where a key goes. `AbstractFileSystem` takes any option, misspelt ones too, and forgets it.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from fsspec.archive import AbstractArchiveFileSystem
from fsspec.dircache import DirCache
from fsspec.generic import GenericFileSystem
from fsspec.implementations.cached import CachingFileSystem
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.reference import ReferenceFileSystem
from fsspec.spec import AbstractFileSystem

from anchorhold.errors import SettingsError
from anchorhold.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_HANDING_ON: Final = (
    CachingFileSystem,
    DirFileSystem,
    GenericFileSystem,
    ReferenceFileSystem,
    AbstractArchiveFileSystem,
)
"""Classes that keep copies, or that write where another URL or class says."""
_HANDING_ON_NAMES: Final = frozenset({"ChainedFileSystem", "AsyncFileSystemWrapper", "ArrowFSWrapper"})
"""The same; older versions of fsspec have not all of them, and importing some needs other packages."""
_FORGETFUL: Final = ("adlfs.",)
"""Packages whose classes keep what else they are given, and never look at it."""
_OF_ALL: Final = frozenset({"asynchronous", "auto_mkdir", "batch_size", "loop", "max_concurrency"})
"""Options that the base classes take out of what they are given."""


_PARSING: Final = Lock()
"""Held while sources are parsed: in several threads at once that fails in Python 3.11 ("recursion depth mismatch")."""


def check_class(kind: type[Any], subject: str) -> None:
    """Refuse a class whose files would not be ours to protect.

    Args:
        kind: Of fsspec.
        subject: The key of the settings that names it.

    Raises:
        SettingsError: It writes to the local disk, or hands on to another class.
    """
    ancestors = {ancestor.__name__ for ancestor in kind.__mro__}
    if issubclass(kind, _HANDING_ON) or (ancestors & _HANDING_ON_NAMES and "HadoopFileSystem" not in ancestors):
        raise SettingsError(
            f"{subject}: a chained file system may keep copies of keys elsewhere",
            hint="name the file system itself, for example s3://bucket/folder",
        )
    if issubclass(kind, LocalFileSystem) or getattr(kind, "local_file", False) or "Local" in kind.__name__:
        raise SettingsError(
            f"{subject}: writes to the local disk, where other users may read its files",
            hint='write backend = "local" and options = { location = "/folder" }, which has modes',
        )


def check_options(
    kind: type[Any], given: Collection[str], subject: str, rest: Callable[..., Any] | None = None
) -> None:
    """Refuse options that a class would drop.

    Args:
        kind: Of fsspec.
        given: Names of options.
        subject: The key of the settings they stand under.
        rest: What takes whatever the class does not name, if that is known.

    Raises:
        SettingsError: One of them has no effect.
    """
    with _PARSING:
        known, open_ended = _known_options(kind)
    if rest is not None:
        known, open_ended = known | {*_named(rest)}, False
    unknown = [] if open_ended else sorted(set(given) - known)
    if unknown:
        raise SettingsError(
            f"{subject}.{unknown[0]}: {kind.__name__} has no such option, and would ignore it silently",
            hint=suggestion(unknown[0], sorted(known), "it has: {}"),
        )


def _known_options(kind: type[Any]) -> tuple[frozenset[str], bool]:
    """The options that a class and those above it name, and whether one of them uses whatever else it is given."""
    known: set[str] = set(_OF_ALL) | {*_named(DirCache.__init__), "skip_instance_cache"}
    for ancestor in kind.__mro__:
        if ancestor in (AbstractFileSystem, object):
            break
        method = ancestor.__dict__.get("__init__")
        if method is None:
            continue
        known.update(_named(method))
        rest = _rest(method)
        if rest is None:
            break
        taken, uses = _taken(method, rest)
        known.update(taken)
        if uses and not kind.__module__.startswith(_FORGETFUL):
            return frozenset(known), True
    return frozenset(known), False


def _named(method: Any) -> Iterator[str]:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return (each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY))


def _rest(method: Any) -> str | None:
    """The name of its ``**kwargs``."""
    parameters = inspect.signature(method).parameters.values()
    return next((each.name for each in parameters if each.kind is each.VAR_KEYWORD), None)


def _taken(method: Any, rest: str) -> tuple[set[str], bool]:
    """What a constructor takes by name out of its ``**kwargs``, and whether it does anything else with them.

    To hand them to the class above is nothing else.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    except (OSError, TypeError, SyntaxError):  # without its source, nobody can tell
        return set(), True
    names, harmless = set(), set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="__init__"), keywords=keywords):
                harmless |= {id(keyword.value) for keyword in keywords if keyword.arg is None}
            case (
                ast.Call(
                    func=ast.Attribute(value=ast.Name() as used, attr="get" | "pop"),
                    args=[ast.Constant(value=str(name)), *_],
                )
                | ast.Subscript(value=ast.Name() as used, slice=ast.Constant(value=str(name)))
            ):
                names.add((used.id, name))
                harmless.add(id(used))
    left = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == rest)
    return {name for owner, name in names if owner == rest}, any(id(node) not in harmless for node in left)
