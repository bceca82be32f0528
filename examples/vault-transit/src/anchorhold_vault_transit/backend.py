"""The hooks of the backend ``vault-transit``. httpx is imported when a key is used, not for the help of a command."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from anchorhold.errors import InputError
from anchorhold.plugin import API_VERSION, CreatedKey, KeyHandle, OcspStore, hookimpl
from anchorhold_vault_transit import options as models
from anchorhold_vault_transit.key_kinds import CAPABILITIES, type_of

if TYPE_CHECKING:
    from anchorhold.plugin import (
        AddOption,
        BackendContext,
        CreateKeyRequest,
        FindKeyRequest,
        KeyRequest,
        Operation,
        Secrets,
        Signer,
    )
    from anchorhold_vault_transit.keys import FoundKey, Keys
    from anchorhold_vault_transit.server import Server

HANDLE_VERSION: Final = 1


class TransitBackend:
    """Makes keys in the transit engine, where they stay, and signs with them there.

    Args:
        options: Of the alias.
        context: Its name.
    """

    anchorhold_api = API_VERSION
    capabilities = CAPABILITIES
    handle_version = HANDLE_VERSION
    Options = models.Options

    def __init__(self, options: models.Options, context: BackendContext) -> None:
        self._options = options
        self._subject = f"key backend {context.alias!r}"

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """The token always; which key to adopt."""
        if operation == "adopt":
            add("key-name", help="Name of the key to adopt; its latest version is used.", scope="key")
        add("token", help="Token for the server; empty to clear the one in the settings.", secret=True)

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """Make a key whose name has the id in it."""
        kind = type_of(request.spec)
        return _created(self._keys(secrets).create(_name(request.key_id), kind))

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """Look at the key; what signs is in the server."""
        from anchorhold_vault_transit.signer import TransitSigner

        subject = f"{self._subject}, key of {request.ca.name!r}"
        keys, data = self._keys(secrets), request.handle.data
        return TransitSigner(keys, keys.load(data["name"], data["version"], subject), subject)

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """Look for a key by its id, or for the one to adopt."""
        name = request.options.get("key-name") if request.key_id is None else _name(request.key_id)
        if not isinstance(name, str) or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise InputError(f"{self._subject}: no key to adopt was named", hint="give --key-name, without slashes")
        found = self._keys(secrets).read(name)
        return () if found is None else (_created(found),)

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """Allow the deletion, and delete."""
        return self._keys(secrets).delete(request.handle.data["name"])

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Keys of OCSP responders need a token that is there without a person."""
        return OcspStore(unattended=frozenset({"token"}))

    def _keys(self, secrets: Secrets) -> Keys:
        from anchorhold_vault_transit.keys import Keys

        return Keys(self._server, secrets.require("token"))

    @cached_property
    def _server(self) -> Server:
        from anchorhold_vault_transit.server import Server

        return Server(self._options, self._subject)


def _name(key_id: bytes) -> str:
    return f"anchorhold-{key_id.hex()}"


def _created(key: FoundKey) -> CreatedKey:
    handle = KeyHandle(version=HANDLE_VERSION, data={"name": key.name, "version": key.version})
    return CreatedKey(handle=handle, public_key=key.public_key)
