"""The signer of a key in the transit engine."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from anchorhold.plugin import RemoteSigner
from anchorhold.public_keys import digest_of, spec_of
from anchorhold_vault_transit.key_kinds import algorithms_of

if TYPE_CHECKING:
    from anchorhold.plugin import Algorithm
    from anchorhold_vault_transit.keys import FoundKey, Keys


class TransitSigner(RemoteSigner["Keys", dict[str, Any]]):
    """Signs in the engine. Threads may share it; it works in a forked child too.

    It keeps the token, as a `Secret`, until it is closed.

    Args:
        keys: Where the key is.
        key: The key.
        subject: What to call it in messages.
    """

    def __init__(self, keys: Keys, key: FoundKey, subject: str) -> None:
        super().__init__(keys, key.public_key, subject, algorithms_of(spec_of(key.public_key)))
        self._key = key

    def request_signature(
        self, service: Keys, message: bytes, algorithm: Algorithm, parameter: dict[str, Any]
    ) -> bytes:
        """Send the digest of the message, or for Ed25519 all of it.

        Raises:
            AnchorholdError: See `anchorhold_vault_transit.server`.
        """
        digest = digest_of(message, algorithm)
        octets = message if digest is None else digest
        return service.sign(self._key, {"input": base64.b64encode(octets).decode(), **parameter}, self.subject)
