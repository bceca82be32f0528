"""Rules of signing in batches: each answer belongs to its request, whatever becomes of the others."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from anchorhold.algorithms import KeySpec, key_spec
from anchorhold.errors import AnchorholdError
from anchorhold.plugin import Draft, SignRequest
from anchorhold.plugin.batch_signing import sign_until_free
from anchorhold.public_keys import is_signed_by, spec_of, spki
from anchorhold.testing.concurrency import run_concurrently
from anchorhold.testing.fixtures import ContractFixtures
from anchorhold.testing.harness import CA
from anchorhold.testing.key_kinds import algorithms, one_of_each_type
from anchorhold.testing.rules import UnmetError, expect, rule
from anchorhold.x509.to_be_signed import capture_tbs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorhold.algorithms import Algorithm
    from anchorhold.plugin import Capabilities, Signer
    from anchorhold.plugin.batch_signing import Outcome
    from anchorhold.testing.harness import Harness

LARGEST: Final = 1000
"""Requests in a batch where the limit is higher still: core has no larger ones."""
FEW: Final = 5
THREADS: Final = 8
ROUNDS: Final = 3
"""Batches of each thread."""
_NAME: Final = x509.Name.from_rfc4514_string(CA.subject)
_DAY: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_FOREIGN: Final = (KeySpec(type="Ed25519").algorithm(), key_spec("EC").algorithm())
"""Algorithms of which each kind of key lacks one."""


class BatchRules(ContractFixtures):
    """What `sign_batch` answers, where it is offered; core asks a signer for each signature where it is not."""

    @rule("batch.each-its-own")
    def test_each_signature_of_a_batch_is_over_its_own_request(self, harness: Harness, offered: Capabilities) -> None:
        """Of one request, of as many as there may be, and with all algorithms of a key in turn."""
        if not harness.backend.supports("sign_batch"):
            return
        limit = _limit(harness)
        for kind in one_of_each_type(offered):
            known = algorithms(kind, offered)
            most = limit if kind == harness.kind else min(limit, len(known) + 1)
            with harness.lent(harness.create(kind)) as signer:
                for size in sorted({1, most}):
                    requests = _requests(signer, list(islice(cycle(known), size)))
                    _check_signed(signer, requests, _answers(harness, requests, signer))

    @rule("batch.refuses-one")
    def test_a_request_that_cannot_be_signed_stops_no_other(
        self, harness: Harness, note: Callable[[str], None]
    ) -> None:
        """At the beginning of a batch, in the middle, and at the end."""
        size = min(FEW, _limit(harness))
        if size < 2 or not harness.backend.supports("sign_batch"):
            return
        with harness.lent(harness.create()) as signer:
            good = _requests(signer, _usual(harness, signer, size))
            bad, error = _refused(good[0], signer)
            if error is None:
                note(f"{self.backend}: its signer refuses no algorithm of another key, so no batch has one to refuse")
                return
            for place in sorted({0, size // 2, size - 1}):
                requests = [*good[:place], bad, *good[place + 1 :]]
                answers = _answered(harness, requests, signer)
                _check_refused(answers[place], error, f"number {place + 1} of {size}")
                _check_signed(signer, requests, answers, refused=place)

    @rule("batch.closed")
    def test_a_closed_signer_signs_no_batch(self, harness: Harness) -> None:
        """Its secrets are forgotten and its session is given back."""
        if not harness.backend.supports("sign_batch"):
            return
        signer = harness.load(harness.create())
        requests = _requests(signer, _usual(harness, signer, min(FEW, _limit(harness))))
        expect(_are_signed(_answers(harness, requests, signer)), "no batch is signed even before")
        with suppress(Exception):  # the matter of another rule
            signer.close()
        try:
            answers = _answers(harness, requests, signer)
        except Exception:
            return
        expect(not _are_signed(answers), "the signer was closed, and signs a batch")

    @rule("batch.threads")
    def test_threads_sign_batches_at_once(self, harness: Harness) -> None:
        """As many as the backend says, with one signer."""
        if not harness.backend.supports("sign_batch"):
            return
        threads = min(THREADS, harness.backend.capabilities.threads(THREADS))
        with harness.lent(harness.create()) as signer:
            usual = _usual(harness, signer, min(FEW, _limit(harness)))

            def work(thread: int) -> None:
                for turn in range(ROUNDS):
                    requests = _requests(signer, usual, first=1 + (thread * ROUNDS + turn) * len(usual))
                    _check_signed(signer, requests, _answers(harness, requests, signer))

            outcomes = run_concurrently([partial(work, thread) for thread in range(threads)], lockstep=False)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise UnmetError(f"{threads} threads sign batches at once: {outcome}") from outcome


def _limit(harness: Harness) -> int:
    return min(LARGEST, harness.backend.capabilities.batch_limit)


def _usual(harness: Harness, signer: Signer, size: int) -> list[Algorithm]:
    """The algorithm of a key for a whole batch."""
    return algorithms(spec_of(signer.public_key), harness.offered)[:1] * size


def _requests(signer: Signer, chosen: Sequence[Algorithm], first: int = 1) -> list[SignRequest]:
    """Requests for certificates, as core makes them.

    Args:
        signer: Of the authority.
        chosen: The algorithm of each.
        first: Serial number of the first one.
    """
    return [_request(signer, algorithm, serial) for serial, algorithm in enumerate(chosen, first)]


def _request(signer: Signer, algorithm: Algorithm, serial: int) -> SignRequest:
    draft = Draft(
        issuer=_NAME,
        subject=_NAME,
        serial=serial,
        not_before=_DAY,
        not_after=_DAY + dt.timedelta(days=90),
        public_key=signer.public_key,
        extensions=(),
        profile="contract",
    )
    return SignRequest(
        message=capture_tbs(draft, signer.public_key, algorithm),
        algorithm=algorithm,
        purpose="certificate",
        ca=replace(CA, public_key_info=spki(signer.public_key)),
        draft=draft,
    )


def _refused(good: SignRequest, signer: Signer) -> tuple[SignRequest, Exception | None]:
    """A request with an algorithm that the key has not, and what its signer raises for it; None if it signs that."""
    foreign = next(algorithm for algorithm in _FOREIGN if algorithm.scheme != good.algorithm.scheme)
    try:
        signer.sign(good.message, foreign)
    except Exception as error:
        return replace(good, algorithm=foreign), error
    return good, None


def _answers(harness: Harness, requests: Sequence[SignRequest], signer: Signer) -> Sequence[Outcome]:
    """What the backend answers; where it is busy it is asked again, as by core.

    Raises:
        UnmetError: It is not one answer for each request.
    """

    def ask(asked: list[SignRequest]) -> Sequence[Outcome]:
        answers: Any = harness.call("sign_batch", requests=asked, signer=signer)
        expect(isinstance(answers, list), f"sign_batch answers a {type(answers).__name__}, not a list")
        expect(len(answers) == len(asked), f"for {len(asked)} requests there are {len(answers)} answers")
        return answers  # type: ignore[no-any-return]  # they are judged one by one

    return sign_until_free(requests, ask, ocsp=False)


def _answered(harness: Harness, requests: Sequence[SignRequest], signer: Signer) -> Sequence[Outcome]:
    """The same of a batch with one bad request, which must not make it raise."""
    try:
        return _answers(harness, requests, signer)
    except UnmetError:
        raise
    except Exception as error:
        raise UnmetError(
            f"one bad request fails a batch of {len(requests)}: {type(error).__name__}: {error}"
        ) from error


def _are_signed(answers: Sequence[Outcome]) -> bool:
    """Whether there is any signature; whether it is right is the matter of another rule."""
    return any(isinstance(answer, bytes) for answer in answers)


def _check_signed(
    signer: Signer, requests: Sequence[SignRequest], answers: Sequence[Outcome], refused: int | None = None
) -> None:
    """Each answer is the signature over its request, except in the place of one that is refused."""
    for place, (request, answer) in enumerate(zip(requests, answers, strict=True)):
        if place == refused:
            continue
        which = f"number {place + 1} of {len(requests)}, by {request.algorithm},"
        if isinstance(answer, Exception):
            raise UnmetError(f"{which} is refused: {type(answer).__name__}: {answer}") from answer
        expect(isinstance(answer, bytes), f"{which} is answered with {type(answer).__name__} instead of a signature")
        good = is_signed_by(signer.public_key, answer, request.message, request.algorithm)
        expect(good, f"{which} is answered with something else than the signature over it")


def _check_refused(answer: Outcome, raised: Exception, which: str) -> None:
    """In the place of a signature stands an error of the kind that the signer raises."""
    kind = AnchorholdError if isinstance(raised, AnchorholdError) else Exception
    found = f"{which} cannot be signed, and is answered with {type(answer).__name__}"
    expect(isinstance(answer, kind), f"{found}, where the signer raises {type(raised).__name__}")
