"""Asking a worker: one message, one answer, and certainty about what was done where there is no answer."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from anchorhold.errors import (
    AnchorholdError,
    BackendFailedError,
    BackendUnreachedError,
    DeadlineError,
    LedgerError,
)
from anchorhold.plugin import RemoteService
from anchorhold_celery.celery_settings import BROKERS, RESULT_BACKENDS, celery_settings, check_url
from anchorhold_celery.error_transfer import error_from_json
from anchorhold_celery.messages import TASK, MessageError, OtherVersionError, Request, answer_in, seal
from anchorhold_celery.reachability import refuses, unreached
from anchorhold_celery.releases import difference
from anchorhold_celery.request_table import LONGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from anchorhold_celery.ledger_clock import LedgerClock
    from anchorhold_celery.request_table import RequestTable
    from anchorhold_celery.tls import TlsFiles

_PATIENCE: Final = 5.0
"""Seconds after which a connection to the broker, or to the result backend, is given up."""
_POLL: Final = 0.25
"""Seconds between two looks into the ledger where the result backend is away."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Line:
    """How a worker is reached, with all that was referred to; never shown, for the URLs hold passwords.

    Attributes:
        broker: URL of the broker.
        results: URL of the result backend.
        queue: Where the worker listens.
        peer: Who asks.
        key: Signs what is asked.
        worker_keys: Sign what is answered.
        alias: Of the key on the worker's host.
        role: What it is for.
        tls: For broker and result backend.
    """

    broker: str
    results: str
    queue: str
    peer: str
    key: Ed25519PrivateKey
    worker_keys: tuple[Ed25519PublicKey, ...]
    alias: str
    role: str
    tls: TlsFiles


class WorkerClient(RemoteService["Celery"]):
    """Asks a worker. Threads share it; a forked child has a client of its own.

    Args:
        subject: The key backend in messages.
        line: How the worker is reached.
        requests: What became of each request.
        clock: By which deadlines hold.
    """

    shows_cause = False  # exceptions of libraries name the broker, some with its password

    def __init__(self, subject: str, line: Line, requests: RequestTable, clock: LedgerClock) -> None:
        super().__init__(subject)
        self._line = line
        self._requests = requests
        self._clock = clock

    def open_client(self) -> Celery:
        """An application of Celery, not connected yet."""
        from celery.app.base import Celery  # not from the package, which threads that are early see half imported

        line = self._line
        broker = check_url(line.broker, BROKERS, f"{self.subject}, broker")
        results = check_url(line.results, RESULT_BACKENDS, f"{self.subject}, result_backend")
        line.tls.check(self.subject, broker, results)
        app = Celery("anchorhold", set_as_current=False)
        app.conf.update(celery_settings(broker, results, _PATIENCE, line.tls), broker_pool_limit=64)
        return app

    def translate(self, error: Exception, subject: str, facts: dict[str, str]) -> AnchorholdError | None:
        """What sending raises: nothing was taken by a worker, which is made certain afterwards."""
        away = unreached({"the broker": self._line.broker, "the result backend": self._line.results})
        if away:
            return BackendUnreachedError(
                f"{subject}: {' and '.join(away)} cannot be reached", hint="look whether it runs, and into the URL"
            )
        if refuses(error):
            return BackendUnreachedError(
                f"{subject}: the broker or the result backend refuses to keep what it is given",
                hint="look into its log, and whether its memory or disk is full",
            )
        return BackendUnreachedError(
            f"{subject}: the broker or the result backend does not let this host in ({type(error).__name__})",
            hint="look into the passwords of both, and their certificates if TLS is used",
        )

    def check(self, seconds: float) -> tuple[str, ...]:
        """Look whether broker and result backend can be reached, and ask a worker about the place of its keys.

        Args:
            seconds: How long a worker is waited for.

        Returns:
            What could not be checked: all of the worker, if none answers.

        Raises:
            AnchorholdError: One of both cannot be reached; or what the worker says.
        """
        self._check_line()
        if not self._requests.is_made():
            return (f"{self.subject}: no worker was asked, because none has run with this ledger",)
        try:
            answer = self.ask("check_place", {}, seconds)
        except BackendUnreachedError:
            return (f"{self.subject}: no worker has answered within {seconds:.0f} s",)
        return tuple(map(str, answer.get("not_checked", ())))

    def _check_line(self) -> None:
        with self.client() as app:
            with app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, timeout=_PATIENCE)
            app.backend.client.ping()

    def ask(self, operation: str, content: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The answer of a worker.

        Args:
            operation: One of `anchorhold_celery.messages.OPERATIONS`.
            content: What it is about.
            seconds: How long it is waited for.

        Raises:
            DeadlineError: The time is over already.
            BackendUnreachedError: No worker began with it, and none will.
            BackendFailedError: It may have been done.
            AnchorholdError: What the worker says.
        """
        if seconds <= 0:
            raise DeadlineError(f"{self.subject}: was not asked, because the time is over", hint="allow more time")
        line, end = self._line, time.monotonic() + seconds
        request = Request(
            operation=operation,
            id=str(uuid4()),
            peer=line.peer,
            alias=line.alias,
            role=line.role,
            deadline=self._clock.now() + min(seconds, LONGEST),
            content=content,
        )
        answer = self._answer(request, end, seconds)
        if (told := answer.get("error")) is not None:
            asked = f"{self.subject}, asked as the peer {line.peer!r} for the alias {line.alias!r}"
            raise error_from_json(told, asked)
        return answer

    def close_client(self, client: Celery) -> None:
        """Close the connections of this process."""
        with suppress(Exception):  # what is away is closed
            client.backend.result_consumer.stop()
        client.backend.client.connection_pool.disconnect()
        client.close()

    def _answer(self, request: Request, end: float, seconds: float) -> dict[str, Any]:
        """What a worker has answered that this host trusts and understands; see `ask`."""
        body, keys = request.to_body(), self._line.worker_keys
        reply = self._reply(request, seal(body, self._line.key, "request"), end, seconds)
        try:
            return answer_in(reply, body, keys)
        except MessageError as error:
            bad = error
        with suppress(MessageError):  # anyone who reaches the result backend can answer; the ledger has the true reply
            return answer_in(self._settled(request, _not_understood(self.subject, bad), end), body, keys)
        problem, hint = _explained(bad)
        raise BackendFailedError(f"{self.subject}: {problem}; {_possible(request)}", hint=hint)

    def _reply(self, request: Request, message: str, end: float, seconds: float) -> object:
        """What a worker has answered, however it came; see `ask`."""
        try:
            with self.client() as app:
                pending = self._send(app, request, message)
        except BackendUnreachedError as unreached:
            return self._settled(request, unreached, end)
        late = BackendUnreachedError(
            f"{self.subject}: no worker has taken the request within {seconds:.0f} s, so nothing was done",
            hint=f"start a worker that listens to the queue {self._line.queue}, or allow more time",
        )
        try:
            with self.client():
                found = pending.get(timeout=max(0.0, end - time.monotonic()), propagate=False)
        except BackendUnreachedError:  # the time is over, or the result backend is away
            pending.give_up()
            self._wait_for_row(request.id, end)
        else:
            pending.give_up()
            if isinstance(found, str):
                return found
            late = BackendUnreachedError(
                f"{self.subject}: a worker could not begin with the request, so nothing was done",
                hint="look into the log of the worker",
            )
        return self._settled(request, late, end)

    def _send(self, app: Celery, request: Request, message: str) -> Any:
        """Hand a message to the broker; it may be sent twice, for workers know its id."""
        from anchorhold_celery.quiet_result import QuietResult

        return app.send_task(
            TASK,
            args=[message],
            task_id=request.id,
            queue=self._line.queue,
            result_cls=partial(QuietResult, app=app),
            argsrepr="...",
            kwargsrepr="{}",
            retry=True,
            retry_policy={"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
        )

    def _wait_for_row(self, request: str, end: float) -> str | None:
        """Look into the ledger until an answer is there, which is returned, or the time is over."""
        while (left := end - time.monotonic()) > 0:
            try:
                known = self._requests.find(request)
            except LedgerError:
                return None
            if known is not None and known.reply is not None:
                return known.reply
            time.sleep(min(left, _POLL))
        return None

    def _settled(self, request: Request, unreached: BackendUnreachedError, end: float) -> object:
        """Withdraw a request that has no answer; the reply that the ledger has, if a worker finishes in time.

        Raises:
            BackendUnreachedError: As given: no worker began, and none will.
            BackendFailedError: A worker has begun, or nobody can tell.
        """
        try:
            known = self._requests.withdraw(request.id)
        except LedgerError:
            known = _UNKNOWN
        if known is None:
            raise unreached
        if known is not _UNKNOWN:
            reply = known.reply or self._wait_for_row(request.id, end)
            if reply is not None:
                return reply
        why = "the ledger cannot tell what became of it" if known is _UNKNOWN else "a worker had begun with it"
        raise BackendFailedError(
            f"{self.subject}: there was no answer, and {why}; {_possible(request)}",
            hint="look whether a worker runs, and into its log",
        )


def _explained(error: MessageError) -> tuple[str, str]:
    """What is wrong with an answer that cannot be used, and what to do."""
    if isinstance(error, OtherVersionError):
        other = difference(error.told.get("releases")) if isinstance(error.told, dict) else None
        return f"an answer {error}", other or "let both hosts have the same release"
    hint = "find out who can write into the result backend, and whether `worker_keys` is up to date"
    return f"an answer {error}, so it was thrown away", hint


def _not_understood(subject: str, error: MessageError) -> BackendUnreachedError:
    """The error for an answer that cannot be used, where no worker that could has begun."""
    problem, hint = _explained(error)
    return BackendUnreachedError(f"{subject}: {problem}; nothing was done", hint=hint)


def _possible(request: Request) -> str:
    """What may have been done, of which the caller has no result."""
    if request.operation != "sign":
        return "it may have been done"
    serials = [str(item["serial"]) for item in request.content.get("items", ()) if item.get("serial") is not None]
    if not serials:
        return "it may have been signed"
    more = f" and {len(serials) - 1} more" if len(serials) > 1 else ""
    return f"certificate {serials[0]}{more} may have been signed"


_UNKNOWN: Final[Any] = object()
