"""A worker that has the keys signs what another process has reserved, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from cryptography import x509

from anchorhold.errors import (
    AuthorityNotReadyError,
    InputError,
    RefusedError,
    SessionOverError,
    UnknownAuthorityError,
)
from anchorhold.installation import Installation, open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import BACKENDS_GROUP, WRAPPERS_GROUP, KeyHandle, SignRequest, hookimpl
from anchorhold.public_keys import spki
from anchorhold.software_keys import SoftwareSigner
from plugin.fake_backends import MemoryBackend, Recorder, offer, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.algorithms import Algorithm
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
        signature: bytes = self.worker(request.ca.public_key_info, request.message)
        return signature

    def close(self) -> None:
        """Nothing is open."""


class AwayBackend(MemoryBackend):
    """The same keys, as a process has them that cannot reach them; its handles are its own."""

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any:
        return AwaySigner(request.public_key)


class Watching(Recorder):
    """Sees drafts, and may refuse."""

    drafts: ClassVar[list[Any]] = []
    refuses: ClassVar[bool] = False

    @hookimpl(wrapper=True)
    def sign(self, request: Any, signer: Any) -> Any:
        self.drafts.append(request.draft)
        if self.refuses:
            raise RefusedError("watching: no", hint="ask")
        return (yield)


SETTINGS = '[key_backends.default]\nbackend = "{}"\n'


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Installation]:
    """The installation with the key; settings that are read later are those of the other process."""
    monkeypatch.setattr(MemoryBackend, "keys", {})
    monkeypatch.setattr(Watching, "drafts", [])
    offers = {"near": "plugin.fake_backends:MemoryBackend", "away": f"{__name__}:AwayBackend"}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, offers)
    offer(monkeypatch, tmp_path / "wraps", WRAPPERS_GROUP, {"watching": f"{__name__}:Watching"}, distribution="acme-w")
    settings_file(tmp_path, monkeypatch, SETTINGS.format("near") + "[wrappers.watching]\n")
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        settings_file(tmp_path, monkeypatch, SETTINGS.format("away"))
        yield installation


def _signed(worker: Installation, public_key_info: bytes, message: bytes) -> bytes:
    return worker.signing.sign(worker.signing.find(public_key_info, message))


def test_a_certificate_is_signed_where_the_key_is_with_its_draft_shown_to_wrappers(
    worker: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AwaySigner, "worker", lambda _, *sent: _signed(worker, *sent))
    Watching.drafts.clear()
    with open_installation() as front, front.certificates.issuer("Root") as issuer:
        issued = issuer.sign(Order(csr=make_csr(), names=["a.example"]))
    root = worker.authorities.get("Root")
    x509.load_der_x509_certificate(issued.der).verify_directly_issued_by(root.certificate)
    (draft,) = Watching.drafts
    assert (draft.dns_names, draft.profile, f"{draft.serial:x}") == (("a.example",), "webserver", issued.serial)


def test_what_a_wrapper_of_the_worker_refuses_is_not_issued(
    worker: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AwaySigner, "worker", lambda _, *sent: _signed(worker, *sent))
    monkeypatch.setattr(Watching, "refuses", True)
    with (
        open_installation() as front,
        front.certificates.issuer("Root") as issuer,
        pytest.raises(RefusedError, match="watching: no"),
    ):
        issuer.sign(Order(csr=make_csr(), names=["a.example"]))


def _reserved(worker: Installation, make_csr: MakeCsr) -> bytes:
    """Octets that are reserved and not signed."""
    kept = worker.requests.reserve(worker.requests.submit("Root", Order(csr=make_csr(), names=["a.example"])).id)
    (record,) = worker.ledger.certificates.find(kept.serial or "", kept.authority_id)
    return record.tbs or b""


def test_only_what_is_reserved_to_the_last_bit_is_signed(worker: Installation, make_csr: MakeCsr) -> None:
    key = spki(worker.authorities.get("Root").public_key)
    tbs = _reserved(worker, make_csr)
    assert _signed(worker, key, tbs)
    altered = tbs.replace(b"a.example", b"b.example")
    for message, words in (
        (altered, "is reserved for another content"),
        (tbs[:-1], "is no TBSCertificate"),
        (b"anything", "is no TBSCertificate"),
    ):
        with pytest.raises(InputError, match=words):
            worker.signing.find(key, message)
    with pytest.raises(UnknownAuthorityError):
        worker.signing.find(key[:-1] + bytes([key[-1] ^ 1]), tbs)


def test_what_is_issued_or_was_never_reserved_is_not_signed(worker: Installation, make_csr: MakeCsr) -> None:
    key = spki(worker.authorities.get("Root").public_key)
    with worker.certificates.issuer("Root") as issuer:
        issued = x509.load_der_x509_certificate(issuer.sign(Order(csr=make_csr(), names=["a.example"])).der)
    with pytest.raises(InputError, match="is issued"):
        worker.signing.find(key, issued.tbs_certificate_bytes)
    serial = issued.serial_number.to_bytes(20, "big").lstrip(b"\0")
    other = issued.tbs_certificate_bytes.replace(serial, bytes([serial[0], serial[1] ^ 1]) + serial[2:])
    with pytest.raises(InputError, match="was never reserved"):
        worker.signing.find(key, other)


def test_an_authority_that_was_disabled_meanwhile_does_not_sign(worker: Installation, make_csr: MakeCsr) -> None:
    found = worker.signing.find(spki(worker.authorities.get("Root").public_key), _reserved(worker, make_csr))
    worker.authorities.edit("Root", enabled=False)
    with pytest.raises(AuthorityNotReadyError):
        worker.signing.sign(found)


def test_alias_and_handle_of_the_worker_may_be_others_than_those_of_the_ledger(
    worker: Installation, make_csr: MakeCsr
) -> None:
    root = worker.authorities.get("Root")
    found = worker.signing.find(spki(root.public_key), _reserved(worker, make_csr))
    name = root.key_handle.data["name"]
    MemoryBackend.keys["elsewhere"] = MemoryBackend.keys.pop(name)
    handle = KeyHandle(version=1, data={"name": "elsewhere"})
    assert worker.signing.sign(found, alias="default", handle=handle)


def test_a_signer_that_fails_to_close_costs_the_worker_no_signature(
    worker: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def close(_: SoftwareSigner) -> None:
        raise RuntimeError

    found = worker.signing.find(spki(worker.authorities.get("Root").public_key), _reserved(worker, make_csr))
    monkeypatch.setattr(SoftwareSigner, "close", close)
    assert worker.signing.sign(found)
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

    found = worker.signing.find(spki(worker.authorities.get("Root").public_key), _reserved(worker, make_csr))
    monkeypatch.setattr(SoftwareSigner, "sign", sign)
    assert worker.signing.sign(found)
    assert len({id(signer) for signer in asked}) == 2
