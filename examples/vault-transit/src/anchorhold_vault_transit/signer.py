"""The signer of a key in the transit engine."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.hashes import Hash

from anchorhold.errors import BackendFailedError, KeyUnsupportedError
from anchorhold.publickeys import HASHES, spec_of
from anchorhold_vault_transit import kinds

if TYPE_CHECKING:
    from anchorhold.publickeys import PublicKey
    from anchorhold.seam import Algorithm
    from anchorhold_vault_transit.keys import FoundKey, Keys


class TransitSigner:
    """A `Signer` (see `anchorhold.seam`). Threads may share it; it works in a forked child too.

    It keeps the token, as a `Secret`, until it is closed.

    Args:
        keys: Where the key is.
        key: The key.
        subject: What to call it in messages.
    """

    def __init__(self, keys: Keys, key: FoundKey, subject: str) -> None:
        self._keys: Keys | None = keys
        self._key = key
        self._subject = subject
        self._schemes = kinds.SCHEMES[spec_of(key.public_key).type]
        self.public_key: PublicKey = key.public_key

    def __repr__(self) -> str:
        return f"<signer of {self._subject}>"

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """The signature over the whole message, in the form X.509 has it.

        Raises:
            KeyUnsupportedError: The key does not sign like this; says how it does.
            AnchorholdError: See `anchorhold_vault_transit.server`.
        """
        if self._keys is None:
            raise BackendFailedError(f"{self._subject}: the signer was closed", hint="load another one")
        offered = algorithm.hash in kinds.HASHES or algorithm.scheme == "ed25519"
        if algorithm.scheme not in self._schemes or not offered:
            raise KeyUnsupportedError(
                f"{self._subject}: does not sign with {algorithm}",
                hint=f"choose {' or '.join(self._schemes)}, with one of {', '.join(kinds.HASHES)}",
            )
        return self._keys.sign(self._key, _payload(message, algorithm), self._subject)

    def close(self) -> None:
        """Forget the token."""
        self._keys = None


def _payload(message: bytes, algorithm: Algorithm) -> dict[str, Any]:
    """What is asked for. Of a message the digest is sent, for a CRL may be larger than the server takes."""
    if algorithm.hash is None:
        return {"input": _base64(message)}
    hasher = Hash(HASHES[algorithm.hash])
    hasher.update(message)
    payload = {
        "input": _base64(hasher.finalize()),
        "prehashed": True,
        "hash_algorithm": kinds.HASHES[algorithm.hash],
        "marshaling_algorithm": "asn1",
    }
    if algorithm.scheme in kinds.PADDINGS:
        payload["signature_algorithm"] = kinds.PADDINGS[algorithm.scheme]
    if algorithm.scheme == "rsa-pss":
        payload["salt_length"] = "hash"  # X.509 wants it so; the engine's own choice is as long as possible
    return payload


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
