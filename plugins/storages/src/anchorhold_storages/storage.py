"""From a name under ``storages`` in the settings to a place for files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from pydantic import ValidationError

from anchorhold.errors import PluginMissingError, SettingsError
from anchorhold.remedy import Remedy
from anchorhold.settings.validation_errors import first_error
from anchorhold.suggestions import suggestion
from anchorhold_storages.local import LocalStorage
from anchorhold_storages.options import LocalOptions, RemoteOptions, S3Options, Section, SftpOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchorhold.settings import StorageSettings

S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Files elsewhere: the model of the options, the class (imported when a key is used), the extra it needs."""

    options: type[Section]
    target: str
    extra: str = ""


_S3 = _Kind(S3Options, "anchorhold_storages.s3:S3Storage", "s3")
_SFTP = _Kind(SftpOptions, "anchorhold_storages.sftp:SftpStorage", "sftp")
_ANY = _Kind(RemoteOptions, "anchorhold_storages.remote:RemoteStorage")
_LOCAL = ("local", "file")
_KINDS = {"s3": _S3, "s3a": _S3, "sftp": _SFTP, "ssh": _SFTP}
"""File systems that need more than fsspec promises of all of them."""
NO_KEY: Final = f"{bytes(16).hex()}.key"
"""The name of a file that is no key's: when it is asked for, it is the answer that counts."""
UNTRIED: Final = "whether files can be written there could not be checked"
"""Where finding out would make one."""


class Storage(Protocol):
    """A place for files. Paths are relative, with slashes."""

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is no such file."""

    def check(self, folder: str) -> tuple[str, ...]:
        """Find out whether files can be read and made in a folder; nothing is made.

        Returns:
            What could not be checked, in sentences.
        """

    def settle(self, path: str, is_whole: Callable[[bytes], bool]) -> bytes | None:
        """The content of a file, also of one whose writing was interrupted before it had its name.

        What arrived whole is given its name; what did not is removed.

        Args:
            path: Of the file.
            is_whole: Whether this is the content of a file and no part of one.
        """

    def key_files(self) -> list[str]:
        """The paths of all files that are named like a key, in order."""

    def write_new(self, path: str, content: bytes) -> None:
        """Create a file; refuse to replace one."""

    def delete(self, path: str) -> bool:
        """Remove a file, and all that is left of writing it; False if it was not there."""


def storage_opener(
    name: str, storages: Mapping[str, Any], environment: Mapping[str, str], wanted_by: str
) -> Callable[[], Storage]:
    """Check the settings of a storage, and say how to open it; nothing is touched yet.

    Args:
        name: As in ``storage_alias``.
        storages: The section ``storages`` of the settings.
        environment: The variables that references in its options name.
        wanted_by: The key of the settings that names it, for the message.

    Raises:
        SettingsError: It is not configured, or its options are wrong.
    """
    try:
        settings = storages[name]
    except KeyError:
        raise SettingsError(
            f"{wanted_by}: no storage {name!r} is configured",
            hint=f"name one as its option storage_alias; {suggestion(name, storages, 'configured: {}')}",
        ) from None
    place = settings.backend
    if place in _LOCAL:
        return _local(name, settings)
    if "::" in place:
        raise SettingsError(
            f"storages.{name}.backend: chained file systems may keep copies of keys elsewhere",
            hint="name the file system itself, for example s3://bucket/folder",
        )
    protocol, separator, folder = place.partition("://")
    if not separator:
        raise _no_place(name, place)
    if protocol in _LOCAL:
        return _local(name, settings, _folder_in_url(name, place, folder))
    return _remote(name, settings, environment)


def _local(name: str, settings: StorageSettings, folder: str = "") -> Callable[[], Storage]:
    if folder and "location" in settings.options:
        raise SettingsError(
            f"storages.{name}: both its backend and its option location name a folder",
            hint='write backend = "local", and the folder as location',
        )
    options = _checked(name, LocalOptions, {**({"location": folder} if folder else {}), **settings.options})
    options = options.model_copy(update={"location": Path(options.location).expanduser()})
    return partial(LocalStorage, options, _subject(name))


def _folder_in_url(name: str, url: str, folder: str) -> str:
    """The folder that a URL such as ``local:///folder`` names; empty if its options do.

    Raises:
        SettingsError: It is relative, so nobody could tell to what.
    """
    if folder and not Path(folder).expanduser().is_absolute():
        raise SettingsError(
            f"storages.{name}.backend: {url!r} names no absolute path",
            hint='write local:///folder with three slashes, or backend = "local" and the folder as its option location',
        )
    return folder


def _no_place(name: str, place: str) -> SettingsError:
    """What else people write: a path, or the class that Django or fsspec has."""
    if place.startswith(("/", "~", ".")):
        hint = f'write backend = "local" and options = {{ location = "{place}" }}'
    elif "." in place:
        hint = 'write backend = "local" for files on this machine, or for example s3://bucket/folder'
    else:
        hint = "write for example s3://bucket/folder"
    return SettingsError(f"storages.{name}.backend: {place!r} is neither 'local' nor an fsspec URL", hint=hint)


def _remote(name: str, settings: StorageSettings, environment: Mapping[str, str]) -> Callable[[], Storage]:
    kind = _KINDS.get(settings.backend.partition("://")[0], _ANY)
    options = _checked(name, kind.options, settings.options)

    def open_storage() -> Storage:
        module, _, storage = kind.target.partition(":")
        try:
            make = getattr(import_module(module), storage)
        except ImportError as missing:
            raise PluginMissingError(
                f"{_subject(name)}: needs the package {missing.name}, which cannot be imported",
                hint="install it",
                remedy=Remedy("packages.install", {"requirement": f"anchorhold-storages[{kind.extra}]"}),
            ) from missing
        opened: Storage = make(settings.backend, options, environment, _subject(name))
        return opened

    return open_storage


def _subject(name: str) -> str:
    return f"storage {name!r}"


def _checked(name: str, model: type[S], options: Mapping[str, Any]) -> S:
    try:
        return model.model_validate(options)
    except ValidationError as error:
        raise first_error(error, model, "settings", prefix=("storages", name, "options")) from None
