"""Many signatures by one call of a backend, while each of them passes the wrappers of `sign` as if it were alone."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from anchorhold.errors import BackendBusyError
from anchorhold.plugin.retries import patience_end, retried

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import pluggy

    from anchorhold.plugin.requests import Signer, SignRequest

Outcome: TypeAlias = bytes | Exception
"""A signature, or why there is none: of a backend an `AnchorholdError`."""


def sign_within_wrappers(
    manager: pluggy.PluginManager,
    requests: Sequence[SignRequest],
    signer: Signer,
    sign: Callable[[list[SignRequest]], Sequence[Outcome]],
) -> list[Outcome]:
    """Enter the wrappers with every request, sign those that none has refused, and leave the wrappers again.

    Args:
        manager: Of the alias.
        requests: What is to be signed.
        signer: Whose key.
        sign: Makes all signatures at once; an answer for each request.

    Returns:
        An outcome for each request, in order.
    """
    found = manager.hook.sign.get_hookimpls()
    wrappers = [each for each in reversed(found) if each.wrapper]  # the outermost is the last one
    passages = [_Passage(wrappers, {"request": request, "signer": signer}) for request in requests]
    entered = [passage.enter() for passage in passages]
    signed = iter(sign([request for request, let in zip(requests, entered, strict=True) if let is None]))
    return [
        passage.leave(next(signed) if refusal is None else refusal)
        for passage, refusal in zip(passages, entered, strict=True)
    ]


def sign_until_free(
    requests: Sequence[SignRequest], ask: Callable[[list[SignRequest]], Sequence[Outcome]], *, ocsp: bool
) -> Sequence[Outcome]:
    """The answers of a backend; those that found it busy are asked for again.

    Args:
        requests: What it signs at once.
        ask: Asks it; an answer for each request.
        ocsp: Whether the key is that of an OCSP responder.

    Returns:
        An answer for each request, in order; of one for which it stayed busy, that it is.
    """
    answers: list[Outcome] = [BackendBusyError("", hint="")] * len(requests)
    busy = list(range(len(requests)))

    def attempt() -> None:
        asked = [requests[number] for number in busy]
        for number, answer in zip(tuple(busy), ask(asked), strict=True):
            answers[number] = answer
        busy[:] = [number for number in busy if isinstance(answers[number], BackendBusyError)]
        if busy:
            raise cast("BackendBusyError", answers[busy[0]])

    if requests:
        begun = time.monotonic()
        with suppress(BackendBusyError):  # it is among the answers
            try:
                attempt()
            except BackendBusyError as error:
                retried(attempt, error, patience_end(begun, requests[0].deadline, ocsp=ocsp))
    return answers


class _Passage:
    """The way of one request through the wrappers, as `pluggy` goes it."""

    def __init__(self, wrappers: Sequence[pluggy.HookImpl], arguments: dict[str, Any]) -> None:
        self._wrappers = wrappers
        self._arguments = arguments
        self._inside: list[Generator[None, bytes, bytes]] = []

    def enter(self) -> Exception | None:
        """Run each wrapper up to its ``yield``; why one has refused, else None."""
        for wrapper in self._wrappers:
            try:
                running: Any = wrapper.function(*(self._arguments[name] for name in wrapper.argnames))
                next(running)
            except StopIteration:
                return RuntimeError(f"the wrapper {wrapper.plugin_name} did not yield")
            except Exception as error:
                return error
            self._inside.append(running)
        return None

    def leave(self, outcome: Outcome) -> Outcome:
        """Hand the outcome to each wrapper that was entered, the innermost first; what the outermost makes of it."""
        while self._inside:
            running = self._inside.pop()
            try:
                if isinstance(outcome, Exception):
                    running.throw(outcome)
                else:
                    running.send(outcome)
            except StopIteration as end:
                outcome = end.value
            except Exception as error:
                outcome = error
            else:
                running.close()
                outcome = RuntimeError("a wrapper yields twice")
        return outcome
