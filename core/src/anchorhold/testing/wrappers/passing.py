"""Rules of passing: what goes through a wrapper comes out as it was."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import AnchorholdError, BackendFailedError, KeyMissingError, SecretWrongError
from anchorhold.public_keys import spki
from anchorhold.testing.concurrency import frequent_switches, run_concurrently
from anchorhold.testing.rules import UnmetError, expect
from anchorhold.testing.wrappers.fixtures import WrapperFixtures
from anchorhold.testing.wrappers.rules import wrapper_rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import Signer, SignRequest
    from anchorhold.testing.wrappers.bench import WrapperBench

ERRORS: Final[tuple[BaseException, ...]] = (
    BackendFailedError("contract: the store is away", hint="wait"),
    SecretWrongError("contract: the password is wrong", hint="give another one"),
    KeyMissingError("contract: the key is gone", hint="restore it"),
    RuntimeError("a library has failed"),
    KeyboardInterrupt(),
)
"""What a backend may raise, and a person at the terminal."""
THREADS: Final = 8
ROUNDS: Final = 3
OVERLAP: Final = 3.0
"""Seconds that one signature waits for another to begin."""
MEASURED: Final = 15
"""Signatures with the wrapper and without it."""


class PassingRules(WrapperFixtures):
    """What a wrapper lets pass."""

    @wrapper_rule("pass.every-purpose")
    def test_every_purpose_passes(self, bench: WrapperBench) -> None:
        """For a known actor and, as outside an installation, for none."""
        with bench.signer() as signer:
            for purpose, request in bench.allowed.items():
                bench.check_passes(request, signer, purpose)
                bench.check_passes(replace(request, audit=None), signer, f"{purpose} without an actor")

    @wrapper_rule("pass.once")
    def test_the_key_signs_once_for_each_request(self, bench: WrapperBench) -> None:
        """No more, and no less."""
        with bench.signer() as signer:
            for purpose, request in bench.allowed.items():
                bench.script.signed.clear()
                bench.is_refused(request, signer)
                expect(
                    bench.script.signed == [request.message],
                    f"{purpose}: one signature was asked for, and the key has made {len(bench.script.signed)}",
                )

    @wrapper_rule("pass.unchanged")
    def test_answers_are_not_changed(self, bench: WrapperBench) -> None:
        """Signatures, and what other hooks answer."""
        with bench.signer() as signer:
            for purpose, request in bench.allowed.items():
                bench.check_signs(request, signer, purpose)
        for hook, call in bench.every_hook():
            answer, given = call(), bench.script.answers[hook]
            same = _is_same_signer(answer, given) if hook == "load_signer" else answer == given
            expect(same, f"{hook}: the backend has answered {given!r}, and {answer!r} comes out")

    @wrapper_rule("pass.errors")
    def test_errors_of_the_backend_are_not_changed(self, bench: WrapperBench) -> None:
        """Of a signature and of each hook; and an error is not the end of the wrapper."""
        with bench.signer() as signer:
            for error in ERRORS:
                for purpose, request in bench.allowed.items():
                    _check_raises(bench, error, purpose, lambda: bench.sign(request, signer))  # noqa: B023
                    bench.check_passes(request, signer, f"{purpose} after an error")
        for hook, call in bench.every_hook():
            for error in ERRORS:
                _check_raises(bench, error, hook, call)
            call()  # later hooks need what it makes

    @wrapper_rule("threads.overlap")
    def test_signatures_overlap(self, bench: WrapperBench) -> None:
        """The next one begins before the one before has ended: keys far away take many at once."""
        meeting = threading.Barrier(2)
        with bench.signer() as signer:
            bench.script.meanwhile = lambda _: _meet(meeting)
            outcomes = run_concurrently([lambda: bench.sign(bench.usual, signer)] * 2)
            bench.script.meanwhile = None
        expect(
            not any(isinstance(found, threading.BrokenBarrierError) for found in outcomes),
            f"a second signature did not begin within {OVERLAP:.0f} s while the key made the first",
        )
        _raise_any(outcomes)

    @wrapper_rule("threads.apart")
    def test_threads_are_not_mixed_up(self, bench: WrapperBench) -> None:
        """Each gets the signature over its own message, while those of others take their time."""
        probe = bench.allowed.get("probe", bench.usual)
        requests = [
            replace(probe, message=b"contract probe %d" % number) if probe.purpose == "probe" else probe
            for number in range(THREADS)
        ]
        with bench.signer() as signer, frequent_switches():
            bench.script.meanwhile = lambda message: time.sleep(0.001 * (message[-1] % 4))
            for _ in range(ROUNDS):
                outcomes = run_concurrently([_asker(bench, request, signer) for request in requests])
                _raise_any(outcomes)
                for request, signature in zip(requests, outcomes, strict=True):
                    expect(bench.verifies(request, signature), "a thread gets a signature that is not over its message")

    @wrapper_rule("speed.little")
    def test_a_signature_takes_little_longer(
        self, bench: WrapperBench, slowest: float, note: Callable[[str], None]
    ) -> None:
        """The median of several; what it costs is shown."""
        with bench.signer() as signer:
            request = bench.usual
            bench.sign(request, signer)
            without = statistics.median(_seconds(lambda: signer.sign(request.message, request.algorithm)))
            within = sorted(_seconds(lambda: bench.sign(request, signer)))
        added = statistics.median(within) - without
        note(f"{self.wrapper}: adds {1000 * added:.1f} ms to a signature, {1000 * (within[-1] - without):.1f} at most")
        expect(added <= slowest, f"it adds {added:.3f} s to each signature, and {slowest} are allowed")


def _is_same_signer(answer: Any, given: Any) -> bool:
    """A wrapper may lend a signer of its own, for the same key."""
    return spki(answer.public_key) == spki(given.public_key)


def _check_raises(bench: WrapperBench, error: BaseException, what: str, call: Callable[[], Any]) -> None:
    """What a backend raises must come out: the very object, or what core makes of one that is no error of ours."""
    bench.script.failure = error
    try:
        answer = call()
    except BaseException as found:
        translated = not isinstance(error, AnchorholdError) and isinstance(found, BackendFailedError)
        if found is not error and not (translated and found.__cause__ is error):
            raise UnmetError(f"{what}: the backend has raised {error!r}, and {found!r} comes out") from found
    else:
        raise UnmetError(f"{what}: the backend has raised {error!r}, and the answer {answer!r} comes out")
    finally:
        bench.script.failure = None


def _meet(meeting: threading.Barrier) -> None:
    meeting.wait(OVERLAP)


def _asker(bench: WrapperBench, request: SignRequest, signer: Signer) -> Callable[[], Any]:
    return lambda: bench.sign(request, signer)


def _raise_any(outcomes: list[Any]) -> None:
    for found in outcomes:
        if isinstance(found, Exception):
            raise found


def _seconds(work: Callable[[], Any]) -> list[float]:
    """How long each of several calls takes."""
    taken = []
    for _ in range(MEASURED):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken
