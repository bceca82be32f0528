"""What may be signed of certificates: what is reserved, octet by octet, and nothing else, whoever asks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold.algorithms import Algorithm
from anchorhold.errors import AnchorholdError, AuthorityNotReadyError, RefusedError, SignatureNotIntendedError
from anchorhold.operations.order import Order
from anchorhold.public_keys import spki
from signing_worker.away import PEER, Watching, altered

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import WantedSignature
    from conftest import MakeCsr
    from signing_worker.away import Peers

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="the database decides what is signed")

FORGERIES: dict[str, tuple[Callable[[WantedSignature], WantedSignature], str]] = {
    "nobody reserved it": (lambda wanted: replace(wanted, serial="5f" * 20), "not-reserved"),
    "no serial number": (lambda wanted: replace(wanted, serial=None), "not-reserved"),
    "one bit is another": (lambda wanted: replace(wanted, digest=altered(wanted.digest)), "other-content"),
    "of another key": (
        lambda wanted: replace(wanted, public_key_info=altered(wanted.public_key_info)),
        "unknown-key",
    ),
    "by another algorithm": (
        lambda wanted: replace(wanted, algorithm=Algorithm(scheme="ecdsa", hash="SHA-512")),
        "other-algorithm",
    ),
    "called a CRL": (lambda wanted: replace(wanted, purpose="crl"), "crl-not-begun"),
    "called a probe": (lambda wanted: replace(wanted, purpose="probe"), "other-content"),
    "called an OCSP response": (lambda wanted: replace(wanted, purpose="ocsp"), "other-purpose"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_request_is_refused_and_leaves_one_event(peers: Peers, make_csr: MakeCsr, forgery: str) -> None:
    wanted, (change, reason) = peers.reserve(make_csr()), FORGERIES[forgery]
    peers.change = change
    with pytest.raises(SignatureNotIntendedError) as refused:
        peers.sign(wanted)
    assert refused.value.reason == reason
    assert Watching.seen == []
    (event,) = peers.refusals()
    asked = change(wanted)
    assert (event.detail["purpose"], event.detail["reason"]) == (asked.purpose, reason)
    assert event.detail["sha256"] == asked.digest.hex()
    assert event.detail.get("serial") == asked.serial
    assert event.authority == ("" if reason == "unknown-key" else "Root")
    assert event.audit is not None
    assert event.audit.actor == PEER
    peers.change = None
    assert peers.sign(wanted)


def test_what_another_authority_has_reserved_is_not_signed(peers: Peers, make_csr: MakeCsr) -> None:
    peers.worker.authorities.create("Other", "CN=Other")
    wanted = peers.reserve(make_csr())
    other = spki(peers.worker.authorities.get("Other").public_key)
    with pytest.raises(SignatureNotIntendedError, match="by 'Other': no certificate"):
        peers.sign(replace(wanted, public_key_info=other))
    assert [event.authority for event in peers.refusals()] == ["Other"]


def test_what_is_issued_is_not_signed_again(peers: Peers, make_csr: MakeCsr) -> None:
    with peers.front() as front, front.certificates.issuer("Root") as issuer:
        issuer.sign(Order(csr=make_csr(), names=["a.example"]))
    with pytest.raises(SignatureNotIntendedError, match="is issued"):
        peers.sign(peers.sent[-1])
    assert [event.detail["reason"] for event in peers.refusals()] == ["already-issued"]


def test_what_was_abandoned_is_not_signed(peers: Peers, make_csr: MakeCsr) -> None:
    wanted = peers.reserve(make_csr())
    ledger, root = peers.worker.ledger, peers.worker.authorities.get("Root")
    with ledger.transaction():
        ledger.certificates.abandon(root.record.id, [wanted.serial or ""])
    with pytest.raises(SignatureNotIntendedError, match="is abandoned"):
        peers.sign(wanted)


def test_what_was_reserved_for_another_algorithm_is_reserved_again(peers: Peers, make_csr: MakeCsr) -> None:
    wanted = peers.reserve(make_csr())
    peers.worker.authorities.edit("Root", changes={"hash": "SHA-384"})
    asked = replace(wanted, algorithm=peers.worker.authorities.get("Root").algorithm)
    with pytest.raises(SignatureNotIntendedError, match="another algorithm; reserve it again"):
        peers.sign(asked)


def test_one_forgery_among_many_costs_no_other_its_signature(peers: Peers, make_csr: MakeCsr) -> None:
    wanted = [peers.reserve(make_csr()) for _ in range(3)]
    wanted[1] = replace(wanted[1], digest=bytes(32))
    signing = peers.worker.as_actor(PEER).signing
    found = signing.find_all_intended(wanted)
    assert [type(each).__name__ for each in found] == [
        "IntendedSignature",
        "SignatureNotIntendedError",
        "IntendedSignature",
    ]
    made = signing.sign_intended([each for each in found if not isinstance(each, AnchorholdError)])
    assert [type(each) for each in made] == [bytes, bytes]
    assert [event.detail["serial"] for event in peers.refusals()] == [wanted[1].serial]


def test_an_authority_without_a_key_here_is_made_with_its_own_certificate(peers: Peers) -> None:
    with peers.front() as front:
        made = front.authorities.create("Sub", "CN=Sub", parent="Root")
        root = front.authorities.create("Second", "CN=Second")
    made.certificate.verify_directly_issued_by(peers.worker.authorities.get("Root").certificate)
    root.certificate.verify_directly_issued_by(root.certificate)
    assert [wanted.purpose for wanted in peers.sent] == ["probe", "certificate", "probe", "certificate"]
    assert peers.refusals() == []


def test_a_disabled_authority_signs_its_responder_and_nothing_else(peers: Peers, make_csr: MakeCsr) -> None:
    wanted = peers.reserve(make_csr())
    peers.worker.authorities.edit("Root", enabled=False)
    with peers.front() as front:
        front.responders.renew("Root")
    assert [sent.purpose for sent in peers.sent] == ["probe", "certificate"]
    with pytest.raises(AuthorityNotReadyError):
        peers.sign(wanted)


def test_the_wrapper_of_a_worker_sees_the_draft_and_refuses(
    peers: Peers, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watching, "refuses", "certificate")
    with peers.front() as front, front.certificates.issuer("Root") as issuer, pytest.raises(RefusedError):
        issuer.sign(Order(csr=make_csr(), names=["a.example"]))
    (seen,) = Watching.seen
    assert seen.draft is not None
    assert seen.draft.dns_names == ("a.example",)
    assert seen.audit is not None
    assert seen.audit.actor == PEER
    (event,) = peers.refusals()
    assert (event.detail["reason"], event.serial) == ("refused-by-wrapper", f"{seen.draft.serial:x}")


def test_a_batch_is_issued_by_a_process_without_the_key(peers: Peers, make_csr: MakeCsr) -> None:
    orders: list[Any] = [Order(csr=make_csr(), names=[f"{number}.example"]) for number in range(5)]
    with peers.front() as front, front.certificates.issuer("Root") as issuer:
        issued = issuer.sign_many(orders)
    root = peers.worker.authorities.get("Root").certificate
    for each in issued:
        x509.load_der_x509_certificate(each.der).verify_directly_issued_by(root)
    assert len(issued) == 5
