"""What may be signed of octets that travel: the CSR that was begun, and probes, which mean nothing to anybody."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold.errors import RefusedError, SignatureNotIntendedError
from anchorhold.operations.external_parent import pending_csr
from anchorhold.plugin import PROBE_PREFIX, CsrFacts
from anchorhold.x509.names import parse_subject
from anchorhold.x509.to_be_signed import to_be_signed
from signing_worker.away import Watching

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import WantedSignature
    from conftest import MakeCsr
    from signing_worker.away import Peers

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="the database decides what is signed")


def _with(message: bytes) -> Callable[[WantedSignature], WantedSignature]:
    return lambda wanted: replace(wanted, message=message, digest=sha256(message).digest())


def _csr(peers: Peers) -> x509.CertificateSigningRequest:
    """The CSR of an authority whose parent is elsewhere, made by the process without the key."""
    with peers.front() as front:
        return pending_csr(front.authorities.request_csr("Sub", "CN=Sub"))


def _refused(peers: Peers, wanted: WantedSignature, reason: str) -> None:
    """It is, and leaves one event and no signature."""
    seen, before = len(Watching.seen), len(peers.refusals())
    with pytest.raises(SignatureNotIntendedError) as refused:
        peers.sign(wanted)
    assert refused.value.reason == reason
    assert len(Watching.seen) == seen
    assert [event.detail["reason"] for event in peers.refusals()[: -before or None]] == [reason]


def test_a_csr_is_made_by_a_process_without_the_key(peers: Peers) -> None:
    csr = _csr(peers)
    assert csr.is_signature_valid
    assert csr.subject.rfc4514_string() == "CN=Sub"
    (seen,) = [request for request in Watching.seen if request.purpose == "csr"]
    assert seen.facts == CsrFacts(subject=csr.subject)
    assert peers.refusals() == []


def test_a_wrapper_of_the_worker_refuses_a_csr(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watching, "refuses", "csr")
    with pytest.raises(RefusedError, match="watching"):
        _csr(peers)


def test_a_csr_for_another_subject_is_refused(peers: Peers) -> None:
    def other(wanted: WantedSignature) -> WantedSignature:
        if wanted.purpose != "csr":
            return wanted
        public_key = peers.worker.authorities.get("Sub").public_key
        builder = x509.CertificateSigningRequestBuilder(subject_name=parse_subject("CN=Other"))
        return _with(to_be_signed(builder, public_key, wanted.algorithm))(wanted)

    peers.change = other
    with pytest.raises(SignatureNotIntendedError, match="has no such CSR"):
        _csr(peers)
    assert [event.detail["reason"] for event in peers.refusals()] == ["csr-not-begun"]


def test_a_csr_is_for_the_subject_of_its_authority_even_if_it_was_recorded(peers: Peers) -> None:
    def other(wanted: WantedSignature) -> WantedSignature:
        if wanted.purpose != "csr":
            return wanted
        authority, ledger = peers.worker.authorities.get("Sub"), peers.worker.ledger
        builder = x509.CertificateSigningRequestBuilder(subject_name=parse_subject("CN=Other"))
        forged = _with(to_be_signed(builder, authority.public_key, wanted.algorithm))(wanted)
        with ledger.transaction():
            ledger.events.append("csr-begun", authority.record, subject="CN=Other", sha256=forged.digest.hex())
        return forged

    peers.change = other
    with pytest.raises(SignatureNotIntendedError, match="another subject or key"):
        _csr(peers)


def test_a_csr_is_signed_once_and_by_its_own_authority(peers: Peers) -> None:
    _csr(peers)
    sent = peers.sent[-1]
    _refused(peers, sent, "csr-made")
    _refused(peers, replace(sent, public_key_info=peers.wanted("csr", "Root", b"").public_key_info), "csr-not-begun")


PROBES: dict[str, Callable[[bytes], bytes]] = {
    "DER": lambda probe: b"\x30" + bytes([len(probe) - 2]) + probe[2:],
    "with a suffix": lambda probe: probe + b"\x00",
    "cut off": lambda probe: probe[:-1],
    "without its prefix": lambda probe: probe.removeprefix(PROBE_PREFIX),
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("forgery", PROBES)
def test_what_is_no_probe_is_not_signed_as_one(peers: Peers, forgery: str) -> None:
    probe = PROBE_PREFIX + bytes(32)
    wanted = peers.wanted("probe", "Root", probe, message=probe)
    assert peers.sign(wanted)
    _refused(peers, _with(PROBES[forgery](probe))(wanted), "no-probe")


def test_octets_of_another_digest_are_refused(peers: Peers) -> None:
    probe = PROBE_PREFIX + bytes(32)
    _refused(peers, peers.wanted("probe", "Root", b"else", message=probe), "other-content")
    _refused(peers, peers.wanted("probe", "Root", probe), "other-content")


def test_a_certificate_is_not_signed_under_another_purpose(peers: Peers, make_csr: MakeCsr) -> None:
    reserved = peers.reserve(make_csr())
    (record,) = peers.worker.ledger.certificates.find(reserved.serial or "")
    reasons: dict[Any, str] = {"probe": "no-probe", "csr": "csr-not-begun", "ocsp": "other-purpose"}
    for purpose, reason in reasons.items():
        _refused(peers, replace(reserved, purpose=purpose, message=record.tbs), reason)


def test_a_wrapper_of_the_worker_refuses_probes(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watching, "refuses", "probe")
    probe = PROBE_PREFIX + bytes(32)
    with pytest.raises(RefusedError, match="watching"):
        peers.sign(peers.wanted("probe", "Root", probe, message=probe))
    assert [event.detail["reason"] for event in peers.refusals()] == ["refused-by-wrapper"]
