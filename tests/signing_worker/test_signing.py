"""A worker that has the keys signs what another process has reserved, through its own alias and wrappers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold.errors import AnchorholdError, AuthorityNotReadyError, InputError, RefusedError, SessionOverError
from anchorhold.operations.order import Order
from anchorhold.plugin import KeyHandle
from anchorhold.services.signing import HeldSigners
from anchorhold.software_keys import SoftwareSigner
from plugin.fake_backends import MemoryBackend
from signing_worker.away import Watching

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm
    from conftest import MakeCsr
    from signing_worker.away import Peers


def test_a_certificate_is_signed_where_the_key_is_with_its_draft_shown_to_wrappers(
    peers: Peers, make_csr: MakeCsr
) -> None:
    with peers.front() as front, front.certificates.issuer("Root") as issuer:
        issued = issuer.sign(Order(csr=make_csr(), names=["a.example"]))
    root = peers.worker.authorities.get("Root")
    x509.load_der_x509_certificate(issued.der).verify_directly_issued_by(root.certificate)
    (draft,) = [request.draft for request in Watching.seen]
    assert draft is not None
    assert (draft.dns_names, draft.profile, f"{draft.serial:x}") == (("a.example",), "webserver", issued.serial)


def test_what_a_wrapper_of_the_worker_refuses_is_not_issued(
    peers: Peers, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watching, "refuses", "certificate")
    with (
        peers.front() as front,
        front.certificates.issuer("Root") as issuer,
        pytest.raises(RefusedError, match="watching: no"),
    ):
        issuer.sign(Order(csr=make_csr(), names=["a.example"]))
    assert peers.worker.workers.refusals()[0].reason == "refused-by-wrapper"


def test_an_authority_that_is_disabled_does_not_sign(peers: Peers, make_csr: MakeCsr) -> None:
    wanted = peers.reserve(make_csr())
    peers.worker.authorities.edit("Root", enabled=False)
    with pytest.raises(AuthorityNotReadyError):
        peers.worker.signing.find_intended(wanted)
    assert peers.worker.workers.refusals()[0].reason == "authority-not-ready"


def test_alias_and_handle_of_the_worker_may_be_others_than_those_of_the_ledger(peers: Peers, make_csr: MakeCsr) -> None:
    root, wanted = peers.worker.authorities.get("Root"), peers.reserve(make_csr())
    name = root.key_handle.data["name"]
    MemoryBackend.keys["elsewhere"] = MemoryBackend.keys.pop(name)
    handle = KeyHandle(version=1, data={"name": "elsewhere"})
    assert peers.sign(wanted, alias="default", handle=handle)


def test_a_signer_that_fails_to_close_costs_the_worker_no_signature(
    peers: Peers, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def close(_: SoftwareSigner) -> None:
        raise RuntimeError

    wanted = peers.reserve(make_csr())
    monkeypatch.setattr(SoftwareSigner, "close", close)
    assert peers.sign(wanted)
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "a signer failed to close (RuntimeError)" in warning


def test_a_session_that_is_over_is_begun_again_for_the_worker(
    peers: Peers, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, asked = SoftwareSigner.sign, []

    def sign(signer: SoftwareSigner, message: bytes, algorithm: Algorithm) -> bytes:
        asked.append(signer)
        if len(asked) == 1:
            raise SessionOverError("memory: the session is over", hint="log in again")
        return usual(signer, message, algorithm)

    wanted = peers.reserve(make_csr())
    monkeypatch.setattr(SoftwareSigner, "sign", sign)
    assert peers.sign(wanted)
    assert len({id(signer) for signer in asked}) == 2


def test_a_signer_is_kept_for_the_next_request_until_it_fails(
    peers: Peers, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Any] = []
    usual = SoftwareSigner.__init__

    def load(signer: SoftwareSigner, *arguments: Any) -> None:
        loaded.append(signer)
        usual(signer, *arguments)

    def fail(*_: Any) -> bytes:
        raise RuntimeError

    wanted = peers.reserve(make_csr())
    monkeypatch.setattr(SoftwareSigner, "__init__", load)
    with HeldSigners() as held:
        for _ in range(2):
            assert peers.sign(wanted, held=held)
        assert len(loaded) == 1
        with monkeypatch.context() as patched:
            patched.setattr(SoftwareSigner, "sign", fail)
            with pytest.raises(AnchorholdError):
                peers.sign(wanted, held=held)
        assert peers.sign(wanted, held=held)
    assert len(loaded) == 2


def test_signatures_by_several_keys_are_not_made_together(peers: Peers, make_csr: MakeCsr) -> None:
    peers.worker.authorities.create("Other", "CN=Other")
    first = peers.worker.signing.find_intended(peers.reserve(make_csr()))
    second = peers.worker.signing.find_intended(peers.reserve(make_csr(), "Other"))
    with pytest.raises(InputError, match="several keys"):
        peers.worker.signing.sign_intended([first, second])
    assert peers.worker.signing.sign_intended([]) == []
