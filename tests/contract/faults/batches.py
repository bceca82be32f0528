"""Faults of signing in batches."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anchorhold import software_keys
from anchorhold.errors import BackendFailedError
from anchorhold.plugin import hookimpl
from contract.file_backend import FileBackend, outcome

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm
    from anchorhold.plugin import BackendContext, KeyRequest, Secrets, Signer, SignRequest
    from contract.file_backend import FileOptions


class AnswersBackwards(FileBackend):
    """Answers the request that came last before the others."""

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> list[Any]:
        return super().sign_batch(requests[::-1], signer)


class HashesAllTheSame(FileBackend):
    """Sends one hash for all requests of a batch."""

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> list[Any]:
        return super().sign_batch([replace(each, algorithm=_sha256(each.algorithm)) for each in requests], signer)


def _sha256(algorithm: Algorithm) -> Algorithm:
    return replace(algorithm, hash="SHA-256") if algorithm.hash else algorithm


class TakesHalfABatch(FileBackend):
    """Declares a larger batch than its service takes."""

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> list[Any]:
        if len(requests) > self.capabilities.batch_limit // 2:
            raise BackendFailedError(f"{self.subject}: the batch is too large", hint="make it smaller")
        return super().sign_batch(requests, signer)


class TakesNoBatchOfOne(FileBackend):
    """Answers one request as if it were no batch."""

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> Any:
        answers = super().sign_batch(requests, signer)
        return answers if len(answers) > 1 else answers[0]


class OneSpoilsTheBatch(FileBackend):
    """Raises what one request is refused with."""

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> list[Any]:
        return [signer.sign(request.message, request.algorithm) for request in requests]


class LeavesOutWhatItRefuses(FileBackend):
    """Answers with signatures only."""

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> list[Any]:
        return [each for each in super().sign_batch(requests, signer) if isinstance(each, bytes)]


class AnswersNothingForWhatItRefuses(FileBackend):
    """Has no error in the place of a signature."""

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> list[Any]:
        return [each if isinstance(each, bytes) else None for each in super().sign_batch(requests, signer)]


class StopsAtWhatItRefuses(FileBackend):
    """Signs what comes before a bad request."""

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> list[Any]:
        answers = super().sign_batch(requests, signer)
        first = next((number for number, each in enumerate(answers) if isinstance(each, Exception)), len(answers))
        return [*answers[:first], *answers[first : first + 1] * (len(answers) - first)]


class _RemembersItsKey(software_keys.SoftwareSigner):
    def __init__(self, key: software_keys.PrivateKey) -> None:
        super().__init__(key)
        self.key = key


class SignsBatchesAfterClose(FileBackend):
    """Signs batches past the signer."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _RemembersItsKey(self.open(request, secrets))

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Any) -> list[Any]:
        return [outcome(request, software_keys.SoftwareSigner(signer.key)) for request in requests]


class SharesItsBatch(FileBackend):
    """Has one place for the batch that it signs."""

    def __init__(self, options: FileOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        self.batch: list[SignRequest] = []

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> list[Any]:
        self.batch = requests
        time.sleep(0.001)
        return super().sign_batch(self.batch, signer)
