"""What may be signed of OCSP responses: by a responder, about its issuer's certificates, as the ledger has them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.errors import RefusedError, SignatureNotIntendedError
from anchorhold.operations.ocsp_answers import AnswerTemplate
from anchorhold.operations.order import Order
from anchorhold.plugin import PROBE_PREFIX, OcspFacts, WantedSignature
from anchorhold.services.signing import IntendedSignature
from anchorhold.x509.der import tlv
from anchorhold.x509.ocsp import NEVER_ISSUED, CertStatus, SingleResponse, issuer_hashes
from anchorhold.x509.ocsp_requests import CertID
from anchorhold.x509.ocsp_response_data import MalformedResponseDataError, load_response_data
from anchorhold.x509.validity import now
from signing_worker.away import Watching, altered

if TYPE_CHECKING:
    from anchorhold.operations.authority import Authority
    from conftest import MakeCsr
    from signing_worker.away import Peers

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="the database decides what is signed")

GOOD = CertStatus(issued=True)
SHA1 = bytes.fromhex("300906052b0e03021a0500")


class Answers:
    """Makes the responses of the responder of ``Root``, as a server does.

    Args:
        peers: Both processes.
        name: Of an authority.
    """

    def __init__(self, peers: Peers, name: str = "Root") -> None:
        self.authority: Authority = peers.worker.authorities.get(name)
        record = peers.worker.ledger.responders.active(self.authority.record.id)
        assert record is not None
        self.key = record.public_key or b""
        self.template = AnswerTemplate.of(self.authority, record)

    def cert_id(self, serial: str) -> CertID:
        """A certificate of the authority, by SHA-1."""
        _, name, key = next(issuer_hashes(self.authority.certificate))
        number = int(serial, 16)
        octets = number.to_bytes(number.bit_length() // 8 + 1)
        der = tlv(0x30, SHA1 + tlv(4, name) + tlv(4, key) + tlv(2, octets))
        return CertID("sha1", name, key, number, der)

    def single(self, serial: str, status: CertStatus = GOOD, produced_at: dt.datetime | None = None) -> SingleResponse:
        """What is said of a certificate."""
        return self.template.single(self.cert_id(serial), status, produced_at or now())

    def wanted(
        self, single: SingleResponse, produced_at: dt.datetime | None = None, nonce: bytes | None = None
    ) -> WantedSignature:
        """What is sent."""
        return self.of(self.template.encoder.response_data(single, produced_at or now(), nonce))

    def of(self, message: bytes) -> WantedSignature:
        """The same for any octets."""
        return WantedSignature(
            purpose="ocsp",
            public_key_info=self.key,
            algorithm=self.template.algorithm,
            digest=sha256(message).digest(),
            message=message,
        )


@pytest.fixture
def serial(peers: Peers, make_csr: MakeCsr) -> str:
    """Of a certificate; its issuer has a responder, whose key was made without reaching it."""
    with peers.front() as front:
        front.responders.renew("Root")
        with front.certificates.issuer("Root") as issuer:
            issued = issuer.sign(Order(csr=make_csr(), names=["a.example"]))
    Watching.seen.clear()
    return issued.serial


def _refused(peers: Peers, wanted: WantedSignature, reason: str) -> None:
    """It is, and leaves one event and no signature."""
    before = len(peers.refusals())
    with pytest.raises(SignatureNotIntendedError) as refused:
        peers.sign(wanted)
    assert refused.value.reason == reason
    assert Watching.seen == []
    events = peers.refusals()
    assert [event.detail["reason"] for event in events[: len(events) - before]] == [reason]


def test_a_response_is_signed_by_the_key_of_the_responder(peers: Peers, serial: str) -> None:
    answers = Answers(peers)
    for nonce in (None, b"\x04\x02ab", b"bare"):
        assert peers.sign(answers.wanted(answers.single(serial), nonce=nonce))
    assert {request.facts for request in Watching.seen} == {OcspFacts(serial=int(serial, 16), status="good")}
    assert {request.key_id for request in Watching.seen} == {answers.template.key_id}


def test_a_response_says_what_the_ledger_says(peers: Peers, serial: str) -> None:
    answers, revoked_at = Answers(peers), now()
    peers.worker.revocations.revoke(serial, "superseded")
    (record,) = peers.worker.ledger.certificates.find(serial)
    revocation = peers.worker.ledger.revocations.of([record.id])[record.id]
    revoked_at = revocation.revoked_at
    _refused(peers, answers.wanted(answers.single(serial)), "other-status")
    for status in (
        CertStatus(True, revoked_at, "keyCompromise"),
        CertStatus(True, revoked_at - dt.timedelta(days=1), "superseded"),
        CertStatus(False),
    ):
        _refused(peers, answers.wanted(answers.single(serial, status)), "other-status")
    assert peers.sign(answers.wanted(answers.single(serial, CertStatus(True, revoked_at, "superseded"))))


def test_what_was_never_issued_is_said_to_be_unknown_as_the_authority_wants_it(peers: Peers, serial: str) -> None:
    answers, other = Answers(peers), "7f" * 20
    _refused(peers, answers.wanted(answers.single(other)), "other-status")
    _refused(peers, answers.wanted(answers.single(other, NEVER_ISSUED)), "other-status")
    assert peers.sign(answers.wanted(answers.single(other, CertStatus(False))))
    peers.worker.authorities.edit("Root", changes={"ocsp_unknown": "revoked"})
    assert peers.sign(answers.wanted(answers.single(other, NEVER_ISSUED)))
    Watching.seen.clear()
    peers.worker.authorities.edit("Root", changes={"ocsp_unknown": "unauthorized"})
    _refused(peers, answers.wanted(answers.single(other, CertStatus(False))), "other-status")


def test_the_key_of_an_authority_signs_no_response(peers: Peers, serial: str) -> None:
    answers = Answers(peers)
    wanted = answers.wanted(answers.single(serial))
    _refused(peers, replace(wanted, public_key_info=answers.authority.record.public_key or b""), "other-purpose")


def test_the_key_of_a_responder_signs_nothing_else(peers: Peers, serial: str, make_csr: MakeCsr) -> None:
    answers, reserved = Answers(peers), peers.reserve(make_csr())
    _refused(peers, replace(reserved, public_key_info=answers.key), "other-purpose")
    probe = replace(answers.of(PROBE_PREFIX + bytes(32)), purpose="probe")
    assert peers.sign(probe)
    Watching.seen.clear()
    _refused(peers, replace(probe, purpose="ocsp"), "no-response")


def test_octets_of_another_responder_are_refused(peers: Peers, serial: str) -> None:
    peers.worker.authorities.create("Other", "CN=Other")
    with peers.front() as front:
        front.responders.renew("Other")
    Watching.seen.clear()
    root, other = Answers(peers), Answers(peers, "Other")
    _refused(peers, root.of(other.wanted(other.single(serial)).message or b""), "no-response")
    about_other = root.template.encoder.response_data(other.single(serial), now(), None)
    _refused(peers, root.of(about_other), "other-issuer")


def test_a_response_of_another_form_is_refused(peers: Peers, serial: str) -> None:
    answers = Answers(peers)
    message = answers.wanted(answers.single(serial)).message or b""
    for forged in (message + b"\x00", message[:-1], b"", b"\x30\x00"):
        with pytest.raises(SignatureNotIntendedError, match="OCSP response"):
            peers.sign(answers.of(forged))
    assert Watching.seen == []
    said = load_response_data(message).single
    wanted = [answers.of(altered(message, at)) for at in range(len(message))]
    for outcome in peers.worker.signing.find_all_intended(wanted):
        if isinstance(outcome, IntendedSignature):  # a moment later or earlier
            read = load_response_data(outcome.request.message)
            assert (read.single.cert_id, read.single.cert_status) == (said.cert_id, said.cert_status)
            assert abs(read.produced_at - now()) < dt.timedelta(minutes=5)


def test_a_response_is_of_now_and_good_for_a_day(peers: Peers, serial: str) -> None:
    answers, moment = Answers(peers), now()
    for produced_at in (moment - dt.timedelta(minutes=10), moment + dt.timedelta(minutes=10)):
        _refused(peers, answers.wanted(answers.single(serial, GOOD, produced_at), produced_at), "other-time")
    for produced_at in (moment - dt.timedelta(minutes=2), moment + dt.timedelta(minutes=2)):  # clocks of two hosts
        assert peers.sign(answers.wanted(answers.single(serial, GOOD, produced_at), produced_at))
    Watching.seen.clear()
    longer = answers.single(serial)._replace(next_update=moment + dt.timedelta(days=2))
    _refused(peers, answers.wanted(longer), "other-time")
    begun = answers.single(serial)._replace(this_update=moment + dt.timedelta(minutes=1))
    _refused(peers, answers.wanted(begun), "other-time")


def test_the_key_of_a_responder_that_is_gone_signs_nothing(peers: Peers, serial: str) -> None:
    answers, ledger = Answers(peers), peers.worker.ledger
    found = ledger.responders.active(answers.authority.record.id)
    assert found is not None
    with ledger.transaction():
        ledger.responders.mark_destroying(found)
    _refused(peers, answers.wanted(answers.single(serial)), "no-responder")
    with ledger.transaction():
        ledger.responders.close(ledger.responders.get(found.id), "destroyed")
    _refused(peers, answers.wanted(answers.single(serial)), "unknown-key")


def test_a_wrapper_of_the_worker_refuses_a_response(peers: Peers, serial: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watching, "refuses", "ocsp")
    answers = Answers(peers)
    with pytest.raises(RefusedError, match="watching"):
        peers.sign(answers.wanted(answers.single(serial)))
    assert [event.detail["reason"] for event in peers.refusals()] == ["refused-by-wrapper"]


@pytest.mark.parametrize("octets", [b"", b"\x30", b"\x30\x80", b"\x30\x03\x02\x01\x01", bytes(100)])
def test_what_is_no_response_data_is_told(octets: bytes) -> None:
    with pytest.raises(MalformedResponseDataError):
        load_response_data(octets)


def test_what_is_written_is_read(peers: Peers, serial: str) -> None:
    answers: Any = Answers(peers)
    single = answers.single(serial, CertStatus(True, now(), "keyCompromise"))
    data = load_response_data(answers.wanted(single, nonce=b"12").message)
    assert (data.single, data.nonce) == (single, b"12")
