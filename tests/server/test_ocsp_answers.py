"""What the server answers to OCSP requests, on each kind of database."""

from __future__ import annotations

import base64
import datetime as dt
import threading
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from anchorhold.ledger.schema import to_timestamp
from server.serving import SHA1, House, Server, command, running, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


BY_HASH: list[hashes.HashAlgorithm] = [SHA1, hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]


@pytest.mark.parametrize("algorithm", BY_HASH, ids=lambda algorithm: algorithm.name)
def test_a_certificate_may_be_named_by_each_hash(
    standing_house: House, standing_server: Server, algorithm: hashes.HashAlgorithm
) -> None:
    answer = ocsp.load_der_ocsp_response(standing_server.ask(standing_house.request(algorithm=algorithm)).content)
    assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert answer.hash_algorithm.name == algorithm.name
    assert answer.serial_number == standing_house.leaf.serial_number


def test_a_revocation_a_hold_and_its_release_are_in_the_next_answer(house: House, server: Server) -> None:
    request = house.request()
    assert server.status(request) == "GOOD"
    house.revoke(reason="certificateHold")
    held = ocsp.load_der_ocsp_response(server.ask(request).content)
    assert held.revocation_reason is x509.ReasonFlags.certificate_hold
    house.release()
    assert server.status(request) == "GOOD"
    house.revoke(reason="keyCompromise")
    revoked = ocsp.load_der_ocsp_response(server.ask(request).content)
    assert revoked.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert revoked.revocation_reason is x509.ReasonFlags.key_compromise
    assert revoked.revocation_time_utc is not None


def test_without_a_reason_the_answer_has_none(house: House, server: Server) -> None:
    house.revoke()
    answer = ocsp.load_der_ocsp_response(server.ask(house.request()).content)
    assert (answer.certificate_status, answer.revocation_reason) == (ocsp.OCSPCertStatus.REVOKED, None)


def test_every_worker_knows_of_a_revocation_at_once(house: House, tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2") as server:
        askers = [server.another_client() for _ in range(12)]

        def heard() -> set[str]:
            """What many connections get to hear."""
            return {server.status(house.request(), asker) for asker in askers}

        assert len(server.workers()) == 2
        assert heard() == {"GOOD"}
        house.revoke()
        assert heard() == {"REVOKED"}


def test_an_answer_without_nonce_is_signed_once_and_may_be_cached(house: House, server: Server) -> None:
    first, second = (server.ask(house.request()) for _ in range(2))
    assert first.content == second.content
    read = ocsp.load_der_ocsp_response(first.content)
    begins = read.produced_at_utc - dt.timedelta(minutes=5)
    assert read.this_update_utc == max(begins, house.authority.certificate.not_valid_before_utc)
    assert read.next_update_utc == read.produced_at_utc + dt.timedelta(days=1)
    assert first.headers["cache-control"] == "max-age=3600, public, no-transform, must-revalidate"
    assert (
        dt.datetime.strptime(first.headers["expires"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
        == read.next_update_utc
    )
    assert first.headers["last-modified"] == f"{read.this_update_utc:%a, %d %b %Y %H:%M:%S GMT}"
    assert "date" in first.headers


@pytest.mark.parametrize("length", [1, 16, 32, 128])
def test_a_nonce_is_repeated_and_the_answer_not_cached(
    standing_house: House, standing_server: Server, length: int
) -> None:
    nonce = bytes(range(length))
    answers = [standing_server.ask(standing_house.request(nonce=nonce)) for _ in range(2)]
    for answer in answers:
        read = ocsp.load_der_ocsp_response(answer.content)
        assert read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


@pytest.mark.parametrize("length", [0, 129])
def test_a_nonce_of_another_length_is_malformed(standing_house: House, standing_server: Server, length: int) -> None:
    assert standing_server.status(standing_house.request(nonce=bytes(length))) == "MALFORMED_REQUEST"


_FORMS: dict[str, Callable[[str], str]] = {
    "quoted": lambda text: quote(text, safe=""),
    "plain": lambda text: text,
    "without padding": lambda text: text.rstrip("="),
    "quoted twice in part": lambda text: quote(text, safe="/"),
}


@pytest.mark.parametrize("form", _FORMS.values(), ids=_FORMS)
def test_a_request_may_come_in_the_path(
    standing_house: House, standing_server: Server, form: Callable[[str], str]
) -> None:
    certificates = [
        standing_house.leaf,
        *(standing_house.sign() for _ in range(4)),
    ]  # some have / and + in their requests
    for certificate in certificates:
        path = form(base64.b64encode(standing_house.request(certificate)).decode())
        answer = standing_server.client.get(f"/ocsp/{path}")
        assert answer.content == standing_server.ask(standing_house.request(certificate)).content
        again = standing_server.client.get(f"/ocsp/{path}", headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def _path(house: House) -> str:
    return f"/ocsp/{base64.b64encode(house.request()).decode()}"


@pytest.mark.parametrize(
    ("form", "status"),
    [("{}", 304), ("W/{}", 304), ('"other", {}', 304), ('"other" , W/{},', 304), ("*", 304), ('"other"', 200)],
)
def test_what_a_cache_has_is_recognised_in_every_form(
    standing_house: House, standing_server: Server, form: str, status: int
) -> None:
    serial = standing_house.authority.record.serial
    for path in (_path(standing_house), f"/crl/{serial}.crl", f"/issuer/{serial}.pem"):
        etag = standing_server.client.get(path).headers["etag"]
        again = standing_server.client.get(path, headers={"if-none-match": form.format(etag)})
        assert again.status_code == status
        twice = [("if-none-match", '"yet another"'), ("if-none-match", form.format(etag))]
        assert standing_server.client.get(path, headers=twice).status_code == status


def test_head_is_answered_wherever_get_is(standing_house: House, standing_server: Server) -> None:
    for path in (_path(standing_house), f"/issuer/{standing_house.authority.record.serial}.der", "/ocsp", "/ocsp/!"):
        shown, head = standing_server.client.get(path), standing_server.client.head(path)
        assert (head.status_code, head.content) == (shown.status_code, b"")
        assert {**head.headers, "date": ""} == {**shown.headers, "date": ""}
    etag = standing_server.client.head(_path(standing_house)).headers["etag"]
    assert standing_server.client.head(_path(standing_house), headers={"if-none-match": etag}).status_code == 304


def test_a_certificate_of_another_issuer_is_none_of_its_business(house: House, server: Server) -> None:
    assert server.status(house.request_by_number(5, issuer_key=bytes(20))) == "UNAUTHORIZED"


def _says_of_unknown(house: House, policy: str) -> None:
    issuing = replace(house.authority.record.issuing, ocsp_unknown=policy)
    with house.opened() as installation:
        installation.authorities.edit(house.authority, issuing=issuing)


@pytest.mark.parametrize(("policy", "said"), [("unknown", "UNKNOWN"), ("revoked", "REVOKED"), ("unauthorized",) * 2])
def test_what_was_never_issued_is_answered_at_once_as_the_authority_says(
    house: House, server: Server, policy: str, said: str
) -> None:
    never = house.request_by_number(house.leaf.serial_number + 1)
    assert server.status(never) == "UNKNOWN"
    _says_of_unknown(house, policy)
    assert server.status(never) == said.upper()
    assert server.status(house.request()) == "GOOD"


def test_a_never_issued_certificate_is_revoked_as_the_rfc_says(house: House, server: Server) -> None:
    _says_of_unknown(house, "revoked")
    answer = ocsp.load_der_ocsp_response(server.ask(house.request_by_number(4711)).content)
    assert answer.revocation_time_utc == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert answer.revocation_reason is x509.ReasonFlags.certificate_hold
    assert [extension.oid.dotted_string for extension in answer.extensions] == ["1.3.6.1.5.5.7.48.1.9"]


def test_a_serial_number_that_begins_like_a_known_one_is_unknown(house: House, server: Server) -> None:
    assert server.status(house.request_by_number(int(house.serial[:-2], 16))) == "UNKNOWN"


def test_what_is_not_known_is_not_remembered(house: House, server: Server) -> None:
    later = house.leaf.serial_number  # a certificate that is issued while the server runs
    made = house.sign()
    unknown = server.ask(house.request_by_number(later ^ 1))
    assert unknown.headers["cache-control"] == "no-store"
    assert server.status(house.request(made)) == "GOOD"


def test_a_new_responder_answers_at_once_and_the_old_one_no_more(house: House, server: Server) -> None:
    before = ocsp.load_der_ocsp_response(server.ask(house.request()).content)
    house.renew_responder()
    after = ocsp.load_der_ocsp_response(server.ask(house.request()).content)
    assert before.certificates[0].serial_number != after.certificates[0].serial_number
    assert (
        after.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(after.certificates[0].public_key()).digest
    )


def test_an_answer_does_not_outlive_its_responder(house: House, server: Server) -> None:
    end = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("anchorhold.operations.responders.end_of_validity", lambda *_, **__: end.replace(microsecond=0))
        house.renew_responder()
    answer = server.ask(house.request())
    read = ocsp.load_der_ocsp_response(answer.content)
    assert read.next_update_utc is not None
    assert to_timestamp(read.next_update_utc) == to_timestamp(end)
    assert int(answer.headers["cache-control"].split("=")[1].split(",")[0]) <= 3600


def test_each_authority_has_its_own_responder(house: House, server: Server) -> None:
    theirs = house.beside("other")
    theirs.renew_responder()
    certificate = theirs.leaf
    answers = [
        ocsp.load_der_ocsp_response(server.ask(request).content)
        for request in (house.request(), theirs.request(certificate))
    ]
    assert [answer.certificates[0].issuer.rfc4514_string() for answer in answers] == ["CN=Root", "CN=Other"]
    with house.opened() as installation:
        installation.authorities.edit(theirs.authority, enabled=False)  # what it has signed is about
    assert server.status(theirs.request(certificate)) == "GOOD"


@pytest.mark.databases("sqlite", "postgresql", because="each has its own revision")
@pytest.mark.slow(because="thousands of requests")
def test_revocations_during_a_storm_of_questions_are_never_missed(house: House, server: Server) -> None:
    """Once a revocation is committed, no answer that is asked for afterwards may say otherwise."""
    certificates = [house.sign() for _ in range(5)]
    stop = threading.Event()

    def storm() -> None:
        while not stop.is_set():
            for certificate in certificates:
                server.ask(house.request(certificate))

    askers = [threading.Thread(target=storm) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        for certificate in certificates:
            command("revoke-cert", f"{certificate.serial_number:x}")
            assert server.status(house.request(certificate)) == "REVOKED"
    finally:
        stop.set()
        for asker in askers:
            asker.join()


def test_the_metrics_of_all_workers_are_summed(house: House, tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2") as server:
        for _ in range(8):
            assert server.status(house.request(nonce=b"n" * 32), server.another_client()) == "GOOD"
        wanted = (
            'anchorhold_ocsp_responses_total{outcome="good"} 8.0',
            'anchorhold_signatures_total{backend="default",ca="root"} 8.0',
        )
        until(lambda: all(line in server.client.get("/metrics").text for line in wanted))
