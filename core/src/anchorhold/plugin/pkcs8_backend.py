"""Base of key backends that keep private keys as octets: all hooks, above a store that reads, writes and deletes."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from anchorhold.errors import KeyMismatchError, KeyMissingError, OperationUnsupportedError
from anchorhold.plugin.capabilities import Capabilities
from anchorhold.plugin.hook_markers import API_VERSION, hookimpl
from anchorhold.plugin.inventory import KeyDescription, ListedKey
from anchorhold.plugin.requests import CreatedKey, KeyHandle, OcspStore
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorhold.plugin.requests import (
        AddOption,
        BackendContext,
        CreateKeyRequest,
        FindKeyRequest,
        ImportKeyRequest,
        KeyRequest,
        Operation,
        OptionValue,
        Secrets,
        Signer,
    )
    from anchorhold.public_keys import PublicKey
    from anchorhold.secret import Secret
    from anchorhold.software_keys import PrivateKey

_KEY_ID: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")
"""In a name: 20 octets, as core draws them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """Where the octets of one key are, or are to be.

    Attributes:
        name: From `Pkcs8Backend.name_of`, or from a handle.
        subject: The key in messages: ``key backend 'name', key of 'Root'``.
        secrets: By the names of the options, for a store that needs one.
    """

    name: str
    subject: str
    secrets: Secrets


class Pkcs8Backend(ABC):
    """A key backend above a store for octets.

    A subclass implements `read`, `write_new` and `delete`. The base generates keys, encrypts them with the password
    that the command or the settings give (PBES2, RFC 8018; see `anchorhold.pkcs8`), finds them without it, lends
    signers, imports and exports. It uses a key only if it is the one in the ledger.

    The octets are those of `anchorhold.key_file`: PKCS#8 (RFC 5958), then the public key, both in PEM.

    A subclass may override the other methods, too. A hook that is overridden is marked with `hookimpl` again; one that
    is set to None is not offered.

    Args:
        options: Of the alias, an instance of the model `Options` of the class.
        context: Names the alias.

    Attributes:
        handle_version: The version of new handles, and the newest that is read.
        handle_field: The member of the handle that has the name of the key.
        subject: The backend in messages: ``key backend 'name'``.
    """

    anchorhold_api: ClassVar[int] = API_VERSION
    capabilities: ClassVar[Capabilities] = Capabilities()
    handle_version: ClassVar[int] = 1
    handle_field: ClassVar[str] = "name"

    def __init__(self, options: Any, context: BackendContext) -> None:
        self.subject = f"key backend {context.alias!r}"

    @abstractmethod
    def read(self, entry: KeyEntry) -> bytes | None:
        """The octets under the name of an entry; None if there are none.

        Raises:
            BackendFailedError: The store cannot be reached, which is not the same as "none".
        """

    @abstractmethod
    def write_new(self, entry: KeyEntry, content: bytes) -> None:
        """Store octets under a new name: whole or not at all, and durable when this returns.

        Looking first and writing then is not enough, because another process may do the same in the meantime: use an
        operation that fails when something is there.

        Args:
            entry: A new one.
            content: A private key, which is not encrypted if no password was given.

        Raises:
            KeyExistsError: Something is stored under that name; it is left alone.
            BackendFailedError: They cannot be stored.
        """

    @abstractmethod
    def delete(self, entry: KeyEntry) -> bool:
        """Remove octets permanently, and all that is left of writing them.

        Returns:
            False if nothing was there.

        Raises:
            BackendFailedError: They may still be there.
        """

    def name_of(self, key_id: bytes, options: Mapping[str, OptionValue]) -> str:
        """The name of a new key; by default its id in hexadecimal.

        Args:
            key_id: Drawn by core. The name is made of it and of nothing else that changes.
            options: Of the request.
        """
        return key_id.hex()

    def names(self, secrets: Secrets) -> Iterable[str]:
        """The names of all keys in the store, with more if others use it too; by default it cannot be listed.

        Args:
            secrets: By the names of the options.

        Raises:
            OperationUnsupportedError: It cannot be listed.
            BackendFailedError: It cannot be reached.
        """
        raise OperationUnsupportedError(
            f"{self.subject}: does not list its keys", hint="look for them in the store itself"
        )

    def name_in(self, handle: KeyHandle) -> str:
        """The name that a handle has; to be overridden where an older version of handles has it elsewhere."""
        return str(handle.data[self.handle_field])

    def describe(self, name: str) -> str:
        """What is stored under a name, in messages such as "the entry 2a… is gone"."""
        return f"the entry {name}"

    def public_key(self, entry: KeyEntry) -> PublicKey | None:
        """The public half of a key, without its password; None if there is no key.

        Raises:
            KeyInvalidError: The content is not a key.
            BackendFailedError: The store cannot be reached.
        """
        from anchorhold.key_file import public_key_of

        content = self.read(entry)
        return None if content is None else public_key_of(content, f"{entry.subject}, {self.describe(entry.name)}")

    def new_password(self, secrets: Secrets) -> Secret | None:
        """What a new key is encrypted with; None leaves it plain."""
        return secrets.get("password")

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """A password for every key."""
        new = operation in ("create", "import")
        text = "Encrypt the private key with this password." if new else "Password of the private key."
        add("password", help=text, secret=True, scope="key")

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """Generate a key and store it."""
        from anchorhold import software_keys

        return self._store(software_keys.generate(request.spec), request, secrets)

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        """Store a key from elsewhere."""
        from anchorhold import pkcs8

        key = pkcs8.load_private_key(request.pkcs8.reveal_bytes(), None, "imported key")
        return self._store(key, request, secrets)

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """Load a key into memory."""
        from anchorhold.software_keys import SoftwareSigner

        return SoftwareSigner(self._load(request, secrets))

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        """Return a key as unencrypted PKCS#8."""
        from anchorhold import pkcs8

        return pkcs8.dump_pkcs8(self._load(request, secrets))

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """Look for the key with an id; its password is not needed.

        Raises:
            OperationUnsupportedError: There is no id, and a store of this kind has no keys of others.
        """
        if request.key_id is None:
            raise OperationUnsupportedError(
                f"{self.subject}: keeps only keys that it created, so no key can be adopted",
                hint="import the key from a file",
                remedy=Remedy("authorities.import_"),
            )
        name = self.name_of(request.key_id, request.options)
        public_key = self.public_key(KeyEntry(name=name, subject=self.subject, secrets=secrets))
        return () if public_key is None else (self._created(name, public_key),)

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        """What the store has under names that end in a key id, as `name_of` makes them."""
        found = ((name, _KEY_ID.findall(name)) for name in self.names(secrets))
        return tuple(ListedKey(name=self.describe(name), key_id=bytes.fromhex(ids[-1])) for name, ids in found if ids)

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        """Octets can be copied by everybody who may read them, and do not tell where they were made.

        Raises:
            KeyMissingError: The key is gone.
        """
        entry = self._entry(self.name_in(request.handle), request, secrets)
        _content(self, entry)
        return KeyDescription(place=self.describe(entry.name), can_leave=True)

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """Remove a key."""
        return self.delete(self._entry(self.name_in(request.handle), request, secrets))

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Keys of OCSP responders have random passwords, which core keeps in the ledger."""
        return OcspStore(generated=frozenset({"password"}))

    def _store(self, key: PrivateKey, request: CreateKeyRequest | ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        from anchorhold.key_file import key_file

        name = self.name_of(request.key_id, request.options)
        self.write_new(self._entry(name, request, secrets), key_file(key, self.new_password(secrets)))
        return self._created(name, key.public_key())

    def _load(self, request: KeyRequest, secrets: Secrets) -> PrivateKey:
        """The private key, which is proven to be the one in the ledger.

        Raises:
            KeyMissingError: It is gone.
            KeyMismatchError: Another key is in its place.
            KeyInvalidError, SecretMissingError, SecretWrongError: See `anchorhold.pkcs8.load_private_key`.
        """
        from anchorhold import pkcs8
        from anchorhold.public_keys import spki

        entry = self._entry(self.name_in(request.handle), request, secrets)
        content = _content(self, entry)
        password = secrets.require("password") if pkcs8.is_encrypted(content) else None
        key = pkcs8.load_private_key(content, password, entry.subject)
        if spki(key.public_key()) != spki(request.public_key):
            raise KeyMismatchError(f"{_place(self, entry)} holds another key", hint="restore it from a backup")
        return key

    def _entry(
        self, name: str, request: CreateKeyRequest | ImportKeyRequest | KeyRequest, secrets: Secrets
    ) -> KeyEntry:
        return KeyEntry(name=name, subject=f"{self.subject}, key of {request.ca.name!r}", secrets=secrets)

    def _created(self, name: str, public_key: PublicKey) -> CreatedKey:
        handle = KeyHandle(version=self.handle_version, data={self.handle_field: name})
        return CreatedKey(handle=handle, public_key=public_key)


def _content(backend: Pkcs8Backend, entry: KeyEntry) -> bytes:
    """The octets of a key. No method: subclasses of others may have one of any name.

    Raises:
        KeyMissingError: There are none.
    """
    content = backend.read(entry)
    if content is None:
        raise KeyMissingError(f"{_place(backend, entry)} is gone", hint="restore it from a backup")
    return content


def _place(backend: Pkcs8Backend, entry: KeyEntry) -> str:
    return f"{entry.subject}: {backend.describe(entry.name)}"
