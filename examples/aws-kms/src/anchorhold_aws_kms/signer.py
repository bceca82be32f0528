"""The signer of a key in KMS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.plugin import RemoteSigner
from anchorhold.public_keys import digest_of
from anchorhold_aws_kms.key_kinds import algorithms_of, digest_for, takes_raw

if TYPE_CHECKING:
    from anchorhold.plugin import Algorithm
    from anchorhold_aws_kms.keys import FoundKey
    from anchorhold_aws_kms.service import Service

MAX_MESSAGE_LENGTH: Final = 4096
"""Octets that KMS takes as they are (AWS KMS API Reference, ``Sign``); of longer messages it takes the digest."""


class KmsSigner(RemoteSigner["Service", str]):
    """Signs in KMS. Threads may share it; it works in a forked child too.

    Args:
        service: KMS.
        key: The key.
        subject: What to call it in messages.
    """

    def __init__(self, service: Service, key: FoundKey, subject: str) -> None:
        super().__init__(service, key.public_key, subject, algorithms_of(key.algorithms))
        self._arn = key.arn

    def request_signature(self, service: Service, message: bytes, algorithm: Algorithm, parameter: str) -> bytes:
        """Send the message if it is short, else its digest.

        Raises:
            AnchorholdError: See `anchorhold_aws_kms.error_messages`.
        """
        digest = digest_of(message, algorithm)
        if digest is None or (takes_raw(parameter, algorithm) and len(message) <= MAX_MESSAGE_LENGTH):
            kind, data = "RAW", message
        else:
            kind, data = "DIGEST", digest_for(parameter, digest)
        answer = service.call(
            "sign", self.subject, KeyId=self._arn, Message=data, MessageType=kind, SigningAlgorithm=parameter
        )
        return bytes(answer["Signature"])
