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
    RefusedError,
)
from anchorhold_celery.error_transfer import error_to_json
from anchorhold_celery.ledger_clock import LedgerClock
from anchorhold_celery.messages import MessageError, reply_body, seal
from anchorhold_celery.request_table import LONGEST, KnownRequest, RequestTable
from anchorhold_celery.worker.checks import keys_of_peers, own_key
from anchorhold_celery.worker.gate import Admitted, Gate, RefusedMessageError
from anchorhold_celery.worker.heartbeat import Heartbeat
from anchorhold_celery.worker.key_operations import LentAlias, perform
from anchorhold_celery.worker.metrics import WorkerMetrics
from anchorhold_celery.worker.request_trace import RequestTrace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.installation import Installation
    from anchorhold_celery.messages import Request
    from anchorhold_celery.worker.intended import Signing
    from anchorhold_celery.worker.settings import WorkerSettings

_HINT: Final = "let both hosts have the same release, or find out who sent it"
_HINTS: Final = {
    "unknown-peer": "let `peer` on the host that asks be a name under worker.peers on the worker's",
    "other-signature": "give the worker's host the public half of `message_key` on the host that asks",
    "not-lent": "lend it under worker.aliases or worker.ocsp_aliases on the worker's host, or name another in `alias`",
    "not-allowed": "allow it under worker.peers on the worker's host",
    "other-version": "let both hosts have the same release",
    "unknown-operation": "let both hosts have the same release",
    "too-late": "allow more time",
}
"""What to do about a refusal, by its reason."""

_TAKE_OVER: Final = 5.0
"""Seconds for which a process that was killed may still seem to be at a request."""
_PAUSE: Final = 0.1
_UNDER_WAY: Final = KnownRequest("begun", None)
"""What another process is at."""

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

    def answer(self, message: object, *, redelivered: bool) -> str | None:
        """The reply to a message; one line of the log says what came of it.

        Args:
            message: As it was received.
            redelivered: Whether the broker says that it has delivered it before.

        Returns:
            A message; None where nothing is to be answered.
        """
        trace = RequestTrace()
        try:
            admitted = self._gate.admit(message)
            trace.request = admitted.request
            return self._in_turn(admitted, trace, redelivered=redelivered)
        except RefusedMessageError as refused:
            trace.request, trace.outcome, trace.why = refused.request, "refused", refused.problem
            return self._refused(trace, refused)
        finally:
            is_measured = trace.outcome in ("done", "failed")
            self._metrics.count(trace.operation, trace.outcome, trace.seconds if is_measured else None)
            trace.write()

    def close(self) -> None:
        """Close keys and connections."""
        self._heartbeat.stop()
        self._signing.close()
        self._installation.close()
        self._installation.backends.close()

    def _refused(self, trace: RequestTrace, refused: RefusedMessageError) -> str | None:
        """The reply to what was not let in, which is recorded; None if it is no message at all."""
        try:
            self._signing.record_refusal(refused.request, trace.operation, refused.reason)
        except AnchorholdError as error:  # also of a ledger that is too new
            logger.warning("a refusal could not be recorded: %s", error)
        if refused.body is None:
            return None
        told = RefusedError(refused.problem, hint=_HINTS.get(refused.reason, _HINT))
        return self._sealed(refused.body, {"error": error_to_json(told)})

    def _in_turn(self, admitted: Admitted, trace: RequestTrace, *, redelivered: bool) -> str | None:
        """The reply to a request that is in time, and that nobody has begun with or has given up.

        Raises:
            RefusedMessageError: It is late, or a copy.
        """
        request = admitted.request
        try:
            left = request.deadline - self._clock.now()
            end = time.monotonic() + left
            in_time = 0 < left <= LONGEST  # which a deadline that is no number is not
            known = self._begun(request) if in_time else self._requests.find(request.id)
            if known is not None and known.state == "begun" and redelivered and in_time:
                known = self._taken_over(request, min(left, _TAKE_OVER))
        except AnchorholdError as error:  # also of a ledger that is too new
            trace.outcome, trace.why = "not-begun", str(error)
            unreached = BackendUnreachedError(f"{error.problem}, so nothing was done", hint=error.hint)
            return self._sealed(admitted.body, {"error": error_to_json(unreached)})
        if known is not None and known.state == "withdrawn":
            trace.outcome = "withdrawn"
            return None
        if left <= 0:
            raise RefusedMessageError("too-late", "the message comes after its deadline", request)
        if not in_time:
            raise RefusedMessageError("too-early", "the deadline is too far away", request, admitted.body)
        if known is _UNDER_WAY:
            trace.outcome = "under-way"
            return None
        if known is not None and not redelivered:
            raise RefusedMessageError("copy", "the message is a copy of one that came before", request)
        if known is not None and known.reply is not None:
            trace.outcome = "repeated"
            return known.reply
        self._do(admitted, trace, end)
        reply = self._sealed(admitted.body, trace.answer)
        try:
            self._requests.finish(request.id, reply)
        except AnchorholdError as error:  # who asks has the reply, unless it is lost on its way
            logger.warning("the reply to a request could not be kept: %s", error)
        return reply

    def _begun(self, request: Request) -> KnownRequest | None:
        return self._requests.begin(request.id, durable=self._settings.sign_once)

    def _taken_over(self, request: Request, seconds: float) -> KnownRequest | None:
        """The row of a request that another process had begun with, once this one is at it or there is a reply."""
        end = time.monotonic() + seconds
        while True:
            if self._requests.take_over(request.id):
                known = self._requests.find(request.id)
                if known is not None and known.reply is not None:
                    self._requests.leave(request.id)
                return known
            known = self._requests.find(request.id)
            if known is not None and known.reply is not None:
                return known
            if time.monotonic() > end:
                return _UNDER_WAY
            time.sleep(_PAUSE)

    def _do(self, admitted: Admitted, trace: RequestTrace, deadline: float) -> None:
        """Do what a request asks for, with what is answered in its trace; what fails is an answer, too."""
        request = admitted.request
        try:
            trace.answered(self._done(request, trace, deadline))
        except MessageError as error:
            self._fail(trace, InputError(f"the message {error}", hint="let both hosts have one release"))
        except AnchorholdError as error:
            self._fail(trace, error)
        except Exception as error:
            logger.exception("%s for %s failed", request.operation, request.peer)
            what, why = request.operation, type(error).__name__
            problem = f"{what}: failed ({why}), and may have been done"
            self._fail(trace, BackendFailedError(problem, hint="look into the log of the worker"))
        if trace.signed:
            self._metrics.add_signatures(request.role, request.alias, trace.signed)

    def _done(self, request: Request, trace: RequestTrace, deadline: float) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            MessageError, AnchorholdError: There is none.
        """
        audit = self._signing.audit(request.peer, request.id)
        lent = self._settings.lent(request.role)[request.alias]
        alias = LentAlias(self._installation, request, lent, audit, deadline)
        if request.operation != "sign":
            self._signing.check_key(alias, request, audit)
            return perform(alias, request)
        signed = self._signing.sign(alias, request, audit, deadline)
        trace.authority, trace.serial = signed.authority, signed.serial
        return {"outcomes": signed.outcomes}

    @staticmethod
    def _fail(trace: RequestTrace, error: AnchorholdError) -> None:
        trace.answered({"error": error_to_json(error)})
        trace.why = error.problem

    def _sealed(self, body: str, answer: Mapping[str, Any]) -> str:
        return seal(reply_body(body, answer), self._key, "reply")
