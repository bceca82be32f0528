"""A backend that needs no secret to make a key: it seals keys to a public key, and the password is for opening them.

As with `contract.file_backend`, nothing but a test may protect keys so.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from anchorhold import pkcs8
from anchorhold.errors import SecretWrongError
from anchorhold.plugin import hookimpl
from anchorhold.public_keys import spki
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from anchorhold.plugin import AddOption, Operation, Secret, Secrets

PASSWORD = "correct horse battery"
_NONCE = bytes(12)
_PUBLIC = 32
"""Octets of a public key (RFC 7748, section 6.1)."""


def _opener(password: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(hashlib.sha256(password).digest())


RECIPIENT = _opener(PASSWORD.encode()).public_key().public_bytes_raw()
"""What keys are sealed to; in an option of the settings, if this were not a test."""


class SealedToRecipient(FileBackend):
    """Keeps the contract as well."""

    ocsp_store: Any = None

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """A password to use keys."""
        if operation == "use":
            add("password", help="Password of the private key.", secret=True, scope="alias")
        if operation == "adopt":
            add("file-id", help="Id of the key to adopt.", scope="key")

    def sealed(self, key: Any, password: Secret | None) -> dict[str, str]:
        """To the recipient, whatever password is given."""
        sender = X25519PrivateKey.generate()
        shared = sender.exchange(X25519PublicKey.from_public_bytes(RECIPIENT))
        sealed = AESGCM(shared).encrypt(_NONCE, pkcs8.dump_pkcs8(key).reveal_bytes(), None)
        sender_public = sender.public_key().public_bytes_raw()
        return {"public": spki(key.public_key()).hex(), "sealed": (sender_public + sealed).hex(), "nonce": _NONCE.hex()}

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        """By the recipient."""
        sealed = bytes.fromhex(content["sealed"])
        shared = _opener(secrets.require("password").reveal_bytes()).exchange(
            X25519PublicKey.from_public_bytes(sealed[:_PUBLIC])
        )
        try:
            return AESGCM(shared).decrypt(_NONCE, sealed[_PUBLIC:], None)
        except InvalidTag:
            raise SecretWrongError(f"{self.subject}: the password is wrong", hint="give the right one") from None
