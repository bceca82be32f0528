"""What a process of the worker has open, and how it answers one message."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import (
    AnchorholdError,
    BackendFailedError,
    BackendUnreachedError,
    InputError,
    LedgerError,
    RefusedError,
)
from anchorhold_celery.error_transfer import error_to_json
from anchorhold_celery.ledger_clock import LedgerClock
from anchorhold_celery.messages import MessageError, reply_body, seal
from anchorhold_celery.request_table import RequestTable
from anchorhold_celery.worker.checks import keys_of_peers, own_key
from anchorhold_celery.worker.gate import Admitted, Gate, RefusedMessageError
from anchorhold_celery.worker.heartbeat import Heartbeat
from anchorhold_celery.worker.key_operations import LentAlias, perform
from anchorhold_celery.worker.metrics import WorkerMetrics

if TYPE_CHECKING:
    from anchorhold.installation import Installation
    from anchorhold_celery.worker.intended import Signing
    from anchorhold_celery.worker.settings import WorkerSettings

_HINT: Final = "let both hosts have the same release, or find out who sent it"
_HINTS: Final = {
    "unknown-peer": "let `peer` on the host that asks be a name under worker.peers on the worker's",
    "other-signature": "give the worker's host the public half of `message_key` on the host that asks",
    "not-lent": "lend it under worker.aliases or worker.ocsp_aliases on the worker's host, or name another in `alias`",
    "not-allowed": "allow it under worker.peers on the worker's host",
    "too-late": "allow more time",
}
"""What to do about a refusal, by its reason."""

logger = logging.getLogger(__name__)


class Runtime:
    """Answers messages, one at a time. It is made in the process that uses it, after the fork.

    Args:
        installation: Of this host.
        settings: Of the worker.
        signing: Signs what is intended.
        number: Of this process among those of the worker.

    Raises:
        SettingsError: A key of messages cannot be read.
    """

    def __init__(self, installation: Installation, settings: WorkerSettings, signing: Signing, number: int) -> None:
        self._installation = installation
        self._settings = settings
        self._signing = signing
        self._key = own_key(settings)
        self._gate = Gate(settings, keys_of_peers(settings))
        self._requests = RequestTable(installation.access.database, "worker")
        self._clock = LedgerClock(self._requests.now)
        self._metrics = WorkerMetrics(settings.metrics, settings.name, number)
        lent = sorted({*settings.aliases, *settings.ocsp_aliases})
        self._heartbeat = Heartbeat(
            installation,
            f"{settings.name}:{number}",
            lent,
            lambda: signing.signed,
            self._requests.tidy,
            self._metrics.write,
        )
        self._heartbeat.start()

    def answer(self, operation: str, message: object, *, redelivered: bool) -> str | None:
        """The reply to a message.

        Args:
            operation: That the task stands for.
            message: As it was received.
            redelivered: Whether the broker says that it has delivered it before.

        Returns:
            A message; None where nothing is to be answered.
        """
        try:
            admitted = self._gate.admit(operation, message)
            try:
                return self._in_turn(admitted, redelivered=redelivered)
            except LedgerError as error:
                logger.warning("not begun: %s", error)
                self._metrics.count(operation, "not-begun")
                unreached = BackendUnreachedError(f"{error.problem}, so nothing was done", hint=error.hint)
                return self._sealed(admitted.body, {"error": error_to_json(unreached)})
        except RefusedMessageError as refused:
            return self._refused(operation, refused)

    def close(self) -> None:
        """Close keys and connections."""
        self._heartbeat.stop()
        self._signing.close()
        self._installation.close()
        self._installation.backends.close()

    def _refused(self, operation: str, refused: RefusedMessageError) -> str | None:
        """The reply to what was not let in, which is recorded; None if it is no message at all."""
        logger.warning("refused a request of the peer %s: %s", refused.peer or "unknown", refused.problem)
        self._metrics.count(operation, "refused")
        try:
            self._signing.record_refusal(refused.peer, operation, refused.reason)
        except LedgerError as error:
            logger.warning("this could not be recorded: %s", error)
        if refused.body is None:
            return None
        told = RefusedError(refused.problem, hint=_HINTS.get(refused.reason, _HINT))
        return self._sealed(refused.body, {"error": error_to_json(told)})

    def _in_turn(self, admitted: Admitted, *, redelivered: bool) -> str | None:
        """The reply to a request that is in time, and that nobody has begun with or has given up.

        Raises:
            RefusedMessageError: It is late, or a copy.
            LedgerError: The ledger cannot be used, and nothing was begun.
        """
        request = admitted.request
        left = request.deadline - self._clock.now()
        if left <= 0:
            known = self._requests.find(request.id)
            if known is not None and known.state == "withdrawn":
                self._metrics.count(request.operation, "withdrawn")
                return None
            raise RefusedMessageError("too-late", "the message comes after its deadline", request.peer)
        known = self._requests.begin(request.id, durable=self._settings.sign_once)
        if known is not None:
            if known.state == "withdrawn":
                self._metrics.count(request.operation, "withdrawn")
                return None
            if not redelivered:
                raise RefusedMessageError("copy", "the message is a copy of one that came before", request.peer)
            if known.reply is not None:
                self._metrics.count(request.operation, "repeated")
                return known.reply
        answer = self._measured(admitted, time.monotonic() + left)
        reply = self._sealed(admitted.body, answer)
        try:
            self._requests.finish(request.id, reply)
        except LedgerError as error:  # who asks has the reply, unless it is lost on its way
            logger.warning("the reply to a request could not be kept: %s", error)
        return reply

    def _measured(self, admitted: Admitted, deadline: float) -> dict[str, Any]:
        """As `_done`, counted."""
        request, begun = admitted.request, time.monotonic()
        answer = self._done(admitted, deadline)
        self._metrics.count(request.operation, "failed" if "error" in answer else "done", time.monotonic() - begun)
        if signed := sum("signature" in outcome for outcome in answer.get("outcomes", ())):
            self._metrics.add_signatures(request.role, request.alias, signed)
        return answer

    def _done(self, admitted: Admitted, deadline: float) -> dict[str, Any]:
        """The answer to a request; what fails is an answer, too."""
        request = admitted.request
        audit = self._signing.audit(request.peer, request.id)
        lent = self._settings.lent(request.role)[request.alias]
        try:
            alias = LentAlias(self._installation, request, lent, audit, deadline)
            if request.operation == "sign":
                return {"outcomes": self._signing.sign(alias, request, audit, deadline)}
            return perform(alias, request)
        except MessageError as error:
            return {"error": error_to_json(InputError(f"the message {error}", hint="let both hosts have one release"))}
        except AnchorholdError as error:
            logger.warning("%s for %s failed: %s", request.operation, request.peer, error.problem)
            return {"error": error_to_json(error)}
        except Exception as error:
            logger.exception("%s for %s failed", request.operation, request.peer)
            failed = BackendFailedError(
                f"{request.operation}: failed ({type(error).__name__}), and may have been done",
                hint="look into the log of the worker",
            )
            return {"error": error_to_json(failed)}

    def _sealed(self, body: str, answer: dict[str, Any]) -> str:
        return seal(reply_body(body, answer), self._key, "reply")
