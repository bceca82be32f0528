"""HTTP as clients need it: errors as problem details, ETags, forms of answers, and nothing that takes the desk down."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchorhold_desk.api.reading import MAX_BODY
from anchorhold_desk.roles import Role
from desk.test_two_people import submitted, wanted

if TYPE_CHECKING:
    import httpx

    from conftest import MakeCsr
    from desk.desk_house import DeskProcess, House

JSON: Final = {"content-type": "application/json"}
MEMBERS: Final = {"type", "code", "title", "detail", "hint", "remedy", "status"}


def problem(answer: httpx.Response, status: int, code: str) -> str:
    """What is wrong, in one sentence, where it is the right status and kind."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    content = answer.json()
    assert (answer.status_code, content["status"], content["code"]) == (status, status, code), answer.text
    assert content.keys() == MEMBERS
    assert content["type"] == f"urn:anchorhold:error:{code}"
    words: str = content["detail"]
    assert ": " in words
    assert "\n" not in words
    assert not words.endswith(".")
    assert content["hint"]
    return words


@pytest.mark.usefixtures("desk")
def test_who_is_not_known_is_told_how_to_be(desk_house: House, make_csr: MakeCsr) -> None:
    nobody, rita = desk_house.client(), desk_house.person("rita", Role.REQUESTER)
    basic = {"authorization": f"Basic {rita.token}"}
    for headers in ({}, {"authorization": "Bearer no"}, basic, {"cookie": "desk=no"}):
        answer = nobody.get("/me", headers=headers)
        assert problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert problem(nobody.post("/requests", content=b"{" * (MAX_BODY + 1)), 401, "unauthenticated")
    elsewhere = rita.http.post("/requests", json=wanted(make_csr), headers={"origin": "https://evil.example"})
    assert problem(elsewhere, 403, "cross-site")
    without = rita.http.build_request("POST", "/requests", json=wanted(make_csr))
    del without.headers["origin"]
    assert problem(rita.http.send(without), 403, "cross-site")
    assert rita.http.get("/requests").json()["items"] == []


@pytest.mark.usefixtures("desk")
def test_paths_and_methods_that_are_not_there(desk_house: House) -> None:
    admin = desk_house.person("admin", *Role)
    for path in ("", "/", "/nothing", "/requests/", "/certificates/zz", "/requests/0", "/requests/-1", "/accounts/%00"):
        assert problem(admin.http.get(path), 404, "not-found")
    for path in ("/requests/99", "/requests/9999999999", "/accounts/nobody"):
        assert problem(admin.http.get(path), 404, "not-found")
    assert problem(admin.http.delete("/tokens/0123456789abcdef"), 404, "not-found")
    assert problem(admin.http.get("/certificates/ab"), 404, "unknown-certificate")
    assert problem(admin.http.get("/authorities/None"), 404, "unknown-authority")
    answer = admin.http.put("/accounts/admin")
    assert problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, PATCH"
    assert problem(admin.http.request("TRACE", "/me"), 405, "method-not-allowed")
    head = admin.http.head("/me")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.usefixtures("desk")
def test_contents_that_cannot_be_read(desk_house: House, make_csr: MakeCsr) -> None:
    rita = desk_house.person("rita", *Role).program
    assert problem(rita.post("/requests", content=b"", headers=JSON), 400, "request-unreadable")
    for content in (b"{", b"\xff\xfe", b'{"a": NaN', b"[" * 100_000):
        assert problem(rita.post("/requests", content=content, headers=JSON), 400, "request-unreadable")
    assert problem(rita.post("/requests", data={"authority": "Issuing"}), 415, "media-type-unsupported")
    latin = {"content-type": "application/json; charset=latin-1"}
    assert problem(rita.post("/requests", content=b"{}", headers=latin), 415, "media-type-unsupported")
    assert problem(rita.post("/requests", content=b" " * (MAX_BODY + 1), headers=JSON), 413, "content-too-large")
    pieces = (b" " * 1024 for _ in range(300))
    assert problem(rita.post("/requests", content=pieces, headers=JSON), 413, "content-too-large")
    number = submitted(desk_house.person("ron", Role.REQUESTER), make_csr)
    unexpected = rita.post(f"/requests/{number}/approve", json={"reason": "none"})
    assert problem(unexpected, 400, "request-unreadable")
    assert [kept["status"] for kept in rita.get("/requests").json()["items"]] == ["waiting"]


@pytest.mark.usefixtures("desk")
def test_contents_that_are_wrong(desk_house: House, make_csr: MakeCsr) -> None:
    """Each gets a sentence that names the member, and nothing is kept."""
    admin = desk_house.person("admin", *Role)
    good = wanted(make_csr)
    broken = good["csr"].replace("A", "B")
    told: list[tuple[Any, str]] = [
        ([], "content: "),
        ({}, "authority: "),
        ({**good, "csr": 5}, "content, csr: "),
        ({**good, "csr": "no PEM"}, "content, csr: "),
        ({**good, "csr": broken}, ": "),
        ({**good, "names": "a.example"}, "content, names: "),
        ({**good, "names": ["*.*.example"]}, "*.*.example"),
        ({**good, "names": ["a\nb"]}, "content, names.0: "),
        ({**good, "expires": "tomorrow"}, "content, expires: is not a moment"),
        ({**good, "expires": "2026-02-30T00:00:00Z"}, "content, expires: "),
        ({**good, "expires": "9999-12-31T23:59:59-23:00"}, "content, expires: "),
        ({**good, "expires": "2001-01-01T00:00:00Z"}, ": "),
        ({**good, "copy": ["everything"]}, "content, copy.0: "),
        ({**good, "subject": "no name"}, "subject"),
        ({**good, "profil": "webserver"}, "content, profil: "),
        ({**good, "profile": "none such"}, "none such"),
        ({**good, "authority": "\ud800"}, "content"),
        ({**good, "authority": "None"}, "None"),
    ]
    for content, words in told:
        answer = admin.program.post("/requests", content=json.dumps(content), headers=JSON)
        assert answer.status_code in (400, 404, 422), (content, answer.text)
        assert words in problem(answer, answer.status_code, answer.json()["code"]), answer.text
    for path, content in (
        ("/accounts", {"name": "Capital"}),
        ("/accounts", {"name": "a", "mail": "no address"}),
        ("/accounts", {"name": "a", "grants": [{"role": "king"}]}),
        ("/tokens", {"name": "a", "acts": []}),
        ("/tokens", {"name": "a", "acts": ["view"], "days": 1000}),
        ("/tokens", {"name": "a", "acts": ["view"], "days": True}),
    ):
        answer = admin.http.post(path, json=content)
        assert problem(answer, 422, "input-invalid"), path
    assert admin.http.get("/requests").json()["items"] == []
    assert len(admin.http.get("/accounts").json()["items"]) == 1
    assert len(admin.http.get("/tokens").json()["items"]) == 1


@pytest.mark.usefixtures("desk")
def test_queries_that_are_wrong(desk_house: House) -> None:
    admin = desk_house.person("admin", *Role)
    for query in (
        "limit=0",
        "limit=1001",
        "limit=1_0",
        "limit=ten",
        "limit=1&limit=2",
        "revoked=1",
        "expiring=5",
        "expiring=2026-01-01",
        "cursor=zzz",
        "cursor=cmVxdWVzdDox",
        "unknown=1",
        "profile=%00",
    ):
        assert problem(admin.http.get(f"/certificates?{query}"), 422, "input-invalid"), query
    assert admin.http.get("/certificates?revoked=true&expired=true&limit=1").status_code == 200


@pytest.mark.usefixtures("desk")
def test_certificates_in_pages_and_by_filters(desk_house: House, make_csr: MakeCsr) -> None:
    admin = desk_house.person("admin", *Role).program
    made = [admin.post("/requests", json=wanted(make_csr, "Direct")).json()["serial"] for _ in range(5)]
    assert admin.post(f"/certificates/{made[1]}/revoke", json={"reason": "keyCompromise"}).status_code == 200
    told = admin.post(f"/certificates/{made[1]}/revoke", json={})
    assert problem(told, 409, "revocation-refused")
    short = admin.post(f"/certificates/{made[0][:6]}/revoke", json={})
    assert problem(short, 404, "unknown-certificate")
    found, query = [], {"authority": "Direct", "limit": "2"}
    while True:
        page = admin.get("/certificates", params=query).json()
        found += [item["serial"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert sorted(found) == sorted(made)
    revoked = admin.get("/certificates", params={"authority": "Direct", "revoked": "true"}).json()["items"]
    assert [(item["serial"], item["revocation_reason"]) for item in revoked] == [(made[1], "keyCompromise")]
    assert admin.get("/certificates", params={"expiring": "2020-01-01T00:00:00Z"}).json()["items"] == []
    assert admin.get("/history", params={"serial": made[1], "limit": 1}).json()["items"][0]["kind"] == (
        "certificate-revoked"
    )


@pytest.mark.usefixtures("desk")
def test_etags_say_whether_something_has_changed(desk_house: House, make_csr: MakeCsr) -> None:
    admin = desk_house.person("admin", *Role)
    path = f"/requests/{submitted(admin, make_csr)}"
    first = admin.http.get(path)
    same = admin.http.get(path, headers={"if-none-match": f'"other", {first.headers["etag"]}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    admin.http.post(f"{path}/reject", json={"reason": "no"})
    assert admin.http.get(path, headers={"if-none-match": first.headers["etag"]}).status_code == 200
    etag = admin.http.get("/accounts/admin").headers["etag"]
    changed = admin.http.patch("/accounts/admin", json={"mail": "a@example.com"}, headers={"if-match": etag})
    assert changed.status_code == 200
    stale = admin.http.patch("/accounts/admin", json={"mail": "b@example.com"}, headers={"if-match": etag})
    assert problem(stale, 412, "changed-meanwhile")
    assert admin.http.get("/accounts/admin").json()["mail"] == "a@example.com"
    newest = changed.headers["etag"]
    assert admin.http.patch("/accounts/admin", json={"mail": ""}, headers={"if-match": newest}).status_code == 200
    last = admin.http.patch("/accounts/admin", json={"active": False})
    assert problem(last, 409, "wrong-state")


@pytest.mark.usefixtures("desk")
def test_a_certificate_comes_in_the_form_that_is_liked_most(desk_house: House, make_csr: MakeCsr) -> None:
    admin = desk_house.person("admin", *Role).program
    serial = admin.post("/requests", json=wanted(make_csr, "Direct")).json()["serial"]
    for accept, media in (
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*;q=0.5, application/pkix-cert", "application/pkix-cert"),
        ("application/json;q=0.1, application/pem-certificate-chain;q=0.2", "application/pem-certificate-chain"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/json;q=0, */*", "application/pem-certificate-chain"),
    ):
        answer = admin.get(f"/certificates/{serial}", headers={"accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, media), accept
        assert answer.headers["vary"] == "accept"
    for accept in ("text/html", "application/json;q=0, application/pkix-cert;q=no"):
        assert problem(admin.get(f"/certificates/{serial}", headers={"accept": accept}), 406, "not-acceptable")


def test_the_ocsp_key_backend_is_chosen(desk_house: House, desk: DeskProcess) -> None:
    admin = desk_house.person("admin", *Role).program
    wrong = admin.post("/authorities/Issuing/responder", json={"ocsp_key_backend": "none"})
    assert problem(wrong, 422, "unknown-alias")
    assert admin.get("/authorities/Issuing").json()["responder"] is None
    made = admin.post("/authorities/Issuing/responder", json={"ocsp_key_backend": "default"}).json()
    assert made["responder"]["status"] == "active"
    assert admin.post("/authorities/Issuing/crls").json()["crls"][0]["shard"] is None
    assert "defect" not in desk.log_file.read_text()


def test_a_client_that_goes_away_does_no_harm(desk_house: House, desk: DeskProcess) -> None:
    rita = desk_house.person("rita", Role.REQUESTER)
    for sent in (b"", b"{", b'{"authority": '):
        with socket.create_connection(("127.0.0.1", desk_house.port)) as client:
            head = f"POST /api/v1/requests HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {rita.token}\r\n"
            client.sendall(f"{head}content-type: application/json\r\ncontent-length: 900\r\n\r\n".encode() + sent)
    assert rita.program.get("/me").status_code == 200
    assert desk.process.poll() is None
