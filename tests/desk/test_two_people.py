"""Requests by two people and more: who submits does not approve, and what is signed verifies."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold_desk.roles import Grant, Role

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeCsr
    from desk.desk_house import DeskProcess, House, Person

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="approvals and requests are in two databases")


def wanted(make_csr: MakeCsr, authority: str = "Issuing", **more: Any) -> dict[str, Any]:
    """The content of a request."""
    return {"authority": authority, "csr": make_csr().decode(), "names": ["www.example.com"], **more}


def submitted(person: Person, make_csr: MakeCsr, authority: str = "Issuing") -> int:
    """The number of a new request."""
    answer = person.program.post("/requests", json=wanted(make_csr, authority))
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["number"]
    assert answer.headers["location"] == f"/api/v1/requests/{number}"
    return number


def test_two_people_make_a_certificate(desk: DeskProcess, desk_house: House, make_csr: MakeCsr, tmp_path: Path) -> None:
    rita = desk_house.person("rita", Role.REQUESTER, Role.APPROVER)
    paul = desk_house.person("paul", Role.APPROVER)
    number = submitted(rita, make_csr)
    assert rita.program.get(f"/requests/{number}").json()["status"] == "waiting"
    own = rita.program.post(f"/requests/{number}/approve")
    assert (own.status_code, own.json()["code"]) == (403, "forbidden")
    assert desk_house.certificates("Issuing") == []
    approved = paul.program.post(f"/requests/{number}/approve")
    assert approved.status_code == 200, approved.text
    told = approved.json()
    assert (told["status"], told["approved_by"]) == ("issued", ["paul"])
    assert told["submitted_by"]["name"] == "rita"
    pem = rita.program.get(f"/certificates/{told['serial']}", headers={"accept": "application/pem-certificate-chain"})
    assert pem.headers["content-type"] == "application/pem-certificate-chain"
    (tmp_path / "chain.pem").write_bytes(pem.content)
    (tmp_path / "root.pem").write_text(rita.program.get("/authorities/Root").json()["pem"])
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "chain.pem", "chain.pem"]
    assert subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True).stdout == b"chain.pem: OK\n"
    der = rita.program.get(f"/certificates/{told['serial']}", headers={"accept": "application/pkix-cert"}).content
    assert der == desk_house.certificates("Issuing")[0].certificate
    history = paul.program.get("/history", params={"authority": "Issuing", "actor": "paul"}).json()["items"]
    assert {entry["kind"] for entry in history} == {"certificate-issued", "certificate-reserved"}


def test_two_have_to_approve_where_the_settings_say_so(desk: DeskProcess, desk_house: House, make_csr: MakeCsr) -> None:
    rita = desk_house.person("rita", Grant(Role.REQUESTER, "Twofold"))
    first, second = (desk_house.person(name, Grant(Role.APPROVER, "Twofold")) for name in ("paul", "pia"))
    number = submitted(rita, make_csr, "Twofold")
    for _ in range(2):  # nobody counts twice
        answer = first.program.post(f"/requests/{number}/approve").json()
        assert (answer["status"], answer["approved_by"], answer["approvals"]) == ("waiting", ["paul"], 2)
    early = first.program.post(f"/requests/{number}/sign", json={})
    assert (early.status_code, early.json()["code"]) == (409, "wrong-state")
    assert second.program.post(f"/requests/{number}/approve").json()["status"] == "issued"
    late = second.program.post(f"/requests/{number}/reject", json={"reason": "too late"})
    assert (late.status_code, late.json()["detail"]) == (409, f"request {number}: is issued")


def test_a_request_is_rejected_with_a_reason_that_its_submitter_sees(
    desk: DeskProcess, desk_house: House, make_csr: MakeCsr
) -> None:
    rita, paul = desk_house.person("rita", Role.REQUESTER), desk_house.person("paul", Role.APPROVER)
    number = submitted(rita, make_csr)
    assert paul.program.post(f"/requests/{number}/reject", json={"reason": "not ours"}).status_code == 200
    told = rita.program.get(f"/requests/{number}").json()
    assert (told["status"], told["problem"]) == ("rejected", "not ours")


def test_where_nobody_has_to_approve_it_is_signed_at_once(
    desk: DeskProcess, desk_house: House, make_csr: MakeCsr
) -> None:
    rita = desk_house.person("rita", Role.REQUESTER)
    answer = rita.program.post("/requests", json=wanted(make_csr, "Direct"))
    assert (answer.status_code, answer.json()["status"]) == (201, "issued")


def test_one_sees_ones_own_requests_and_those_that_one_may_approve(
    desk: DeskProcess, desk_house: House, make_csr: MakeCsr
) -> None:
    rita, ron = desk_house.person("rita", Role.REQUESTER), desk_house.person("ron", Role.REQUESTER)
    paul = desk_house.person("paul", Grant(Role.APPROVER, "Twofold"))
    numbers = [submitted(rita, make_csr), submitted(rita, make_csr, "Twofold"), submitted(ron, make_csr)]
    seen = {
        person.name: [kept["number"] for kept in person.program.get("/requests").json()["items"]]
        for person in (rita, ron, paul)
    }
    assert seen == {"rita": numbers[:2], "ron": numbers[2:], "paul": numbers[1:2]}
    assert ron.program.get(f"/requests/{numbers[0]}").status_code == 403
    page = rita.program.get("/requests", params={"limit": 1}).json()
    rest = rita.program.get("/requests", params={"cursor": page["next"]}).json()
    assert [kept["number"] for kept in page["items"] + rest["items"]] == numbers[:2]
    assert rest["next"] is None
