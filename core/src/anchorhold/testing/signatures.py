"""Rules of signing: every algorithm, any message, often, and by many at once."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import SessionOverError
from anchorhold.public_keys import spki
from anchorhold.testing import subprocess_runner
from anchorhold.testing.concurrency import run_concurrently
from anchorhold.testing.fixtures import ContractFixtures, new_id
from anchorhold.testing.harness import closed_afterwards
from anchorhold.testing.key_kinds import algorithms
from anchorhold.testing.process_state import descriptors
from anchorhold.testing.rules import UnmetError, expect, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from anchorhold.algorithms import KeySpec
    from anchorhold.plugin import Capabilities, CreatedKey
    from anchorhold.testing.harness import Harness

LENGTHS: Final = (1, 31, 32, 64, 1000, 4096, 4097, 100_000, 2_000_000)
"""Octets: shorter and longer than digests, beyond the 4,096 that services take undigested, and long CRLs."""
MANY_TIMES: Final = 400
"""More than services sign in one session where they limit it to some hundred."""
AT_LEAST: Final = 25
"""Signatures of a signer that is so slow that it would take longer than `LONG_ENOUGH` for `MANY_TIMES`."""
LONG_ENOUGH: Final = 20.0
"""Seconds."""
SLOW: Final = 10
"""A signature is slow that takes so many times as long as half of all."""
NOTICEABLE: Final = 0.02
"""Seconds that no slow signature is below: less is the machine's doing."""
THREADS: Final = 8
CREATORS: Final = 4
"""Threads that make keys at once."""
ROUNDS: Final = 2
PROCESSES: Final = 3
KEYS_EACH: Final = 2
CRASH_POINTS: Final = 8
"""How often a creation is killed."""


class SignatureRules(ContractFixtures):
    """What signers do."""

    @rule("sign.every-algorithm")
    def test_every_algorithm_works(self, harness: Harness, kind: KeySpec, offered: Capabilities) -> None:
        """Every hash and padding for each kind of key."""
        with harness.lent(harness.create(kind)) as signer:
            for algorithm in algorithms(kind, offered):
                good = harness.signs(signer, algorithm=algorithm)
                expect(good, f"{kind}: a signature by {algorithm} does not verify")

    @rule("sign.any-length")
    def test_messages_of_any_length_are_signed(self, harness: Harness) -> None:
        """The signer gets the whole message, and it alone hashes."""
        with harness.lent(harness.create()) as signer:
            for length in LENGTHS:
                expect(harness.signs(signer, bytes(length)), f"the signature over {length} octets does not verify")

    @rule("sign.many-times")
    def test_a_signer_signs_many_times(self, harness: Harness, note: Callable[[str], None]) -> None:
        """For an open issuer keeps its signer; one whose session is over is replaced, as by core."""
        created = harness.create()
        with ExitStack() as lent:
            signer = lent.enter_context(harness.lent(created))
            expect(harness.signs(signer), "the first signature does not verify")
            before, began = descriptors(), time.monotonic()
            times: list[float] = []
            while len(times) < (MANY_TIMES if time.monotonic() - began < LONG_ENOUGH else AT_LEAST):
                started, message = time.perf_counter(), b"message %d" % len(times)
                try:
                    good = harness.signs(signer, message)
                except SessionOverError:
                    lent.close()
                    signer = lent.enter_context(harness.lent(created))
                    good = harness.signs(signer, message)
                times.append(time.perf_counter() - started)
                expect(good, f"signature number {len(times) + 1} does not verify")
            more = descriptors() - before
        expect(
            more < AT_LEAST // 2,
            f"after {len(times)} signatures {more} more files or connections are open than after one",
        )
        for line in _about_times(times):
            note(f"{self.backend}: {line}")

    @rule("sign.close")
    def test_closing_a_signer_does_not_fail(self, harness: Harness) -> None:
        """What fails after a signature would look as if there were none."""
        created = harness.create()
        used, unused = harness.load(created), harness.load(created)
        expect(harness.signs(used), "the key does not sign")
        for what, signer in {"has signed": used, "has not signed": unused}.items():
            try:
                signer.close()
            except Exception as error:
                raise UnmetError(f"close of a signer that {what} raises {type(error).__name__}: {error}") from error

    @rule("sign.closed")
    def test_a_closed_signer_signs_no_more(self, harness: Harness) -> None:
        """Its secrets are forgotten and its session is given back."""
        signer = harness.load(harness.create())
        expect(harness.signs(signer), "the key does not sign")
        with suppress(Exception):  # the matter of another rule
            signer.close()
        try:
            harness.signs(signer)
        except Exception:
            return
        raise UnmetError("the signer was closed, and signs")

    @rule("sign.signers-apart")
    def test_closing_a_signer_leaves_others_working(self, harness: Harness) -> None:
        """Two for one key and one for another."""
        created, second = harness.create(), harness.create()
        first, *others = harness.load(created), harness.load(created), harness.load(second)
        with suppress(Exception):  # the matter of another rule
            first.close()
        with closed_afterwards(*others):
            expect(all(harness.signs(signer) for signer in others), "a signer fails after another was closed")

    @rule("sign.threads")
    def test_threads_share_a_signer_and_a_backend(self, harness: Harness) -> None:
        """Several threads sign a batch, and make and load keys meanwhile."""
        created = harness.create()
        with harness.lent(created) as shared:

            def work(thread: int) -> bool:
                good = [harness.signs(shared, b"thread %d, message %d" % (thread, number)) for number in range(3)]
                used = harness.use(created)
                return all(good) and used and harness.signs(shared, b"thread %d, the last" % thread)

            signed = run_concurrently([partial(work, thread) for thread in range(THREADS)], lockstep=False)
        for answer in signed:
            _check_signed_at_once(answer)
        for _ in range(ROUNDS):
            for made in run_concurrently([harness.create] * CREATORS):
                _check_made_at_once(harness, made)

    @rule("processes.at-once")
    def test_processes_work_at_once(self, harness: Harness) -> None:
        """Each makes keys of its own, and all use one."""
        told: dict[str, Any] = {
            "shared": subprocess_runner.as_json(harness.create()),
            "contested": [new_id().hex() for _ in range(KEYS_EACH)],
        }
        running = [subprocess_runner.start(harness, "create keys", count=KEYS_EACH, **told) for _ in range(PROCESSES)]
        subprocess_runner.release(running)
        answers = subprocess_runner.answers_of(running)
        made = [subprocess_runner.from_json(key) for answer in answers for key in answer["made"]]
        won = [subprocess_runner.from_json(key) for answer in answers for key in answer["won"]]
        harness.made.extend([*made, *won])
        expect(len({spki(key.public_key) for key in made}) == PROCESSES * KEYS_EACH, "processes made the same key")
        expect(all(harness.use(key) for key in made), "a key made by another process does not sign")
        kept = all(harness.truth(key) == spki(key.public_key) for key in won)
        expect(kept, "a process has replaced the key that another has made with the same id")

    @rule("processes.fork")
    def test_a_fork_breaks_nothing(self, harness: Harness) -> None:
        """Servers fork their workers."""
        answer = subprocess_runner.run(harness, "fork", key=subprocess_runner.as_json(harness.create()))
        for who, good in answer.items():
            expect(good, f"a signature does not verify: {who}")

    @rule("processes.killed")
    def test_a_killed_creation_leaves_a_whole_key_or_nothing(
        self, harness: Harness, stored: Callable[[], int] | None, note: Callable[[str], None]
    ) -> None:
        """Wherever in `create_key` it was."""
        if not self.offers_hook(harness, "find_key", note):
            return
        harness.create()  # what a first use sets up is there
        before = self.counted(stored, note)
        left = subprocess_runner.run(harness, "be killed", most=CRASH_POINTS)
        expect(len(left) > 1, "create_key called nothing that could store a key")
        for moment in left:
            expect(moment["problem"] is None, f"killed after {moment['moment']}: {moment['problem']}")
        keys: list[CreatedKey] = [subprocess_runner.from_json(moment["found"]) for moment in left]
        harness.made.extend(keys)
        expect(all(harness.use(key) for key in keys), "a key that was left does not sign")
        if stored is not None:
            lost = stored() - before - len(keys)
            expect(lost == 0, f"{lost} private keys are left that nothing finds")


def _about_times(times: Sequence[float]) -> Iterator[str]:
    """How long signatures take, and what an average would hide."""
    usual = median(times)
    yield f"half of {len(times)} signatures take {_shown(usual)} or less, the slowest {_shown(max(times))}"
    slow = [took for took in times if took > max(SLOW * usual, NOTICEABLE)]
    if len(slow) > 1:
        yield f"{len(slow)} of {len(times)} signatures are slow: they take {_shown(median(slow))}"


def _shown(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def _check_signed_at_once(answer: bool | Exception) -> None:
    if isinstance(answer, Exception):
        raise UnmetError(f"{THREADS} threads sign at once: {type(answer).__name__}: {answer}") from answer
    expect(answer, "a signature made by one of several threads does not verify")


def _check_made_at_once(harness: Harness, made: CreatedKey | Exception) -> None:
    """A key that was made while others were is there, and is the one that was answered."""
    if isinstance(made, Exception):
        raise UnmetError(f"keys are made by {CREATORS} threads at once: {type(made).__name__}: {made}") from made
    same = harness.truth(made) == spki(made.public_key)
    expect(same, "keys are made by several threads at once: one has the place of another")
