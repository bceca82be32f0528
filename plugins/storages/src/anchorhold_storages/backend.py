"""The hooks of the backend ``storages``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from anchorhold.errors import InputError, KeyInvalidError
from anchorhold.plugin import OcspStore, Pkcs8Backend, hookimpl
from anchorhold_storages import options as models
from anchorhold_storages.storage import storage_opener

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorhold.plugin import (
        AddOption,
        BackendContext,
        KeyEntry,
        Operation,
        OptionValue,
        Secret,
        Secrets,
    )
    from anchorhold.public_keys import PublicKey
    from anchorhold_storages.storage import Storage


class StoragesBackend(Pkcs8Backend):
    """Keeps each key in a file ``<path>/<key id>.key`` of its storage.

    Args:
        options: Of the alias.
        context: Carries the section ``storages``.
    """

    handle_field = "path"
    Options = models.Options
    OcspOptions = models.OcspOptions

    def __init__(self, options: models.Options | models.OcspOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        self._options = options
        self._open = storage_opener(
            options.storage_alias, context.shared["storages"], context.environment, context.section
        )

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """A folder for new keys; a password for every key."""
        if operation in ("create", "import"):
            add(
                "path",
                help="Folder for the private key, relative to the storage.",
                scope="key",
                default=self._options.path,
            )
        super().add_cli_options(add, operation)

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Keys of OCSP responders have a separate folder, and random passwords unless the options say otherwise."""
        generated = frozenset({"password"}) if self._encrypts else frozenset()
        return OcspStore(options={"path": self._options.path}, generated=generated)

    def check_place(self) -> tuple[str, ...]:
        """Whether its storage is there, without a key: what protocol, packages, options and place allow.

        Returns:
            What could not be checked.

        Raises:
            PluginMissingError, SettingsError, BackendFailedError: It cannot be used.
        """
        return self._storage.check(self._options.path)

    def read(self, entry: KeyEntry) -> bytes | None:
        """The content of a file."""
        path = self._below(entry.name)
        return self._storage.read(path)

    def write_new(self, entry: KeyEntry, content: bytes) -> None:
        """Create a file."""
        self._storage.write_new(entry.name, content)

    def delete(self, entry: KeyEntry) -> bool:
        """Remove a file, and what is left of writing it."""
        path = self._below(entry.name)
        return self._storage.delete(path)

    def names(self, secrets: Secrets) -> Iterable[str]:
        """The paths of all key files in the storage, also those of other aliases."""
        return self._storage.key_files()

    def name_of(self, key_id: bytes, options: Mapping[str, OptionValue]) -> str:
        """The path of the file for a new key."""
        return f"{self._folder(options.get('path'))}/{key_id.hex()}.key"

    def describe(self, name: str) -> str:
        """A file, in messages."""
        return f"the file {name} in storage {self._options.storage_alias!r}"

    def public_key(self, entry: KeyEntry) -> PublicKey | None:
        """The public key in a file, also in one whose writing was interrupted."""
        from anchorhold.key_file import is_whole, public_key_of

        path = self._below(entry.name)
        content = self._storage.settle(path, is_whole)
        return None if content is None else public_key_of(content, entry.name)

    def new_password(self, secrets: Secrets) -> Secret | None:
        """None for keys of OCSP responders that are to be plain, also if a variable has a password for those of CAs."""
        return super().new_password(secrets) if self._encrypts else None

    @property
    def _encrypts(self) -> bool:
        return not isinstance(self._options, models.OcspOptions) or self._options.encrypt_private_key

    @cached_property
    def _storage(self) -> Storage:
        return self._open()

    def _below(self, path: str) -> str:
        """A path that may be that of a handle, which another host or the ledger has named.

        Raises:
            KeyInvalidError: It leads out of the storage.
        """
        if not models.BELOW.fullmatch(path):
            raise KeyInvalidError(
                f"{self.subject}: the path of a key {models.NOT_BELOW}", hint="find out who has recorded this key"
            )
        return path

    def _folder(self, given: object) -> str:
        if not isinstance(given, str):
            return self._options.path
        try:
            return models.relative_path(given)
        except ValueError as error:
            raise InputError(f"path {given!r}: {error}", hint="name a folder below the storage") from error
