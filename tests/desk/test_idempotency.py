"""Idempotency keys: a request that is repeated, at once or after the death of the desk, is done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchorhold_desk.answers import CLAIM_LIFE
from anchorhold_desk.api.idempotency import digest_of_request
from anchorhold_desk.api.requests import SigningWanted
from anchorhold_desk.roles import Role
from desk.desk_house import running
from desk.slow_signing import SlowSigning
from desk.test_two_people import submitted, wanted
from server.serving import until

if TYPE_CHECKING:
    from conftest import MakeCsr
    from desk.desk_house import House, Person

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="each decides in its way who was first")

KEY = {"idempotency-key": "0f5e8a7e-5a0c-4d8c-9f30-6b3f7d9d5a10"}


def at_once(house: House, person: Person, path: str, **content: Any) -> list[httpx.Response]:
    """The answers to the same request, sent eight times at the same time."""

    def send(_: int) -> httpx.Response:
        with httpx.Client(base_url=f"{house.url}/api/v1", trust_env=False, timeout=60) as client:
            return client.post(path, headers={"authorization": f"Bearer {person.token}", **KEY}, **content)

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(send, range(8)))


@pytest.mark.usefixtures("desk")
def test_eight_at_once_make_one_certificate(desk_house: House, make_csr: MakeCsr) -> None:
    rita, content = desk_house.person("rita", Role.REQUESTER), wanted(make_csr, "Direct")
    answers = at_once(desk_house, rita, "/requests", json=content)
    codes = {answer.status_code for answer in answers}
    assert 201 in codes <= {201, 409}, [answer.text for answer in answers]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"in-progress"}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 409)
    assert len(desk_house.certificates("Direct")) == 1
    again = rita.program.post("/requests", json=content, headers=KEY)
    first = next(answer for answer in answers if answer.status_code == 201)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    other = rita.program.post("/requests", json={**content, "names": ["b.example"]}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert rita.program.post("/requests/1/sign", headers=KEY).status_code == 422
    assert len(desk_house.certificates("Direct")) == 1


@pytest.mark.usefixtures("desk")
def test_the_key_of_one_is_not_that_of_another(desk_house: House, make_csr: MakeCsr) -> None:
    content = wanted(make_csr, "Direct")
    numbers = {
        desk_house.person(name, Role.REQUESTER).program.post("/requests", json=content, headers=KEY).json()["number"]
        for name in ("rita", "ron")
    }
    assert len(numbers) == 2


@pytest.mark.usefixtures("desk")
def test_two_approvers_at_once_make_one_certificate(desk_house: House, make_csr: MakeCsr) -> None:
    rita = desk_house.person("rita", Role.REQUESTER)
    approvers = [desk_house.person(name, Role.APPROVER) for name in ("paul", "pia", "pat", "pim")]
    for authority in ("Issuing", "Twofold"):
        number = submitted(rita, make_csr, authority)

        def approve(person: Person, number: int = number) -> httpx.Response:
            return person.program.post(f"/requests/{number}/approve")

        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(approve, approvers))
        assert any(answer.status_code == 200 and answer.json()["status"] == "issued" for answer in answers)
        refused = {answer.json()["code"] for answer in answers if answer.status_code != 200}
        assert refused <= {"busy", "wrong-state"}, [answer.text for answer in answers]
        assert len(desk_house.certificates(authority)) == 1


@pytest.mark.usefixtures("desk")
def test_what_has_failed_is_tried_again(desk_house: House, make_csr: MakeCsr) -> None:
    rita, paul = desk_house.person("rita", Role.REQUESTER), desk_house.person("paul", Role.APPROVER)
    number = submitted(rita, make_csr, "Twofold")
    early = paul.program.post(f"/requests/{number}/sign", headers=KEY)
    assert (early.status_code, early.json()["code"]) == (409, "wrong-state")
    for person in (paul, desk_house.person("pia", Role.APPROVER)):
        person.program.post(f"/requests/{number}/approve")
    again = paul.program.post(f"/requests/{number}/sign", headers=KEY)
    assert again.json()["detail"] == f"request {number}: is issued"


@pytest.mark.usefixtures("desk")
def test_answers_with_secrets_are_not_kept(desk_house: House) -> None:
    admin = desk_house.person("admin", Role.ADMINISTRATOR)
    for path, content in (("/tokens", {"name": "mine", "acts": ["view"]}), ("/accounts/admin/link", None)):
        key = {"idempotency-key": f"for-{path.rpartition('/')[2]}"}
        first = admin.http.post(path, json=content, headers=key)
        assert first.is_success, first.text
        again = admin.http.post(path, json=content, headers=key)
        assert (again.status_code, again.json()["code"]) == (409, "answer-not-kept")
        assert "secret" in again.json()["detail"]


@pytest.mark.parametrize("key", ["", "with blank inside", "x" * 65, "\xe9"])
@pytest.mark.usefixtures("desk")
def test_a_key_that_cannot_be_used_is_refused(desk_house: House, make_csr: MakeCsr, key: str) -> None:
    rita = desk_house.person("rita", Role.REQUESTER)
    headers = {b"idempotency-key": key.encode("latin-1")}
    answer = rita.program.post("/requests", json=wanted(make_csr), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "request-unreadable")
    assert rita.program.get("/requests").json()["items"] == []


def test_a_desk_that_is_killed_while_it_signs(desk_house: House, make_csr: MakeCsr) -> None:
    """The repeat waits until the claim is old; it uses what was submitted, and makes no second request."""
    slow, rita = SlowSigning(desk_house), desk_house.person("rita", Role.REQUESTER)
    content = wanted(make_csr, "Direct")
    slow.begin()
    with running(desk_house, slow.environment) as desk, ThreadPoolExecutor(1) as threads:
        cut_off = threads.submit(rita.program.post, "/requests", json=content, headers=KEY)
        slow.wait()
        desk.kill()
        assert isinstance(cut_off.exception(60), httpx.TransportError)
    slow.end()
    assert desk_house.certificates("Direct") == []
    with running(desk_house, slow.environment):
        client = desk_house.client(headers={"authorization": f"Bearer {rita.token}", **KEY})
        early = client.post("/requests", json=content)
        assert (early.status_code, early.json()["code"]) == (409, "in-progress")
        assert 1 < int(early.headers["retry-after"]) <= CLAIM_LIFE
        assert client.get("/requests").json()["items"][0]["status"] == "reserved"
        _make_old(desk_house)
        late = client.post("/requests", json=content)
        assert (late.status_code, late.json()["status"]) == (201, "issued"), late.text
        assert client.post("/requests", json=content).content == late.content
        (one,) = client.get("/requests").json()["items"]
        assert one == late.json()
    (certificate,) = desk_house.certificates("Direct")
    assert certificate.serial == late.json()["serial"]


def test_a_request_whose_desk_was_killed_is_finished_by_another_approver(desk_house: House, make_csr: MakeCsr) -> None:
    slow, rita = SlowSigning(desk_house), desk_house.person("rita", Role.REQUESTER)
    paul, pia = (desk_house.person(name, Role.APPROVER) for name in ("paul", "pia"))
    slow.begin()
    with running(desk_house, slow.environment) as desk, ThreadPoolExecutor(1) as threads:
        number = submitted(rita, make_csr)
        cut_off = threads.submit(paul.program.post, f"/requests/{number}/approve")
        slow.wait()
        desk.kill()
        assert isinstance(cut_off.exception(60), httpx.TransportError)
    slow.end()
    with running(desk_house, slow.environment):
        finished: list[httpx.Response] = []

        def is_free() -> bool:
            finished.append(pia.program.post(f"/requests/{number}/sign", json={}))
            return bool(finished[-1].json().get("code") != "busy")  # as whoever was killed has claimed it

        until(is_free)
        assert finished[-1].json()["status"] == "issued", finished[-1].text
    assert len(desk_house.certificates("Issuing")) == 1


def _make_old(house: House) -> None:
    """As if the claim had been made before."""
    with house.opened() as (_, desk), desk._store.transaction() as tables:
        assert tables.answer.update(at=tables.answer.at - CLAIM_LIFE).execute() == 1


@pytest.mark.databases(because="no ledger is opened")
def test_secrets_do_not_tell_requests_apart() -> None:
    """Whoever reads the database could try all PINs against what does."""
    digests = {
        digest_of_request("POST", "/requests/1/sign", SigningWanted.model_validate_json(content))
        for content in ('{"secrets": {"pin": "1"}}', '{"secrets": {"pin": "23"}}')
    }
    assert len(digests) == 1
    other = SigningWanted.model_validate_json('{"secrets": {"password": "1"}}')
    assert digest_of_request("POST", "/requests/1/sign", other) not in digests
