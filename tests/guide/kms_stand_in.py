"""Stands for the library of a service, as the page docs/authors/distant-keys.md uses it."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, ClassVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Sequence


class NotSent(Exception):  # noqa: N818  # libraries call their exceptions what they like
    """No connection."""


class NoAnswer(Exception):  # noqa: N818
    """The connection broke, or the time was over."""


@dataclass(frozen=True)
class Response:
    """What came back for one message."""

    status: int
    content: bytes
    retry_after: float = 0.01


class Client:
    """The service itself, in this process.

    Attributes:
        keys: All that were made.
        plan: Statuses, or exceptions, of the next signatures; 200 when there are no more.
        asked: The number of messages of each request to sign.
        timeouts: Those of all requests.
        sessions: How many are open.
        closed: How often a client was closed.
    """

    keys: ClassVar[dict[str, ec.EllipticCurvePrivateKey]] = {}
    plan: ClassVar[list[int | Exception]] = []
    asked: ClassVar[list[int]] = []
    timeouts: ClassVar[list[float]] = []
    sessions: ClassVar[set[int]] = set()
    closed: ClassVar[int] = 0
    _one: ClassVar[Lock] = Lock()

    def create(self, name: str, timeout: float) -> ec.EllipticCurvePublicKey:
        """Make a key."""
        self.timeouts.append(timeout)
        return self.keys.setdefault(name, ec.generate_private_key(ec.SECP256R1())).public_key()

    def log_in(self, timeout: float) -> int:
        """Open a session."""
        self.timeouts.append(timeout)
        self.sessions.add(number := len(self.timeouts))
        return number

    def log_out(self, session: int, timeout: float) -> None:
        """End it."""
        self.timeouts.append(timeout)
        self.sessions.remove(session)

    def sign(self, session: int, name: str, items: Sequence[tuple[str, bytes]], timeout: float) -> list[Response]:
        """A response for each item."""
        assert session in self.sessions
        with self._one:
            self.asked.append(len(items))
            self.timeouts.append(timeout)
            return [self._response(name, *item) for item in items]

    def close(self) -> None:
        """Close the connection."""
        type(self).closed += 1

    def _response(self, name: str, algorithm: str, message: bytes) -> Response:
        assert algorithm == "ECDSA_SHA_256"
        status = self.plan.pop(0) if self.plan else 200
        if isinstance(status, Exception):
            raise status
        if status != 200:
            return Response(status, b"not a signature")
        return Response(200, self.keys[name].sign(message, ec.ECDSA(hashes.SHA256())))
