"""From a name under ``storages`` in the settings to a place for files."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from anchorhold.errors import SettingsError
from anchorhold.seam import SecretReference
from anchorhold.settings.problems import first_problem
from anchorhold_storages.local import LocalStorage
from anchorhold_storages.options import LocalOptions

if TYPE_CHECKING:
    from collections.abc import Mapping


class Storage(Protocol):
    """A place for files. Paths are relative, with slashes."""

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is no such file."""

    def write_new(self, path: str, content: bytes) -> None:
        """Create a file; refuse to replace one."""

    def delete(self, path: str) -> bool:
        """Remove a file; False if it was not there."""


def open_storage(name: str, storages: Mapping[str, Any]) -> Storage:
    """The storage of that name.

    Args:
        name: As in ``storage_alias``.
        storages: The section ``storages`` of the settings.

    Raises:
        SettingsError: It is not configured, or its options are wrong.
        BackendFailedError: Its file system cannot be opened.
    """
    try:
        settings = storages[name]
    except KeyError:
        near = difflib.get_close_matches(name, storages, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"configured are: {', '.join(storages) or 'none'}"
        raise SettingsError(f"storages: no storage {name!r} is configured", hint=hint) from None
    subject = f"storage {name!r}"
    if settings.backend in ("local", "file"):
        return LocalStorage(_local_options(name, settings.options), subject)
    if settings.backend.startswith("file://"):
        location = {"location": settings.backend.removeprefix("file://")}
        return LocalStorage(_local_options(name, {**location, **settings.options}), subject)
    if "://" not in settings.backend:
        raise SettingsError(
            f"storages.{name}.backend: {settings.backend!r} is neither 'local' nor an fsspec URL",
            hint="write for instance s3://bucket/folder",
        )
    from anchorhold_storages.remote import RemoteStorage

    return RemoteStorage(settings.backend, resolve_references(settings.options), subject)


def resolve_references(value: Any) -> Any:
    """Options with every ``{ env = … }`` and ``{ file = … }`` replaced by the secret.

    Raises:
        SettingsError: A variable is not set, or a file cannot be read.
    """
    if isinstance(value, dict) and set(value) in ({"env"}, {"file"}):
        reference = SecretReference.parse(value)
        secret = reference.resolve(os.environ)
        if secret is None:
            raise SettingsError(f"storages: the variable {reference.place} is not set", hint="set it")
        return secret.reveal()
    if isinstance(value, dict):
        return {key: resolve_references(part) for key, part in value.items()}
    return value


def _local_options(name: str, options: Mapping[str, Any]) -> LocalOptions:
    try:
        checked = LocalOptions.model_validate(options)
    except ValidationError as error:
        raise first_problem(error, LocalOptions, "settings", prefix=("storages", name, "options")) from None
    return checked.model_copy(update={"location": Path(checked.location).expanduser()})
