"""A worker that has the keys signs what another process has reserved, through its own alias and wrappers."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from cryptography import x509

from anchorhold.errors import AnchorholdError, AuthorityNotReadyError, InputError, RefusedError, SessionOverError
from anchorhold.installation import Installation, open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import (
    BACKENDS_GROUP,
    WRAPPERS_GROUP,
    Algorithm,
    KeyHandle,
    SignRequest,
    WantedSignature,
    hookimpl,
)
from anchorhold.public_keys import spki
from anchorhold.services.signing import HeldSigners
from anchorhold.software_keys import SoftwareSigner
from plugin.fake_backends import MemoryBackend, Recorder, offer, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import MakeCsr

pytestmark = pytest.mark.usefixtures("database")


class AwaySigner:
    """Has no key, and asks a worker."""

    worker: ClassVar[Any] = None

    def __init__(self, public_key: Any) -> None:
        self.public_key = public_key

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        raise AssertionError("the worker has to know what it signs")

    def sign_request(self, request: SignRequest) -> bytes:
        """Send what the worker needs."""
        signature: bytes = self.worker(WantedSignature.of(request, spki(self.public_key)))
        return signature

    def close(self) -> None:
        """Nothing is open."""


class AwayBackend(MemoryBackend):
    """The same keys, as a process has them that cannot reach them; its handles are its own."""

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any:
        return AwaySigner(request.public_key)


class Watching(Recorder):
    """Sees what is signed, and may refuse."""

    seen: ClassVar[list[Any]] = []
    refuses: ClassVar[bool] = False

    @hookimpl(wrapper=True)
    def sign(self, request: Any, signer: Any) -> Any:
        self.seen.append(request)
        if self.refuses:
            raise RefusedError("watching: no", hint="ask")
        return (yield)


SETTINGS = '[key_backends.default]\nbackend = "{}"\n'


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Installation]:
    """The installation with the key; settings that are read later are those of the other process."""
    monkeypatch.setattr(MemoryBackend, "keys", {})
    monkeypatch.setattr(Watching, "seen", [])
    offers = {"near": "plugin.fake_backends:MemoryBackend", "away": f"{__name__}:AwayBackend"}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, offers)
    offer(monkeypatch, tmp_path / "wraps", WRAPPERS_GROUP, {"watching": f"{__name__}:Watching"}, distribution="acme-w")
    settings_file(tmp_path, monkeypatch, SETTINGS.format("near") + "[wrappers.watching]\n")
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        settings_file(tmp_path, monkeypatch, SETTINGS.format("away"))
        monkeypatch.setattr(AwaySigner, "worker", lambda _, wanted: _signed(installation, wanted))
        Watching.seen.clear()
        yield installation


def _signed(worker: Installation, wanted: WantedSignature, **arguments: Any) -> bytes:
    (outcome,) = worker.signing.sign_intended([worker.signing.find_intended(wanted)], **arguments)
    if isinstance(outcome, AnchorholdError):
        raise outcome
    return outcome


def _reserved(worker: Installation, make_csr: MakeCsr) -> WantedSignature:
    """What is reserved and not signed."""
    kept = worker.requests.reserve(worker.requests.submit("Root", Order(csr=make_csr(), names=["a.example"])).id)
    (record,) = worker.ledger.certificates.find(kept.serial or "", kept.authority_id)
    root = worker.authorities.get("Root")
    return WantedSignature(
        purpose="certificate",
        public_key_info=spki(root.public_key),
        algorithm=root.algorithm,
        digest=sha256(record.tbs or b"").digest(),
        serial=record.serial,
    )


def test_a_certificate_is_signed_where_the_key_is_with_its_draft_shown_to_wrappers(
    worker: Installation, make_csr: MakeCsr
) -> None:
    with open_installation() as front, front.certificates.issuer("Root") as issuer:
        issued = issuer.sign(Order(csr=make_csr(), names=["a.example"]))
    root = worker.authorities.get("Root")
    x509.load_der_x509_certificate(issued.der).verify_directly_issued_by(root.certificate)
    (draft,) = [request.draft for request in Watching.seen]
    assert (draft.dns_names, draft.profile, f"{draft.serial:x}") == (("a.example",), "webserver", issued.serial)


def test_what_a_wrapper_of_the_worker_refuses_is_not_issued(
    worker: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watching, "refuses", True)
    with (
        open_installation() as front,
        front.certificates.issuer("Root") as issuer,
        pytest.raises(RefusedError, match="watching: no"),
    ):
        issuer.sign(Order(csr=make_csr(), names=["a.example"]))
    assert worker.workers.refusals()[0].reason == "refused-by-wrapper"


def test_an_authority_that_is_disabled_does_not_sign(worker: Installation, make_csr: MakeCsr) -> None:
    wanted = _reserved(worker, make_csr)
    worker.authorities.edit("Root", enabled=False)
    with pytest.raises(AuthorityNotReadyError):
        worker.signing.find_intended(wanted)
    assert worker.workers.refusals()[0].reason == "authority-not-ready"


def test_alias_and_handle_of_the_worker_may_be_others_than_those_of_the_ledger(
    worker: Installation, make_csr: MakeCsr
) -> None:
    root, wanted = worker.authorities.get("Root"), _reserved(worker, make_csr)
    name = root.key_handle.data["name"]
    MemoryBackend.keys["elsewhere"] = MemoryBackend.keys.pop(name)
    handle = KeyHandle(version=1, data={"name": "elsewhere"})
    assert _signed(worker, wanted, alias="default", handle=handle)


def test_a_signer_that_fails_to_close_costs_the_worker_no_signature(
    worker: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def close(_: SoftwareSigner) -> None:
        raise RuntimeError

    wanted = _reserved(worker, make_csr)
    monkeypatch.setattr(SoftwareSigner, "close", close)
    assert _signed(worker, wanted)
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "a signer failed to close (RuntimeError)" in warning


def test_a_session_that_is_over_is_begun_again_for_the_worker(
    worker: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, asked = SoftwareSigner.sign, []

    def sign(signer: SoftwareSigner, message: bytes, algorithm: Algorithm) -> bytes:
        asked.append(signer)
        if len(asked) == 1:
            raise SessionOverError("memory: the session is over", hint="log in again")
        return usual(signer, message, algorithm)

    wanted = _reserved(worker, make_csr)
    monkeypatch.setattr(SoftwareSigner, "sign", sign)
    assert _signed(worker, wanted)
    assert len({id(signer) for signer in asked}) == 2


def test_a_signer_is_kept_for_the_next_request_until_it_fails(
    worker: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Any] = []
    usual = SoftwareSigner.__init__

    def load(signer: SoftwareSigner, *arguments: Any) -> None:
        loaded.append(signer)
        usual(signer, *arguments)

    def fail(*_: Any) -> bytes:
        raise RuntimeError

    wanted = _reserved(worker, make_csr)
    monkeypatch.setattr(SoftwareSigner, "__init__", load)
    with HeldSigners() as held:
        for _ in range(2):
            assert _signed(worker, wanted, held=held)
        assert len(loaded) == 1
        with monkeypatch.context() as patched:
            patched.setattr(SoftwareSigner, "sign", fail)
            with pytest.raises(AnchorholdError):
                _signed(worker, wanted, held=held)
        assert _signed(worker, wanted, held=held)
    assert len(loaded) == 2


def test_signatures_by_several_keys_are_not_made_together(worker: Installation, make_csr: MakeCsr) -> None:
    worker.authorities.create("Other", "CN=Other")
    first = worker.signing.find_intended(_reserved(worker, make_csr))
    other = worker.authorities.get("Other")
    probe = b"\x00anchorhold probe\x00" + bytes(32)
    second = worker.signing.find_intended(
        WantedSignature(
            purpose="probe",
            public_key_info=spki(other.public_key),
            algorithm=other.algorithm,
            digest=sha256(probe).digest(),
            message=probe,
        )
    )
    with pytest.raises(InputError, match="several keys"):
        worker.signing.sign_intended([first, second])
    assert worker.signing.sign_intended([]) == []
