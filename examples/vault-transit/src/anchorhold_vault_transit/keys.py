"""Keys in the transit engine: made, read, found, destroyed."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from anchorhold.errors import BackendFailedError, KeyExistsError, KeyMissingError, KeyUnsupportedError
from anchorhold.public_keys import check_strength

if TYPE_CHECKING:
    from anchorhold.plugin import Secret
    from anchorhold.public_keys import PublicKey
    from anchorhold_vault_transit.server import Server

_SIGNING: Final = ("ecdsa-", "rsa-", "ed25519")


@dataclass(frozen=True, slots=True)
class FoundKey:
    """One version of a key.

    Attributes:
        name: Of the key.
        version: Versions are keys of their own; rotating a key in the engine adds one, and this stays.
        public_key: Its public half.
    """

    name: str
    version: int
    public_key: PublicKey


class Keys:
    """The keys below one mount.

    Args:
        server: The server.
        token: For it.
    """

    def __init__(self, server: Server, token: Secret) -> None:
        self._server = server
        self._token = token

    def create(self, name: str, kind: str) -> FoundKey:
        """Make a key that never leaves the engine.

        Raises:
            KeyExistsError: The name is taken; the engine itself would say nothing.
        """
        if self.read(name) is not None:
            raise KeyExistsError(f"{self._server.subject}: has a key {name} already", hint="use anchorhold recover")
        payload = {"type": kind, "exportable": False, "allow_plaintext_backup": False}
        self._server.request("POST", f"keys/{name}", self._token, payload)
        made = self.read(name)
        if made is None:
            raise BackendFailedError(
                f"{self._server.subject}: the new key {name} is not there", hint="use anchorhold recover in a minute"
            )
        return made

    def read(self, name: str, version: int | None = None) -> FoundKey | None:
        """A version of a key, by default the latest; None if there is none such.

        Raises:
            KeyUnsupportedError: It is a key for other things than signatures.
        """
        try:
            data = self._server.request("GET", f"keys/{name}", self._token)
        except LookupError:
            return None
        if not str(data["type"]).startswith(_SIGNING) or data.get("derived"):
            raise KeyUnsupportedError(
                f"{self._server.subject}: {name} is a key of the type {data['type']}, not one for signatures",
                hint="use an ecdsa, rsa or ed25519 key that is not derived",
            )
        number = version or max(map(int, data["keys"]))
        found = data["keys"].get(str(number))
        return None if found is None else FoundKey(name, number, self._public_key(found, f"{name}, version {number}"))

    def load(self, name: str, version: int, subject: str) -> FoundKey:
        """The same, which must be there.

        Raises:
            KeyMissingError: It is not.
        """
        found = self.read(name, version)
        if found is None:
            raise KeyMissingError(
                f"{subject}: version {version} of the key {name} is not in {self._server.subject}",
                hint="restore it from a backup, or correct address, mount and namespace",
            )
        return found

    def delete(self, name: str) -> bool:
        """Destroy a key with all of its versions; False if it was not there."""
        if self.read(name) is None:
            return False
        self._server.request("POST", f"keys/{name}/config", self._token, {"deletion_allowed": True})
        self._server.request("DELETE", f"keys/{name}", self._token)
        return True

    def sign(self, key: FoundKey, payload: dict[str, Any], subject: str) -> bytes:
        """A signature by that version of a key.

        Raises:
            KeyMissingError: It is gone.
        """
        try:
            data = self._server.request(
                "POST", f"sign/{key.name}", self._token, {**payload, "key_version": key.version}
            )
        except LookupError:
            raise KeyMissingError(f"{subject}: the key {key.name} is gone", hint="restore it from a backup") from None
        prefix, _, encoded = str(data.get("signature")).rpartition(":")
        if prefix != f"vault:v{key.version}":
            raise BackendFailedError(
                f"{subject}: the server answered with a signature by another version", hint="ask who runs the server"
            )
        return base64.b64decode(encoded)

    def _public_key(self, found: dict[str, str], what: str) -> PublicKey:
        """PEM; of Ed25519 keys the 32 octets in base64."""
        text = found["public_key"]
        pem = text.startswith("-----BEGIN")
        key: object = (
            load_pem_public_key(text.encode()) if pem else Ed25519PublicKey.from_public_bytes(base64.b64decode(text))
        )
        return check_strength(key, f"{self._server.subject}, {what}")
