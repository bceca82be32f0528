"""Rules of signing: every algorithm, any message, often, and by many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchorhold.public_keys import spki
from anchorhold.testing import subprocess_runner
from anchorhold.testing.concurrency import frequent_switches, run_concurrently
from anchorhold.testing.fixtures import ContractFixtures, new_id
from anchorhold.testing.key_kinds import algorithms
from anchorhold.testing.rules import UnmetError, expect, rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import KeySpec
    from anchorhold.plugin import Capabilities, CreatedKey
    from anchorhold.testing.harness import Harness

LENGTHS: Final = (1, 31, 32, 64, 1000, 4096, 4097, 100_000, 2_000_000)
"""Octets: shorter and longer than digests, beyond the 4,096 that services take undigested, and long CRLs."""
MANY_TIMES: Final = 25
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
        signer = harness.load(harness.create(kind))
        for algorithm in algorithms(kind, offered):
            expect(harness.signs(signer, algorithm=algorithm), f"{kind}: a signature by {algorithm} does not verify")
        signer.close()

    @rule("sign.any-length")
    def test_messages_of_any_length_are_signed(self, harness: Harness) -> None:
        """The signer gets the whole message, and it alone hashes."""
        signer = harness.load(harness.create())
        for length in LENGTHS:
            expect(harness.signs(signer, bytes(length)), f"the signature over {length} octets does not verify")
        signer.close()

    @rule("sign.many-times")
    def test_a_signer_signs_many_times(self, harness: Harness) -> None:
        """For an open issuer keeps its signer."""
        signer = harness.load(harness.create())
        expect(harness.signs(signer), "the first signature does not verify")
        before = _descriptors()
        for number in range(2, MANY_TIMES + 1):
            expect(harness.signs(signer, b"message %d" % number), f"signature number {number} does not verify")
        more = _descriptors() - before
        signer.close()
        expect(
            more < MANY_TIMES // 2,
            f"after {MANY_TIMES} signatures {more} more files or connections are open than after one",
        )

    @rule("sign.signers-apart")
    def test_closing_a_signer_leaves_others_working(self, harness: Harness) -> None:
        """Two for one key and one for another."""
        created, second = harness.create(), harness.create()
        signers = [harness.load(created), harness.load(created), harness.load(second)]
        signers[0].close()
        expect(all(harness.signs(signer) for signer in signers[1:]), "a signer fails after another was closed")
        for signer in signers[1:]:
            signer.close()

    @rule("sign.threads")
    def test_threads_share_a_signer_and_a_backend(self, harness: Harness) -> None:
        """Several threads sign a batch, and make and load keys meanwhile."""
        created = harness.create()
        shared = harness.load(created)

        def work(thread: int) -> bool:
            good = [harness.signs(shared, b"thread %d, message %d" % (thread, number)) for number in range(3)]
            return all(good) and harness.use(created)

        with frequent_switches(), ThreadPoolExecutor(THREADS) as pool:
            good = list(pool.map(work, range(THREADS)))
        shared.close()
        expect(all(good), "a signature made by one of several threads does not verify")
        for _ in range(ROUNDS):
            for made in run_concurrently([harness.create] * CREATORS):
                _check_made_at_once(harness, made)

    @rule("processes.at-once")
    def test_processes_work_at_once(self, harness: Harness) -> None:
        """Each makes keys of its own, and all use one."""
        told = {
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


def _descriptors() -> int:
    """How many files and connections this process has open; 0 where the system does not say."""
    listing = Path("/proc/self/fd")
    return len(list(listing.iterdir())) if listing.is_dir() else 0


def _check_made_at_once(harness: Harness, made: CreatedKey | Exception) -> None:
    """A key that was made while others were is there, and is the one that was answered."""
    if isinstance(made, Exception):
        raise UnmetError(f"keys are made by {CREATORS} threads at once: {type(made).__name__}: {made}") from made
    same = harness.truth(made) == spki(made.public_key)
    expect(same, "keys are made by several threads at once: one has the place of another")
