"""Base of signers whose private key stays in a service on the network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from anchorhold.errors import BackendFailedError, KeyUnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.algorithms import Algorithm
    from anchorhold.public_keys import PublicKey

S = TypeVar("S")
"""What reaches the service."""
P = TypeVar("P")
"""How the service is told the algorithm: a name, or parameters of the request."""


class RemoteSigner(ABC, Generic[S, P]):
    """A `Signer` that asks a service for each signature.

    A subclass implements `request_signature`. The base looks the algorithm up in the table of what the key signs with,
    refuses what is not in it, holds the public key, so that no signature costs a second request, and forgets the
    service when it is closed. Threads share a signer if they may share the service.

    `request_signature` is not told the deadline or what it signs. A subclass that wants to know adds ``sign_request``
    (see `Signer`), which core calls instead of `sign`; `service_for` is for that, and for `BackendSpec.sign_batch`.

    Args:
        service: What reaches the service, often a `RemoteService`. It may hold a token: it is forgotten by `close`.
        public_key: The public half, as the service has it.
        subject: The key in messages: ``key backend 'kms', key of 'Root'``.
        algorithms: All that this key signs with, each with the service's own form of it.
    """

    def __init__(self, service: S, public_key: PublicKey, subject: str, algorithms: Mapping[Algorithm, P]) -> None:
        self._service: S | None = service
        self._algorithms = algorithms
        self.public_key = public_key
        self.subject = subject

    def __repr__(self) -> str:
        return f"<signer of {self.subject}>"

    @abstractmethod
    def request_signature(self, service: S, message: bytes, algorithm: Algorithm, parameter: P) -> bytes:
        """Ask the service for a signature.

        Args:
            service: As it was given to the signer.
            message: The whole message. For a service that takes digests, see `anchorhold.public_keys.digest_of`.
            algorithm: One of the table.
            parameter: What the table has for it.

        Returns:
            The signature in the form that X.509 has; see `Signer.sign`.

        Raises:
            AnchorholdError: The service did not sign.
        """

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """The signature over the whole message, in the form that X.509 has.

        Raises:
            KeyUnsupportedError: The key does not sign like this; the hint says how it does.
            BackendFailedError: The signer was closed.
            AnchorholdError: The service did not sign.
        """
        service, parameter = self.service_for(algorithm)
        return self.request_signature(service, message, algorithm, parameter)

    def service_for(self, algorithm: Algorithm) -> tuple[S, P]:
        """What reaches the service, and the service's own form of an algorithm.

        Args:
            algorithm: How a message is to be signed.

        Raises:
            KeyUnsupportedError, BackendFailedError: As `sign`.
        """
        service = self._service
        if service is None:
            raise BackendFailedError(f"{self.subject}: the signer was closed", hint="load another one")
        if algorithm not in self._algorithms:
            raise KeyUnsupportedError(
                f"{self.subject}: does not sign with {algorithm}",
                hint=f"choose one of {', '.join(map(str, self._algorithms))}",
            )
        return service, self._algorithms[algorithm]

    def close(self) -> None:
        """Forget the service; its connections stay open for other signers."""
        self._service = None
