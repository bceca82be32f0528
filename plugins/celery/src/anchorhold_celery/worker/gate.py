"""Who may ask what: a message is let in only if it is signed, allowed, in time and new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from anchorhold_celery.messages import (
    OPERATIONS,
    MessageError,
    OtherVersionError,
    Request,
    is_signed,
    opened,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from anchorhold_celery.worker.settings import Peer, WorkerSettings

_ALLOWED_BY: Final = {"create_key": "may_create", "delete_key": "may_delete"}
"""Operations that a peer must be allowed expressly."""


class RefusedMessageError(Exception):
    """A message that is not let in.

    Args:
        reason: Why, in a word that never changes, by which refusals are counted.
        problem: The same as a sentence, without anything that the message says.
        request: What is asked, if its peer has signed that.
        body: The body that can be answered; None if there is none.
    """

    def __init__(self, reason: str, problem: str, request: Request | None = None, body: str | None = None) -> None:
        super().__init__(problem)
        self.reason = reason
        self.problem = problem
        self.request = request
        self.body = body


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A request of a peer that may ask for it.

    Attributes:
        request: What is asked.
        body: As it was received.
        peer: What the settings say of who asks.
    """

    request: Request
    body: str
    peer: Peer


class Gate:
    """Lets messages in.

    Args:
        settings: Of the worker.
        keys: Of each peer.
    """

    def __init__(self, settings: WorkerSettings, keys: Mapping[str, tuple[Ed25519PublicKey, ...]]) -> None:
        self._settings = settings
        self._keys = keys

    def admit(self, message: object) -> Admitted:
        """A request, if its sender is known and may ask for it. Whether it is in time and new is left to the caller.

        Args:
            message: As it was received.

        Raises:
            RefusedMessageError: It is not let in.
        """
        body = None
        try:
            body, signature = opened(message)
            request = Request.from_body(body)
        except MessageError as error:
            reason = "other-version" if isinstance(error, OtherVersionError) else "unreadable-message"
            raise RefusedMessageError(reason, f"the message {error}", None, body) from None
        peer = self._settings.peers.get(request.peer)
        if peer is None:
            raise RefusedMessageError("unknown-peer", "the message names no peer of this worker", None, body)
        if not is_signed(body, signature, self._keys[request.peer], "request"):
            problem = f"the message is not signed by a key of the peer {request.peer}"
            raise RefusedMessageError("other-signature", problem, None, body)
        if request.operation not in OPERATIONS:
            raise RefusedMessageError("unknown-operation", "this worker has no such operation", request, body)
        if request.alias not in self._settings.lent(request.role):
            raise RefusedMessageError("not-lent", "the alias is not lent here", request, body)
        forbidden = _not_allowed(request, peer)
        if forbidden is not None:
            raise RefusedMessageError("not-allowed", forbidden, request, body)
        return Admitted(request=request, body=body, peer=peer)


def _not_allowed(request: Request, peer: Peer) -> str | None:
    """Why a peer may not ask that, if so."""
    if not peer.may_use(request.role, request.alias):
        return "the alias is not lent to this peer"
    needed = _ALLOWED_BY.get(request.operation)
    return None if needed is None or getattr(peer, needed) else f"the peer {request.peer} has no {needed}"
