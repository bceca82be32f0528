"""The pages as programs see them: forms, errors, cookies, headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold_desk.pages.rate_limit import ATTEMPTS
from desk_pages.desk_fixtures import PEOPLE
from desk_pages.desk_process import PASSWORD, Browser, RunningDesk, shown

if TYPE_CHECKING:
    import httpx

    from conftest import MakeCsr

PAGES = (
    "/",
    "/account",
    "/account/second-factor",
    "/requests",
    "/requests/new",
    "/certificates",
    "/authorities",
    "/authorities/2",
    "/history",
    "/accounts",
    "/accounts/dana",
    "/events",
)


def new_request(browser: Browser, csr: bytes, name: str, **more: str) -> httpx.Response:
    """Submit a request for the issuing authority."""
    form = {"authority": "Issuing", "csr": csr.decode(), "names": name, "what": "submit", **more}
    return browser.post("/requests/new", form)


def number_of(answer: httpx.Response) -> str:
    """The last part of the path where a form has led."""
    assert answer.status_code == 200, shown(answer)
    return answer.url.path.rpartition("/")[2]


def issued(desk: RunningDesk, csr: bytes, name: str) -> str:
    """The serial number of a certificate that two people have made."""
    with desk.browser("dana") as dana, desk.browser("alex") as alex:
        number = number_of(new_request(dana, csr, name))
        page = alex.post(f"/requests/{number}/approve", {})
        assert "The certificate was issued." in shown(page)
        found = re.search(r'href="/certificates/([0-9a-f]+)"', page.text)
        assert found
        return found[1]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_there_for_who_may_see_it(standing_desk: RunningDesk, path: str) -> None:
    with standing_desk.browser("all") as browser:
        answer = browser.get(path)
        assert answer.status_code == 200, shown(answer)
        assert answer.text.count("<h1>") == 1


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/"])
def test_every_page_leads_to_the_log_in(standing_desk: RunningDesk, path: str) -> None:
    with standing_desk.browser() as browser:
        answer = browser.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
        assert f'name="next" value="{path}"' in browser.get(path).text


def test_the_log_in_leads_back(standing_desk: RunningDesk) -> None:
    with standing_desk.browser() as browser:
        form = {"name": "all", "password": PASSWORD, "next": "/accounts/dana"}
        assert browser.post("/login", form).url.path == "/accounts/dana"


@pytest.mark.parametrize("following", ["//evil.example", "https://evil.example", "/\\evil.example", "/a?b", "x"])
def test_a_log_in_leads_nowhere_else(standing_desk: RunningDesk, following: str) -> None:
    with standing_desk.browser() as browser:
        form = {"name": "vera", "password": PASSWORD, "next": following}
        answer = browser.post("/login", form, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_headers_and_the_cookie_keep_pages_apart(standing_desk: RunningDesk) -> None:
    with standing_desk.browser() as browser:
        answer = browser.post("/login", {"name": "vera", "password": PASSWORD}, follow_redirects=False)
        cookie = answer.headers["set-cookie"].lower().split("; ")
        assert {"httponly", "samesite=strict", "path=/"} <= set(cookie)
        assert not any(part.startswith(("domain", "max-age", "expires")) for part in cookie)
        page = browser.get("/")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-frame-options"] == "DENY"
        for text in (page.text, browser.get("/requests/new").text, browser.get("/account/second-factor").text):
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=\"/static/)|src=\"(?!/static/)", text)


def test_static_files_are_kept_and_change_their_path(standing_desk: RunningDesk) -> None:
    with standing_desk.browser() as browser:
        found = re.search(r'href="(/static/[0-9a-f]{16}/desk\.css)"', browser.get("/login").text)
        assert found
        answer = browser.get(found[1])
        assert answer.headers["cache-control"].endswith("immutable")
        assert answer.headers["content-type"].startswith("text/css")


def test_a_form_from_elsewhere_does_nothing(standing_desk: RunningDesk) -> None:
    with standing_desk.browser("boss") as boss:
        for headers in ({"origin": "https://evil.example"}, {"origin": "null"}):
            answer = boss.post("/accounts", {"name": "mallory"}, headers=headers)
            assert answer.status_code == 403
            assert "does not come from a page of the desk" in shown(answer)
        without_origin = boss.client.post("/accounts", data={"name": "mallory"})
        assert without_origin.status_code == 403
        for token in ("", "0" * 64):
            answer = boss.post("/accounts", {"name": "mallory", "csrf": token})
            assert answer.status_code == 403
            assert "form: is not of this session" in shown(answer)
        assert "mallory" not in boss.get("/accounts").text
        with standing_desk.browser() as other:
            other.log_in("boss")
            found = re.search(r'name="csrf" value="(\w+)"', other.get("/account").text)
            assert found
            assert boss.post("/accounts", {"name": "mallory", "csrf": found[1]}).status_code == 403


def test_a_form_without_a_session_is_not_done(standing_desk: RunningDesk) -> None:
    with standing_desk.browser() as browser:
        answer = browser.post("/requests/1/approve", {})
        assert answer.status_code == 401
        assert "log in" in shown(answer).lower()


def test_too_much_is_refused(standing_desk: RunningDesk) -> None:
    with standing_desk.browser("dana") as dana:
        answer = dana.post("/requests/new", {"csr": "x" * 300_000})
        assert answer.status_code == 413
        broken = {"content-type": "multipart/form-data; boundary=x"}
        answer = dana.client.post("/requests/new", content=b"--y\r\n", headers={"origin": dana.url, **broken})
        assert answer.status_code in (403, 422)


@pytest.mark.parametrize("path", ["/nothing", "/static/desk.css", "/authorities/2/nothing", "/%2e%2e/etc/passwd"])
def test_what_is_not_there_has_a_page(standing_desk: RunningDesk, path: str) -> None:
    with standing_desk.browser("all") as browser:
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "Nothing is here" in shown(answer)


@pytest.mark.parametrize(
    "path", ["/requests/99999999999999999999999", "/requests/x", "/authorities/" + "9" * 5000, "/certificates/zz"]
)
def test_odd_paths_are_no_faults(standing_desk: RunningDesk, path: str) -> None:
    with standing_desk.browser("all") as browser:
        assert browser.get(path).status_code in (404, 422)


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("boss", "/authorities/2"),
        ("boss", "/certificates?authority=Issuing"),
        ("boss", "/history?authority=Issuing"),
        ("dana", "/accounts"),
        ("dana", "/accounts/vera"),
        ("dana", "/events"),
    ],
)
def test_what_the_roles_do_not_allow_is_refused_and_recorded(standing_desk: RunningDesk, who: str, path: str) -> None:
    with standing_desk.browser(who) as browser:
        answer = browser.get(path)
        assert answer.status_code == 403
        assert "your roles do not allow it" in shown(answer)
    with standing_desk.opened() as desk:
        newest = [event for event in desk.events(None, 3) if event.kind == "forbidden"]
        assert newest[0].account == who


@pytest.mark.parametrize(
    ("who", "path", "form"),
    [
        ("vera", "/requests/new", {"authority": "Issuing", "csr": "x", "what": "submit"}),
        ("olga", "/requests/new", {"authority": "Issuing", "csr": "x", "what": "preview"}),
        ("vera", "/authorities/2/crls", {}),
        ("dana", "/authorities/2/responder", {"alias": "second"}),
        ("alex", "/accounts", {"name": "mallory"}),
        ("alex", "/accounts/alex", {"grant": "administrator *", "active": "yes"}),
        ("olga", "/accounts/boss/link", {}),
        ("olga", "/accounts/boss/second-factor", {}),
    ],
)
def test_what_the_roles_do_not_allow_is_not_done(
    standing_desk: RunningDesk, who: str, path: str, form: dict[str, str]
) -> None:
    with standing_desk.browser(who) as browser:
        assert browser.post(path, form).status_code == 403


def test_a_request_is_shown_checked_approved_by_another_and_issued(
    standing_desk: RunningDesk, make_csr: MakeCsr
) -> None:
    csr = make_csr()
    with standing_desk.browser("dana") as dana, standing_desk.browser("alex") as alex:
        preview = new_request(dana, csr, "www.example.com", what="preview")
        assert "DNS:www.example.com" in shown(preview)
        assert "Limits what the key may do." in shown(preview)
        assert csr.decode().split("\n")[1] in preview.text
        number = number_of(new_request(dana, csr, "www.example.com"))
        assert "waiting" in shown(dana.get("/requests"))
        assert dana.post(f"/requests/{number}/approve", {}).status_code == 403
        page = alex.post(f"/requests/{number}/approve", {})
        assert "The certificate was issued." in shown(page)
        found = re.search(r'href="/certificates/([0-9a-f]+)"', page.text)
        assert found
        serial = found[1]
        detail = dana.get(f"/certificates/{serial}")
        assert "The names that the certificate is for; clients compare these." in shown(detail)
        assert "No widely used program that was tried refuses it." in shown(detail)
        pem = dana.get(f"/certificates/{serial}/certificate.pem")
        assert pem.headers["content-disposition"] == f'attachment; filename="{serial}.pem"'
        certificate = x509.load_pem_x509_certificate(pem.content)
        assert dana.get(f"/certificates/{serial}/certificate.der").content == certificate.public_bytes(Encoding.DER)
        chain = x509.load_pem_x509_certificates(dana.get(f"/certificates/{serial}/chain.pem").content)
        assert [one.subject.rfc4514_string() for one in chain][1:] == ["CN=Issuing", "CN=Root"]
        assert dana.get("/certificates/find", params={"serial": serial[:12]}).url.path == f"/certificates/{serial}"
        assert alex.post(f"/requests/{number}/approve", {}).status_code == 409
        history = shown(alex.get("/history"))
        assert "certificate-issued" in history
        assert "dana" in history


def test_the_form_keeps_what_was_typed_and_says_what_is_wrong(standing_desk: RunningDesk, make_csr: MakeCsr) -> None:
    with standing_desk.browser("dana") as dana:
        answer = new_request(dana, b"no request", "www.example.com", subject="O=<Ex&mple>", expires="90", copy="alt")
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert "CSR: " in shown(answer)
        for kept in ("no request</textarea>", "www.example.com</textarea>", "O=&lt;Ex&amp;mple&gt;", 'value="90"'):
            assert kept in answer.text
        assert re.search(r'value="alt" checked', answer.text)
        answer = new_request(dana, make_csr(), "")
        assert answer.status_code == 422
        assert "needs at least one alternative name" in shown(answer)
        assert "CSR: is missing" in shown(new_request(dana, b"", "www.example.com"))
        assert "is not in the future" in shown(new_request(dana, make_csr(), "a.example", expires="0"))


def test_a_file_takes_the_place_of_what_was_pasted(standing_desk: RunningDesk, make_csr: MakeCsr) -> None:
    der = x509.load_pem_x509_csr(make_csr()).public_bytes(Encoding.DER)
    with standing_desk.browser("dana") as dana:
        form = {"authority": "Issuing", "names": "file.example.com", "what": "submit", "csr": "nonsense"}
        answer = dana.post("/requests/new", form, files={"file": ("a.csr", der)})
        assert "file.example.com" in shown(answer)
        assert answer.url.path.startswith("/requests/")


def test_a_request_is_rejected_with_a_reason(standing_desk: RunningDesk, make_csr: MakeCsr) -> None:
    with standing_desk.browser("dana") as dana, standing_desk.browser("alex") as alex:
        number = number_of(new_request(dana, make_csr(), "no.example.com"))
        answer = alex.post(f"/requests/{number}/reject", {"why": " "})
        assert (answer.status_code, "reason: is empty" in shown(answer)) == (422, True)
        assert "The request was rejected." in shown(alex.post(f"/requests/{number}/reject", {"why": "<no>"}))
        assert "&lt;no&gt;" in dana.get(f"/requests/{number}").text
        assert alex.post(f"/requests/{number}/approve", {}).status_code == 409


def test_a_certificate_is_held_released_and_revoked(standing_desk: RunningDesk, make_csr: MakeCsr) -> None:
    serial = issued(standing_desk, make_csr(), "revoked.example.com")
    path = f"/certificates/{serial}"
    with standing_desk.browser("olga") as olga, standing_desk.browser("vera") as vera:
        assert vera.post(f"{path}/revoke", {"reason": "superseded"}).status_code == 403
        assert "on hold" in shown(olga.post(f"{path}/revoke", {"reason": "certificateHold"}))
        assert "The hold was removed." in shown(olga.post(f"{path}/release", {}))
        answer = olga.post(f"{path}/release", {})
        assert (answer.status_code, "is not revoked" in shown(answer)) == (409, True)
        assert "reason ''" in shown(olga.post(f"{path}/revoke", {}))
        assert "revoked" in shown(olga.post(f"{path}/revoke", {"reason": "keyCompromise"}))
        assert olga.post(f"{path}/revoke", {"reason": "superseded"}).status_code == 409
        assert serial[:16] in olga.get("/certificates", params={"state": "revoked"}).text
        assert serial[:16] not in olga.get("/certificates", params={"state": "valid"}).text


def test_crls_and_the_place_of_responder_keys_are_in_the_hands_of_operators(standing_desk: RunningDesk) -> None:
    with standing_desk.browser("olga") as olga:
        assert "New CRLs were made." in shown(olga.post("/authorities/2/crls", {}))
        for alias in ("second", "default"):
            page = olga.post("/authorities/2/responder", {"alias": alias})
            assert "A new OCSP responder was made." in shown(page)
            assert f'id="responder-place">{alias}<' in page.text
        answer = olga.post("/authorities/2/responder", {"alias": "nowhere"})
        assert answer.status_code == 422
        assert "no alias 'nowhere' is configured" in shown(answer)


def test_an_account_gets_a_link_a_password_and_roles(standing_desk: RunningDesk) -> None:
    with standing_desk.browser("boss") as boss, standing_desk.browser() as nova:
        assert "exists already" in shown(boss.post("/accounts", {"name": "dana"}))
        assert boss.post("/accounts", {"name": "nova", "mail": "nova@example.com"}).url.path == "/accounts/nova"
        found = re.search(r"/link#([\w-]+)", boss.post("/accounts/nova/link", {}).text)
        assert found
        form = {"link": found[1], "password": "a new long password", "again": "a new long passwort"}
        answer = nova.post("/link", form)
        assert (answer.status_code, "was not typed twice alike" in shown(answer)) == (422, True)
        form["again"] = form["password"]
        assert "The password was set." in shown(nova.post("/link", form))
        assert nova.post("/link", form).status_code == 401
        assert nova.log_in("nova", "a new long password").status_code == 200
        assert nova.get("/authorities/2").status_code == 403
        grants = {"mail": "nova@example.com", "active": "yes", "grant": ["viewer Issuing", "nonsense x"]}
        assert "The change was saved." in shown(boss.post("/accounts/nova", grants))
        assert nova.get("/authorities/2").status_code == 200
        assert nova.get("/authorities/1").status_code == 403
        assert nova.get("/certificates").status_code == 200
        boss.post("/accounts/nova", {"mail": "", "grant": "viewer Issuing"})
        assert nova.get("/authorities/2", follow_redirects=False).status_code == 303


def test_a_password_is_changed_with_the_old_one_and_other_sessions_end(standing_desk: RunningDesk) -> None:
    with standing_desk.browser("vera") as vera, standing_desk.browser() as elsewhere:
        elsewhere.log_in("vera")
        new = {"password": "another long password", "again": "another long password"}
        answer = vera.post("/account/password", {"old": "wrong", **new})
        assert (answer.status_code, "password: is wrong" in shown(answer)) == (401, True)
        assert "The password was set." in shown(vera.post("/account/password", {"old": PASSWORD, **new}))
        assert elsewhere.get("/account", follow_redirects=False).status_code == 303
        back = {"old": new["password"], "password": PASSWORD, "again": PASSWORD}
        assert "The password was set." in shown(vera.post("/account/password", back))


def test_a_token_is_shown_once_and_ends(standing_desk: RunningDesk) -> None:
    with standing_desk.browser("dana") as dana:
        answer = dana.post("/account/tokens", {"token_name": "script", "act": ["request", "administer"], "days": "7"})
        found = re.search(r"ahd_([0-9a-f]{16})_[\w-]+", answer.text)
        assert found
        page = dana.get("/account")
        assert found[0] not in page.text
        assert "script" in page.text
        assert dana.post("/account/tokens", {"token_name": "x", "act": [], "days": "7"}).status_code == 422
        assert dana.post("/account/tokens", {"token_name": "x", "act": "view", "days": "9999"}).status_code == 422
        assert dana.get("/requests", headers={"authorization": f"Bearer {found[0]}"}).status_code == 200
        with standing_desk.browser() as program:
            answer = program.get("/", headers={"authorization": f"Bearer {found[0]}"}, follow_redirects=False)
            assert answer.status_code == 303
        assert "The token was ended." in shown(dana.post("/account/tokens/end", {"token": found[1]}))


def test_logging_out_ends_the_session(standing_desk: RunningDesk) -> None:
    with standing_desk.browser() as vera:
        vera.log_in("vera")
        session = dict(vera.client.cookies)
        assert "You are logged out." in shown(vera.post("/logout", {}))
        assert not dict(vera.client.cookies)
        vera.client.cookies.update(session)
        assert vera.get("/account", follow_redirects=False).status_code == 303


def test_a_page_is_in_the_language_of_the_reader(standing_desk: RunningDesk) -> None:
    with standing_desk.browser("all", headers={"accept-language": "fr, de-AT;q=0.8, en;q=0.5"}) as browser:
        page = browser.get("/certificates")
        assert page.headers["content-language"] == "de"
        assert '<html lang="de">' in page.text
        assert "Zertifikate" in page.text


def test_the_people_of_the_tests_have_each_role() -> None:
    assert len({role for roles in PEOPLE.values() for role in roles}) == 5
    assert ATTEMPTS > 5, "an account is locked before an address is refused"
