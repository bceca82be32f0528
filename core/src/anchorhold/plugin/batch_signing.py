"""Many signatures by one call of a backend, while each of them passes the wrappers of `sign` as if it were alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

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
