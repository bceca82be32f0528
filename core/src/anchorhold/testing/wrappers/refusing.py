"""Rules of refusing: what a wrapper must not let pass, and how it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import AnchorholdError, BackendFailedError
from anchorhold.testing.concurrency import run_concurrently
from anchorhold.testing.rules import expect
from anchorhold.testing.wrappers.fixtures import WrapperFixtures
from anchorhold.testing.wrappers.rules import wrapper_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorhold.plugin import Signer, SignRequest
    from anchorhold.testing.wrappers.bench import WrapperBench

PATTERNS: Final = ("ara", "raar", "aarra")
"""Batches: requests that are allowed and refused, in this order."""


class RefusingRules(WrapperFixtures):
    """What a wrapper refuses."""

    @wrapper_rule("refuse.before")
    def test_what_is_refused_is_not_signed(self, bench: WrapperBench, note: Callable[[str], None]) -> None:
        """A signature that was made exists, even if it is thrown away."""
        if not self.told_refused(bench, note) or bench.refused is None:
            return
        with bench.signer() as signer:
            refused = bench.is_refused(bench.refused, signer)
            expect(not bench.script.signed, "the key has signed what was refused")
            expect(refused, "what must be refused comes out signed")

    @wrapper_rule("refuse.only-that")
    def test_each_request_of_a_batch_is_judged(self, bench: WrapperBench, note: Callable[[str], None]) -> None:
        """One after the other, in any order, and several at once."""
        if not self.told_refused(bench, note) or bench.refused is None:
            return
        with bench.signer() as signer:
            for pattern in PATTERNS:
                batch = [bench.refused if kind == "r" else bench.usual for kind in pattern]
                _check_judged(bench, batch, [bench.is_refused(request, signer) for request in batch])
                _check_judged(bench, batch, run_concurrently([_asker(bench, request, signer) for request in batch]))

    @wrapper_rule("refuse.hint")
    def test_a_refusal_says_what_to_do(self, bench: WrapperBench, note: Callable[[str], None]) -> None:
        """As every error does that people see."""
        if not self.told_refused(bench, note) or bench.refused is None:
            return
        with bench.signer() as signer:
            try:
                bench.sign(bench.refused, signer)
            except AnchorholdError as error:
                foreign = isinstance(error, BackendFailedError) and not isinstance(
                    error.__cause__, AnchorholdError | None
                )
                expect(not foreign, f"a {type(error.__cause__).__name__} is raised, which is a failure and no refusal")
                subject, colon, _ = error.problem.partition(": ")
                expect(subject and colon, f"the problem {error.problem!r} does not begin with its subject")
                expect("\n" not in error.problem, "the problem has more than one line")
                expect(error.hint and not error.hint.endswith("."), f"the hint {error.hint!r} is not one")


def _check_judged(bench: WrapperBench, batch: Sequence[SignRequest], refused: Sequence[Any]) -> None:
    for place, (request, was) in enumerate(zip(batch, refused, strict=True), 1):
        must = request is bench.refused
        expect(was is must, f"number {place} of {len(batch)} {'passes' if must else 'is refused'}")


def _asker(bench: WrapperBench, request: SignRequest, signer: Signer) -> Callable[[], bool]:
    return lambda: bench.is_refused(request, signer)
