"""The signer of a key in KMS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.hashes import Hash

from anchorhold.errors import BackendFailedError
from anchorhold.publickeys import HASHES
from anchorhold_aws_kms.kinds import digest_for, signing_algorithm, takes_raw

if TYPE_CHECKING:
    from anchorhold.publickeys import PublicKey
    from anchorhold.seam import Algorithm
    from anchorhold_aws_kms.keys import FoundKey
    from anchorhold_aws_kms.service import Service

LONGEST_MESSAGE: Final = 4096
"""Octets that KMS takes as they are (AWS KMS API Reference, ``Sign``); of longer messages it takes the digest."""


class KmsSigner:
    """A `Signer` (see `anchorhold.seam`). Threads may share it; it works in a forked child too.

    Args:
        service: KMS.
        key: The key.
        subject: What to call it in messages.
    """

    def __init__(self, service: Service, key: FoundKey, subject: str) -> None:
        self._service: Service | None = service
        self._key = key
        self._subject = subject
        self.public_key: PublicKey = key.public_key

    def __repr__(self) -> str:
        return f"<signer of {self._subject}>"

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """The signature over the whole message, in the form X.509 has it, which is that of KMS.

        Raises:
            KeyUnsupportedError: The key does not make such signatures; says which it makes.
            AnchorholdError: See `anchorhold_aws_kms.failures`.
        """
        if self._service is None:
            raise BackendFailedError(f"{self._subject}: the signer was closed", hint="load another one")
        name = signing_algorithm(algorithm, self._key.algorithms, self._subject)
        if takes_raw(name, algorithm) and len(message) <= LONGEST_MESSAGE:
            kind, data = "RAW", message
        else:
            kind, data = "DIGEST", digest_for(name, _digest(message, algorithm))
        answer = self._service.call(
            "sign", self._subject, KeyId=self._key.arn, Message=data, MessageType=kind, SigningAlgorithm=name
        )
        return bytes(answer["Signature"])

    def close(self) -> None:
        """Let go of KMS; the connections stay for whoever comes next."""
        self._service = None


def _digest(message: bytes, algorithm: Algorithm) -> bytes:
    hasher = Hash(HASHES[algorithm.hash or ""])
    hasher.update(message)
    return hasher.finalize()
