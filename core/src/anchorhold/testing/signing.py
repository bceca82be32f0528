"""Rules of signing: every algorithm, any message, often, and by many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchorhold.publickeys import spki
from anchorhold.testing import children
from anchorhold.testing.crowd import at_once, restless
from anchorhold.testing.kinds import algorithms
from anchorhold.testing.rules import UnmetError, expect, rule
from anchorhold.testing.subject import Subject, new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import KeySpec
    from anchorhold.seam import Capabilities, CreatedKey
    from anchorhold.testing.bench import Bench

LENGTHS: Final = (1, 31, 32, 64, 1000, 4096, 4097, 100_000, 2_000_000)
"""Octets: shorter and longer than digests, beyond the 4,096 that services take undigested, and long CRLs."""
OFTEN: Final = 25
THREADS: Final = 8
MAKERS: Final = 4
"""Threads that make keys at once."""
ROUNDS: Final = 2
PROCESSES: Final = 3
KEYS_EACH: Final = 2
MOMENTS: Final = 8
"""How often a creation is killed."""


class Signing(Subject):
    """What signers do."""

    @rule("sign.every-algorithm")
    def test_every_algorithm_works(self, bench: Bench, kind: KeySpec, offered: Capabilities) -> None:
        """Every hash and padding for each kind of key."""
        signer = bench.load(bench.create(kind))
        for algorithm in algorithms(kind, offered):
            expect(bench.signs(signer, algorithm=algorithm), f"{kind}: a signature by {algorithm} does not verify")
        signer.close()

    @rule("sign.any-length")
    def test_messages_of_any_length_are_signed(self, bench: Bench) -> None:
        """The signer gets the whole message, and it alone hashes."""
        signer = bench.load(bench.create())
        for length in LENGTHS:
            expect(bench.signs(signer, bytes(length)), f"the signature over {length} octets does not verify")
        signer.close()

    @rule("sign.many-times")
    def test_a_signer_signs_many_times(self, bench: Bench) -> None:
        """For an open issuer keeps its signer."""
        signer = bench.load(bench.create())
        expect(bench.signs(signer), "the first signature does not verify")
        before = _descriptors()
        for number in range(2, OFTEN + 1):
            expect(bench.signs(signer, b"message %d" % number), f"signature number {number} does not verify")
        more = _descriptors() - before
        signer.close()
        expect(more < OFTEN // 2, f"after {OFTEN} signatures {more} more files or connections are open than after one")

    @rule("sign.signers-apart")
    def test_closing_a_signer_leaves_others_working(self, bench: Bench) -> None:
        """Two for one key and one for another."""
        created, second = bench.create(), bench.create()
        signers = [bench.load(created), bench.load(created), bench.load(second)]
        signers[0].close()
        expect(all(bench.signs(signer) for signer in signers[1:]), "a signer fails after another was closed")
        for signer in signers[1:]:
            signer.close()

    @rule("sign.threads")
    def test_threads_share_a_signer_and_a_backend(self, bench: Bench) -> None:
        """Several threads sign a batch, and make and load keys meanwhile."""
        created = bench.create()
        shared = bench.load(created)

        def work(thread: int) -> bool:
            good = [bench.signs(shared, b"thread %d, message %d" % (thread, number)) for number in range(3)]
            return all(good) and bench.use(created)

        with restless(), ThreadPoolExecutor(THREADS) as pool:
            good = list(pool.map(work, range(THREADS)))
        shared.close()
        expect(all(good), "a signature made by one of several threads does not verify")
        for _ in range(ROUNDS):
            for made in at_once([bench.create] * MAKERS):
                _check_made_at_once(bench, made)

    @rule("processes.at-once")
    def test_processes_work_at_once(self, bench: Bench) -> None:
        """Each makes keys of its own, and all use one."""
        told = {"shared": children.as_json(bench.create()), "contested": [new_id().hex() for _ in range(KEYS_EACH)]}
        running = [children.start(bench, "create keys", count=KEYS_EACH, **told) for _ in range(PROCESSES)]
        children.release(running)
        answers = children.answers_of(running)
        made = [children.from_json(key) for answer in answers for key in answer["made"]]
        won = [children.from_json(key) for answer in answers for key in answer["won"]]
        bench.made.extend([*made, *won])
        expect(len({spki(key.public_key) for key in made}) == PROCESSES * KEYS_EACH, "processes made the same key")
        expect(all(bench.use(key) for key in made), "a key made by another process does not sign")
        kept = all(bench.truth(key) == spki(key.public_key) for key in won)
        expect(kept, "a process has replaced the key that another has made with the same id")

    @rule("processes.fork")
    def test_a_fork_breaks_nothing(self, bench: Bench) -> None:
        """Servers fork their workers."""
        answer = children.run(bench, "fork", key=children.as_json(bench.create()))
        for who, good in answer.items():
            expect(good, f"a signature does not verify: {who}")

    @rule("processes.killed")
    def test_a_killed_creation_leaves_a_whole_key_or_nothing(
        self, bench: Bench, stored: Callable[[], int] | None, note: Callable[[str], None]
    ) -> None:
        """Wherever in `create_key` it was."""
        if not self.offers_hook(bench, "find_key", note):
            return
        bench.create()  # what a first use sets up is there
        before = self.counted(stored, note)
        left = children.run(bench, "be killed", most=MOMENTS)
        expect(len(left) > 1, "create_key called nothing that could store a key")
        for moment in left:
            expect(moment["problem"] is None, f"killed after {moment['moment']}: {moment['problem']}")
        keys: list[CreatedKey] = [children.from_json(moment["found"]) for moment in left]
        bench.made.extend(keys)
        expect(all(bench.use(key) for key in keys), "a key that was left does not sign")
        if stored is not None:
            lost = stored() - before - len(keys)
            expect(lost == 0, f"{lost} private keys are left that nothing finds")


def _descriptors() -> int:
    """How many files and connections this process has open; 0 where the system does not say."""
    listing = Path("/proc/self/fd")
    return len(list(listing.iterdir())) if listing.is_dir() else 0


def _check_made_at_once(bench: Bench, made: CreatedKey | Exception) -> None:
    """A key that was made while others were is there, and is the one that was answered."""
    if isinstance(made, Exception):
        raise UnmetError(f"keys are made by {MAKERS} threads at once: {type(made).__name__}: {made}") from made
    same = bench.truth(made) == spki(made.public_key)
    expect(same, "keys are made by several threads at once: one has the place of another")
