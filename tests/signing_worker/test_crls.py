"""What may be signed of revocation lists: those that were begun, as the ledger has them, made again by the worker."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold import IssuancePolicy
from anchorhold.errors import CertificateInvalidError, RefusedError, SignatureNotIntendedError
from anchorhold.operations.order import Order
from anchorhold.plugin import CrlFacts
from signing_worker.away import Watching, altered

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.ledger import Ledger
    from anchorhold.plugin import WantedSignature
    from conftest import MakeCsr
    from signing_worker.away import Peers

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="the database joins the entries")

MANY = 20_000


def _issue(peers: Peers, make_csr: MakeCsr, count: int, authority: str = "Root") -> list[str]:
    with peers.front() as front, front.certificates.issuer(authority) as issuer:
        orders = [Order(csr=make_csr(), names=["a.example"]) for _ in range(count)]
        return [issued.serial for issued in issuer.sign_many(orders)]


def _make(peers: Peers, authority: str = "Root") -> list[x509.CertificateRevocationList]:
    """Lists made by the process without the key, each verified."""
    with peers.front() as front:
        made = [x509.load_der_x509_crl(record.der) for record in front.crls.generate(authority)]
    key: Any = peers.worker.authorities.get(authority).public_key
    assert all(crl.is_signature_valid(key) for crl in made)
    return made


def _serials(crl: x509.CertificateRevocationList) -> set[str]:
    return {f"{entry.serial_number:x}" for entry in crl}


def _meanwhile(peers: Peers, do: Callable[[], object]) -> None:
    """Something happens while the request is on its way."""

    def change(wanted: WantedSignature) -> WantedSignature:
        if wanted.purpose == "crl":
            peers.change = None
            do()
        return wanted

    peers.change = change


def test_lists_are_made_by_a_process_without_the_key(peers: Peers, make_csr: MakeCsr) -> None:
    issuing = IssuancePolicy(crl_urls=("http://crl.example.com/{shard}",), crl_shards=2)
    peers.worker.authorities.create("Sharded", "CN=Sharded", issuing=issuing)
    serials = _issue(peers, make_csr, 4, "Sharded")
    for count in (0, 2, 4):
        for serial in serials[max(0, count - 2) : count]:
            peers.worker.revocations.revoke(serial)
        full, *shards = _make(peers, "Sharded")
        assert _serials(full) == set(serials[:count])
        assert set().union(*map(_serials, shards)) == set(serials[:count])
        assert len(shards) == 2
    assert peers.refusals() == []


def test_a_wrapper_of_the_worker_is_told_of_the_list_and_refuses(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    _make(peers)
    (seen,) = Watching.seen
    assert isinstance(seen.facts, CrlFacts)
    record = peers.worker.crls.latest("Root")
    assert record is not None
    assert (seen.facts.number, seen.facts.shard) == (record.number, None)
    assert (seen.facts.this_update, seen.facts.next_update) == (record.this_update, record.next_update)
    monkeypatch.setattr(Watching, "refuses", "crl")
    with pytest.raises(RefusedError, match="watching"):
        _make(peers)
    (event,) = peers.refusals()
    assert (event.detail["reason"], event.detail["number"]) == ("refused-by-wrapper", record.number + 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda wanted: replace(wanted, number=wanted.number + 1), "crl-not-begun"),
        (lambda wanted: replace(wanted, number=None), "crl-not-begun"),
        (lambda wanted: replace(wanted, number=-1), "crl-not-begun"),
        (lambda wanted: replace(wanted, digest=altered(wanted.digest)), "other-content"),
    ],
    ids=["another number", "no number", "a number below zero", "altered entries"],
)
def test_a_forged_list_is_refused_and_leaves_one_event(peers: Peers, change: Any, reason: str) -> None:
    peers.change = change
    with pytest.raises(SignatureNotIntendedError) as refused:
        _make(peers)
    assert refused.value.reason == reason
    assert Watching.seen == []
    assert [event.detail["reason"] for event in peers.refusals()] == [reason]


def test_a_list_without_what_the_ledger_has_revoked_is_refused(peers: Peers, make_csr: MakeCsr) -> None:
    (serial,) = _issue(peers, make_csr, 1)
    peers.worker.revocations.revoke(serial)
    ledger = peers.worker.ledger
    with ledger.transaction():
        entries = ledger.database.execute_sql("SELECT entry FROM anchorhold_revocation").fetchall()

    def put(entry: bytes) -> None:
        mark = ledger.database.param
        with ledger.transaction():
            ledger.database.execute_sql(f"UPDATE anchorhold_revocation SET entry = {mark}", (entry,))  # noqa: S608

    (entry,) = map(bytes, entries[0])
    put(altered(entry, at=5))  # as the caller sees it
    _meanwhile(peers, lambda: put(entry))
    with pytest.raises(SignatureNotIntendedError, match="another content by the ledger"):
        _make(peers)


def test_a_list_that_was_made_is_not_signed_again(peers: Peers) -> None:
    _make(peers)
    first = peers.sent[-1]
    with pytest.raises(SignatureNotIntendedError, match="CRL 1 was made already"):
        peers.sign(first)
    _make(peers)
    with pytest.raises(SignatureNotIntendedError, match="or a newer one \\(number 2\\)"):
        peers.sign(first)


def test_a_list_of_another_authority_is_refused(peers: Peers) -> None:
    peers.worker.authorities.create("Other", "CN=Other")
    other = peers.wanted("crl", "Other", b"").public_key_info
    peers.change = lambda wanted: replace(wanted, public_key_info=other)
    with pytest.raises(SignatureNotIntendedError, match="by 'Other': no CRL of that number"):
        _make(peers)


def test_a_hold_that_is_removed_meanwhile_makes_the_list_be_made_again(peers: Peers, make_csr: MakeCsr) -> None:
    (serial,) = _issue(peers, make_csr, 1)
    peers.worker.revocations.revoke(serial, "certificateHold")
    _meanwhile(peers, lambda: peers.worker.revocations.release(serial))
    with pytest.raises(SignatureNotIntendedError, match="and make the list"):
        _make(peers)
    assert _serials(_make(peers)[0]) == set()


def test_a_disabled_authority_signs_lists_and_one_that_must_not_does_not(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers.worker.authorities.edit("Root", enabled=False)
    _make(peers)

    def refuse(_: object) -> None:
        raise CertificateInvalidError("no", hint="no")

    monkeypatch.setattr("anchorhold.operations.worker.crls.check_may_issue_crls", refuse)
    with pytest.raises(CertificateInvalidError):
        _make(peers)
    assert [event.detail["reason"] for event in peers.refusals()] == ["certificate-invalid"]


def test_many_entries_are_the_same_again_whatever_was_revoked_since(peers: Peers, make_csr: MakeCsr) -> None:
    serials = _issue(peers, make_csr, 3)
    ledger = peers.worker.ledger
    _revoke_many(ledger, peers.worker.authorities.get("Root").record.id)

    def later() -> None:
        peers.worker.revocations.revoke(serials[1])
        _revoke_many(ledger, peers.worker.authorities.get("Root").record.id, begin=MANY)

    _meanwhile(peers, later)
    (first,) = _make(peers)
    assert len(first) == MANY
    _meanwhile(peers, lambda: peers.worker.revocations.revoke(serials[2]))  # which builds upon the first
    (second,) = _make(peers)
    assert len(second) == 2 * MANY + 1
    assert first.tbs_certlist_bytes != second.tbs_certlist_bytes
    sent = [wanted for wanted in peers.sent if wanted.purpose == "crl"]
    assert [wanted.digest for wanted in sent] == [sha256(crl.tbs_certlist_bytes).digest() for crl in (first, second)]


def _revoke_many(ledger: Ledger, authority_id: int, begin: int = 0) -> None:
    """Revocations of certificates that are not there; the first ones are changed, so that their rows move."""
    columns = "authority_id, certificate_id, serial, revoked_at, reason, not_after, entry"
    marks = ", ".join([ledger.database.param] * 7)
    head = bytes.fromhex("3027021440")
    tail = bytes.fromhex("170d3236313133303132303030305a")
    rows = [
        (authority_id, 10**6 + number, f"{number:040x}", 0, "unspecified", 2**40, head + number.to_bytes(19) + tail)
        for number in range(begin, begin + MANY)
    ]
    with ledger.transaction():
        ledger.database.cursor().executemany(
            f"INSERT INTO anchorhold_revocation ({columns}) VALUES ({marks})",  # noqa: S608
            [(*row[:-1], row[-1][:1] + bytes([len(row[-1]) - 2]) + row[-1][2:]) for row in rows],
        )
        ledger.database.execute_sql(
            f"UPDATE anchorhold_revocation SET reason = 'unspecified' WHERE certificate_id < {10**6 + begin + 500}"  # noqa: S608
        )
