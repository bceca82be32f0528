"""The hooks of the backend ``hsm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.plugin import API_VERSION, Capabilities, OcspStore, hookimpl
from anchorhold_hsm import options as models
from anchorhold_hsm.creation_turn import creation_turn
from anchorhold_hsm.handles import HANDLE_VERSION

if TYPE_CHECKING:
    from anchorhold.plugin import (
        AddOption,
        BackendContext,
        CreatedKey,
        CreateKeyRequest,
        FindKeyRequest,
        ImportKeyRequest,
        KeyDescription,
        KeyRequest,
        ListedKey,
        Operation,
        Secrets,
        Signer,
    )
    from anchorhold_hsm.key_store import TokenKeyStore


class HsmBackend:
    """Makes keys in a token, where they stay, and signs with them there. There is no `export_key`.

    Args:
        options: Of the alias.
        context: Its name, the folder of the settings, and the memory of refused PINs.
    """

    anchorhold_api = API_VERSION
    capabilities = Capabilities()
    handle_version = HANDLE_VERSION
    Options = models.Options
    OcspOptions = models.OcspOptions

    def __init__(self, options: models.Options, context: BackendContext) -> None:
        self._options = options
        self._alias = context.alias
        self._refused_secrets = context.refused_secrets
        self._folder = context.folder

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """The PINs always; what describes a key where one is made or adopted."""
        if operation in ("create", "import"):
            add("key-label", help="Label of the key on the token (default: the name of the CA).", scope="key")
        if operation == "adopt":
            add("key-label", help="Label of the key to adopt.", scope="key")
            add("key-id", help="CKA_ID of the key to adopt, in hexadecimal.", scope="key")
            add("key-uri", help="PKCS#11 URI (RFC 7512) of the key to adopt.", scope="key")
        add("user-pin", help="User PIN of the token; an empty value ignores the one in the settings.", secret=True)
        add("so-pin", help="Security officer PIN of the token, instead of the user PIN.", secret=True)

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """Make a key pair in the token."""
        with creation_turn(self._folder):
            return self._key_store(secrets).create(request)

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        """Put a key that was made elsewhere into the token."""
        with creation_turn(self._folder):
            return self._key_store(secrets).import_key(request)

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """Find the key; the signer finds it again whenever it has to."""
        return self._key_store(secrets).signer(request)

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """Look for a key by its id, or by what the options say."""
        return self._key_store(secrets).find(request)

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        """All private keys of the token that the PIN shows, those of other programs too."""
        return self._key_store(secrets).list()

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        """What the token says of the key (CKA_LOCAL, CKA_EXTRACTABLE)."""
        return self._key_store(secrets).describe(request)

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """Destroy both halves of a key."""
        return self._key_store(secrets).delete(request)

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Keys of OCSP responders need the user PIN, which must be there without a person."""
        return OcspStore(options={"key-label": None}, unattended=frozenset({"user-pin"}))

    def check_place(self) -> tuple[str, ...]:
        """Whether the module can be loaded and has the token; nobody logs in.

        Returns:
            What could not be checked.

        Raises:
            AnchorholdError: No key can be used there.
        """
        from anchorhold_hsm.pins import NO_CREDENTIAL
        from anchorhold_hsm.token_client import TokenClient

        TokenClient(self._alias, self._options, NO_CREDENTIAL).check_token()
        return (f"key backend {self._alias!r}: its PIN could not be checked, because a wrong one may lock the token",)

    def _key_store(self, secrets: Secrets) -> TokenKeyStore:
        from anchorhold_hsm.key_store import TokenKeyStore

        return TokenKeyStore(self._alias, self._options, secrets, self._refused_secrets)
