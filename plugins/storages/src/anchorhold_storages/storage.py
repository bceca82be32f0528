"""From a name under ``storages`` in the settings to a place for files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from anchorhold.errors import SettingsError
from anchorhold.seam import SecretReference
from anchorhold.settings.problems import first_problem
from anchorhold.suggestions import suggestion
from anchorhold_storages.local import LocalStorage
from anchorhold_storages.options import LocalOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Storage(Protocol):
    """A place for files. Paths are relative, with slashes."""

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is no such file."""

    def write_new(self, path: str, content: bytes) -> None:
        """Create a file; refuse to replace one."""

    def delete(self, path: str) -> bool:
        """Remove a file; False if it was not there."""


def storage_opener(name: str, storages: Mapping[str, Any], environment: Mapping[str, str]) -> Callable[[], Storage]:
    """Check the settings of a storage, and say how to open it; nothing is touched yet.

    Args:
        name: As in ``storage_alias``.
        storages: The section ``storages`` of the settings.
        environment: The variables that references in its options name.

    Raises:
        SettingsError: It is not configured, or its options are wrong.
    """
    try:
        settings = storages[name]
    except KeyError:
        raise SettingsError(
            f"storages: no storage {name!r} is configured", hint=suggestion(name, storages, "configured are: {}")
        ) from None
    subject = f"storage {name!r}"
    place, local = settings.backend, settings.backend in ("local", "file")
    if local or place.startswith("file://"):
        location = {} if local else {"location": place.removeprefix("file://")}
        return partial(LocalStorage, _local_options(name, {**location, **settings.options}), subject)
    if "://" not in place:
        raise SettingsError(
            f"storages.{name}.backend: {place!r} is neither 'local' nor an fsspec URL",
            hint="write for instance s3://bucket/folder",
        )
    return partial(_open_remote, place, settings.options, environment, subject)


def _open_remote(url: str, options: Mapping[str, Any], environment: Mapping[str, str], subject: str) -> Storage:
    from anchorhold_storages.remote import RemoteStorage

    return RemoteStorage(url, resolve_references(options, environment), subject)


def resolve_references(value: Any, environment: Mapping[str, str]) -> Any:
    """Options with every ``{ env = … }`` and ``{ file = … }`` replaced by the secret.

    Raises:
        SettingsError: A variable is not set, or a file cannot be read.
    """
    if isinstance(value, dict) and set(value) in ({"env"}, {"file"}):
        reference = SecretReference.parse(value)
        secret = reference.resolve(environment)
        if secret is None:
            raise SettingsError(f"storages: the variable {reference.place} is not set", hint="set it")
        return secret.reveal()
    if isinstance(value, dict):
        return {key: resolve_references(part, environment) for key, part in value.items()}
    if isinstance(value, list):
        return [resolve_references(part, environment) for part in value]
    return value


def _local_options(name: str, options: Mapping[str, Any]) -> LocalOptions:
    try:
        checked = LocalOptions.model_validate(options)
    except ValidationError as error:
        raise first_problem(error, LocalOptions, "settings", prefix=("storages", name, "options")) from None
    return checked.model_copy(update={"location": Path(checked.location).expanduser()})
