"""The bases for keys in a service on the network: what signs, what reaches the service, and what its errors mean."""

from __future__ import annotations

import os
import traceback
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import pytest

from anchorhold import software_keys
from anchorhold.algorithms import Algorithm, key_spec
from anchorhold.errors import AnchorholdError, BackendFailedError, KeyMissingError, KeyUnsupportedError
from anchorhold.plugin import Failure, RemoteService, RemoteSigner, SignRequest
from anchorhold.public_keys import is_signed_by, spki
from plugin.fake_backends import CA

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.software_keys import PrivateKey

ECDSA = Algorithm(scheme="ecdsa", hash="SHA-256")
ROOT = "key backend 'far', key of 'Root'"
GONE = Failure(KeyMissingError, "the service has no key {key}", "see which: far describe {key}")
CANARY = "canary-token"


class LibraryError(Exception):
    """As libraries raise them."""


class Far(RemoteService[list[str]]):
    """A service whose client is a list of requests."""

    def __init__(self) -> None:
        super().__init__("key backend 'far'")
        self.key: PrivateKey = software_keys.generate(key_spec("EC"))
        self.opened: list[list[str]] = []

    def open_client(self) -> list[str]:
        self.opened.append([])
        return self.opened[-1]

    def translate(self, error: Exception, subject: str, facts: dict[str, str]) -> AnchorholdError | None:
        return GONE.error(subject, **facts) if isinstance(error, LibraryError) else None


class Discreet(Far):
    """Its library has tokens in its exceptions."""

    shows_cause = False


class FarSigner(RemoteSigner[Far, str]):
    """Signs there."""

    def request_signature(
        self, service: Far, message: bytes, algorithm: Algorithm, parameter: str, seconds: float = 30.0
    ) -> bytes:
        with service.client(self.subject) as client:
            client.append(parameter if seconds == 30.0 else f"{parameter} within {seconds}")
        return software_keys.SoftwareSigner(service.key).sign(message, algorithm)


class PunctualSigner(FarSigner):
    """Wants to know how long it may take."""

    def sign_request(self, request: SignRequest) -> bytes:
        """Within the deadline."""
        service, parameter = self.service_for(request.algorithm)
        return self.request_signature(service, request.message, request.algorithm, parameter, request.seconds_left(2.0))


@pytest.fixture
def far() -> Far:
    """The service."""
    return Far()


@pytest.fixture
def signer(far: Far) -> FarSigner:
    """Of its key."""
    return FarSigner(far, far.key.public_key(), ROOT, {ECDSA: "ECDSA_SHA_256"})


def test_the_service_is_asked_in_its_own_words(far: Far, signer: FarSigner) -> None:
    signature = signer.sign(b"message", ECDSA)
    assert is_signed_by(far.key.public_key(), signature, b"message", ECDSA)
    assert far.opened == [["ECDSA_SHA_256"]]


def test_the_public_key_costs_no_request(far: Far, signer: FarSigner) -> None:
    assert spki(signer.public_key) == spki(far.key.public_key())
    assert far.opened == []


@pytest.mark.parametrize("algorithm", [Algorithm(scheme="ecdsa", hash="SHA-512"), Algorithm(scheme="ed25519")], ids=str)
def test_what_the_key_does_not_sign_with_is_refused_without_a_request(
    far: Far, signer: FarSigner, algorithm: Algorithm
) -> None:
    words = f"{ROOT}: does not sign with {algorithm}; choose one of ecdsa with SHA-256"
    with pytest.raises(KeyUnsupportedError, match=words):
        signer.sign(b"message", algorithm)
    assert far.opened == []


def test_a_closed_signer_signs_no_more_and_another_one_goes_on(far: Far, signer: FarSigner) -> None:
    other = FarSigner(far, far.key.public_key(), ROOT, {ECDSA: "other"})
    signer.close()
    with pytest.raises(BackendFailedError, match=f"{ROOT}: the signer was closed"):
        signer.sign(b"message", ECDSA)
    other.sign(b"message", ECDSA)
    assert far.opened == [["other"]]


def test_a_signer_that_is_told_the_request_refuses_the_same(far: Far) -> None:
    signer = PunctualSigner(far, far.key.public_key(), ROOT, {ECDSA: "ECDSA_SHA_256"})
    request = SignRequest(message=b"message", algorithm=ECDSA, purpose="crl", ca=CA)
    assert is_signed_by(far.key.public_key(), signer.sign_request(request), b"message", ECDSA)
    assert far.opened == [["ECDSA_SHA_256 within 2.0"]]
    with pytest.raises(KeyUnsupportedError, match="does not sign with ed25519"):
        signer.sign_request(replace(request, algorithm=Algorithm(scheme="ed25519")))
    signer.close()
    with pytest.raises(BackendFailedError, match="the signer was closed"):
        signer.sign_request(request)
    assert len(far.opened[0]) == 1


def test_a_signer_shows_its_subject_and_nothing_of_the_service(signer: FarSigner) -> None:
    assert repr(signer) == f"<signer of {ROOT}>"


def test_the_client_is_opened_once(far: Far) -> None:
    with far.client() as first, far.client() as second:
        assert first is second
    assert len(far.opened) == 1


class Closable(Far):
    """Its clients are closed by what they have for it."""

    closed: list[list[str]]

    def close_client(self, client: list[str]) -> None:
        self.closed = [client]


def test_the_client_of_this_process_is_closed_once_and_another_is_opened_when_it_is_needed() -> None:
    far = Closable()
    far.close()
    assert not hasattr(far, "closed")
    with far.client() as first:
        pass
    far.close()
    (closed,) = far.closed
    assert closed is first
    far.closed = []
    far.close()
    assert far.closed == []
    with far.client() as second:
        assert second is not first


def test_a_client_is_closed_by_its_own_method(tmp_path: Path) -> None:
    class Reading(RemoteService[IO[str]]):
        def open_client(self) -> IO[str]:
            return (tmp_path / "log").open("w")

        def translate(self, error: Exception, subject: str, facts: dict[str, str]) -> AnchorholdError | None:
            return None

    service = Reading("key backend 'far'")
    with service.client() as client:
        assert not client.closed
    service.close()
    assert client.closed


def test_a_forked_child_closes_no_client_of_its_parent() -> None:
    far = Closable()
    with far.client():
        pass
    child = os.fork()
    if not child:
        try:
            far.close()
            os._exit(0 if not hasattr(far, "closed") else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_forked_child_has_a_client_of_its_own(far: Far) -> None:
    with far.client() as parents:
        parents.append("parent")
    child = os.fork()
    if not child:
        try:
            with far.client() as own:
                os._exit(0 if own == [] and len(far.opened) == 2 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with far.client() as still:
        assert still is parents


def _raised(service: Far, error: Exception, **facts: str) -> AnchorholdError:
    with pytest.raises(AnchorholdError) as caught, service.client(ROOT, **facts):
        raise error
    return caught.value


def test_an_error_of_the_library_is_one_of_ours_with_its_facts(far: Far) -> None:
    raised = _raised(far, LibraryError("404"), key="2a")
    assert type(raised) is KeyMissingError
    assert str(raised) == f"{ROOT}: the service has no key 2a; see which: far describe 2a"
    assert isinstance(raised.__cause__, LibraryError)


def test_an_error_of_ours_passes_as_it_is(far: Far) -> None:
    error = KeyMissingError("x: is gone", hint="look for it")
    assert _raised(far, error) is error


def test_what_is_not_known_names_its_kind(far: Far) -> None:
    raised = _raised(far, RuntimeError("?"))
    assert type(raised) is BackendFailedError
    assert f"{ROOT}: the request failed (RuntimeError)" in str(raised)


@pytest.mark.parametrize("kind", [LibraryError, RuntimeError])
def test_where_causes_hold_a_secret_none_is_shown(kind: Callable[[str], Exception]) -> None:
    raised: Any = _raised(Discreet(), kind(CANARY), key="2a")
    assert CANARY not in "".join(traceback.format_exception(raised))
