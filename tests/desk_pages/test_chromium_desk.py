"""The desk in a browser: from a link on the host to a certificate by two people, and what operators do then."""

from __future__ import annotations

import re
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from playwright.sync_api import expect

from desk_pages.chromium import PHONE, chromium, flaws, log_in, person
from desk_pages.desk_fixtures import PEOPLE
from desk_pages.desk_process import PASSWORD, RunningDesk, add_people, new_url, prepare, running
from desk_pages.test_desk_pages import PAGES
from programs import openssl, program
from server.serving import free_port
from server.serving import running as serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.databases(because="what is on a page does not depend on the database"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk with an authority that is published beside it."""
    folder, url, port = tmp_path_factory.mktemp("desk"), new_url(), free_port()
    environment = prepare(folder, url, hostname=f"127.0.0.1:{port}")
    with running(folder, environment, url) as started:
        with started.opened() as opened:
            add_people(opened, PEOPLE)
        yield started


def fill_request(page: Page, name: str) -> None:
    """Ask for a certificate with a key that the browser makes."""
    page.goto("/requests/new")
    page.get_by_label("Authority").select_option("Issuing")
    page.get_by_label("Names, one on each line").fill(name)
    page.get_by_role("button", name="Make key and request here").click()
    expect(page.get_by_role("link", name="Save private key")).to_be_visible()


def fill_request_and_save(page: Page, name: str, folder: Path) -> Path:
    """The same; the file with the key."""
    fill_request(page, name)
    return saved(page, "Save private key", folder)


def saved(page: Page, link: str, folder: Path) -> Path:
    """The file that a link downloads."""
    with page.expect_download() as download:
        page.get_by_role("link", name=link, exact=False).first.click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def issue(desk: RunningDesk, browser: Browser, name: str) -> str:
    """The serial number of a certificate that two people have made."""
    with person(browser, desk.url, "dana") as dana, person(browser, desk.url, "alex") as alex:
        fill_request_and_save(dana, name, desk.log_file.parent)
        dana.get_by_role("button", name="Submit").click()
        expect(dana.get_by_text("The request was submitted.")).to_be_visible()
        alex.goto(dana.url.partition("?")[0])
        alex.get_by_role("button", name="Approve").click()
        alex.get_by_role("link", name="To the certificate").click()
        return alex.url.rpartition("/")[2]


def test_from_a_link_on_the_host_to_a_certificate_by_two_people(browser: Browser, tmp_path: Path) -> None:
    url = new_url()
    environment = prepare(tmp_path, url)
    with running(tmp_path, environment, url) as desk:
        link = desk.command("desk", "init").strip()
        with person(browser, url) as admin:
            set_password(admin, link)
            assert "#" not in admin.url
            log_in(admin, "admin")
            links = {
                name: new_account(admin, name, role) for name, role in (("rita", "requester"), ("anna", "approver"))
            }
        with person(browser, url) as rita, person(browser, url) as anna:
            for page, name in ((rita, "rita"), (anna, "anna")):
                set_password(page, links[name])
                log_in(page, name)
            fill_request(rita, "www.example.com")
            rita.get_by_role("button", name="Submit").click()
            expect(rita.get_by_text("Save the private key first")).to_be_visible()
            key = saved(rita, "Save private key", tmp_path)
            rita.get_by_role("button", name="Show what it would become").click()
            expect(rita.get_by_role("heading", name="The certificate that it would become")).to_be_visible()
            expect(rita.get_by_text("DNS:www.example.com").first).to_be_visible()
            rita.get_by_role("button", name="Submit").click()
            expect(rita.get_by_role("button", name="Approve")).to_have_count(0)
            anna.goto("/")
            anna.get_by_role("link", name="Request 1: CN=www.example.com").click()
            anna.get_by_role("button", name="Approve").click()
            expect(anna.get_by_text("The certificate was issued.")).to_be_visible()
            rita.reload()
            rita.get_by_role("link", name="To the certificate").click()
            chain = x509.load_pem_x509_certificates(saved(rita, "PEM with chain", tmp_path).read_bytes())
        for name, certificate in zip(("leaf", "issuing", "root"), chain, strict=True):
            (tmp_path / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        folder = tmp_path
        arguments = ("-CAfile", folder / "root.pem", "-untrusted", folder / "issuing.pem", folder / "leaf.pem")
        assert "OK" in openssl("verify", "-x509_strict", *arguments)
        mine = load_pem_private_key(key.read_bytes(), None).public_key()
        spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert chain[0].public_key().public_bytes(*spki) == mine.public_bytes(*spki)


def set_password(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("The password was set.")).to_be_visible()


def new_account(page: Page, name: str, role: str) -> str:
    """Make an account with a role on every authority; its link."""
    page.goto("/accounts")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make account").click()
    page.get_by_role("checkbox", name=f"{role}, every authority").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Make link").click()
    return str(page.locator("code.secret").inner_text())


def test_a_key_never_leaves_the_browser(desk: RunningDesk, browser: Browser, tmp_path: Path) -> None:
    with person(browser, desk.url, "dana") as dana:
        sent: list[bytes] = []
        dana.on("request", lambda request: sent.append(request.post_data_buffer or b""))
        fill_request_and_save(dana, "kept.example.com", tmp_path)
        dana.get_by_role("button", name="Submit").click()
        expect(dana.get_by_text("The request was submitted.")).to_be_visible()
        assert any(b"CERTIFICATE REQUEST" in body for body in sent)
        assert not any(b"PRIVATE KEY" in body for body in sent)


def test_requests_of_the_browser_are_good_der(desk: RunningDesk, browser: Browser) -> None:
    """Numbers of a signature begin with a zero or a high bit now and then."""
    with person(browser, desk.url, "dana") as dana:
        for _ in range(40):
            fill_request(dana, "x.example.com")
            assert "CERTIFICATE REQUEST" in dana.get_by_label("Request (CSR)").input_value()
            csr = x509.load_pem_x509_csr(dana.get_by_label("Request (CSR)").input_value().encode())
            assert csr.is_signature_valid
            assert not list(csr.subject)


def test_the_place_of_responder_keys_is_chosen_and_a_revocation_is_seen_by_openssl(
    desk: RunningDesk, browser: Browser, tmp_path: Path
) -> None:
    serial = issue(desk, browser, "revoked.example.com")
    with person(browser, desk.url, "olga") as olga:
        olga.goto("/authorities")
        olga.get_by_role("link", name="Issuing").click()
        for alias in ("default", "second"):
            olga.get_by_role("radio", name=alias).check()
            olga.get_by_role("button", name="Make new responder").click()
            expect(olga.get_by_text("A new OCSP responder was made.")).to_be_visible()
            assert olga.locator("#responder-place").inner_text() == alias
        olga.get_by_role("button", name="Make new CRLs").click()
        expect(olga.get_by_text("New CRLs were made.")).to_be_visible()
        olga.goto(f"/certificates/{serial}")
        chain = x509.load_pem_x509_certificates(saved(olga, "PEM with chain", tmp_path).read_bytes())
        for name, certificate in zip(("leaf", "issuing", "root"), chain, strict=True):
            (tmp_path / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        port = int(re.search(r"127\.0\.0\.1:(\d+)/ocsp", olga.content())[1])  # type: ignore[index]
        with serving(tmp_path, port=port, environment=desk.environment):
            assert "leaf.pem: good" in asked(tmp_path, port)
            olga.get_by_role("radio", name="keyCompromise").check()
            olga.get_by_role("button", name="Revoke").click()
            expect(olga.get_by_text("The certificate was revoked.")).to_be_visible()
            told = asked(tmp_path, port)
            assert "leaf.pem: revoked" in told
            assert "Reason: keyCompromise" in told


def asked(folder: Path, port: int) -> str:
    """What a server tells openssl of the certificate."""
    files = ("-issuer", "issuing.pem", "-cert", "leaf.pem", "-CAfile", "root.pem", "-verify_other", "issuing.pem")
    command = [program("openssl"), "ocsp", "-url", f"http://127.0.0.1:{port}/ocsp", *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert "Response verify OK" in done.stderr
    return done.stdout


def test_a_log_in_with_a_second_factor(desk: RunningDesk, browser: Browser) -> None:
    with person(browser, desk.url, "vera") as vera:
        vera.goto("/account/second-factor")
        expect(vera.locator(".picture svg")).to_be_visible()
        totp = pyotp.TOTP(vera.locator("#totp-secret").inner_text().replace(" ", ""))
        vera.get_by_role("textbox", name="Code").fill(totp.now())
        vera.get_by_label("Present password").fill(PASSWORD)
        vera.get_by_role("button", name="Confirm").click()
        expect(vera.get_by_text("Log-ins need a code from now on.")).to_be_visible()
        vera.get_by_role("button", name="Log out").click()
        vera.get_by_label("Name").fill("vera")
        vera.get_by_label("Password").fill(PASSWORD)
        vera.get_by_role("button", name="Log in").click()
        expect(vera.get_by_role("alert")).to_contain_text("name, password or code is wrong")
        log_in(vera, "vera", code=totp.at(int(time.time()) + 30))


def test_an_account_is_used_by_keyboard_alone(desk: RunningDesk, browser: Browser) -> None:
    with person(browser, desk.url) as page:
        page.goto("/login")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        for text in ("alex", PASSWORD, ""):
            page.keyboard.press("Tab")
            page.keyboard.type(text)
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Log out")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_axe_finds_nothing_on_any_page(desk: RunningDesk, browser: Browser, scheme: str, language: str) -> None:
    serial = issue(desk, browser, f"{scheme}-{language}.example.com")
    options: dict[str, Any] = {"color_scheme": scheme, "extra_http_headers": {"accept-language": language}}
    with person(browser, desk.url, "all") as everybody:
        cookies = everybody.context.cookies()
        with person(browser, desk.url, **options) as page:
            found = {path: checked(page, path) for path in ("/login", "/link", "/nothing")}
            page.context.add_cookies(cookies)  # type: ignore[arg-type]  # the library takes what it gives
            pages = [*PAGES, "/requests/1", f"/certificates/{serial}", "/certificates?state=all", "/accounts/boss"]
            found |= {path: checked(page, path) for path in pages}
            page.goto("/requests/new")
            page.locator("#names").fill("a b")
            page.locator("button[value=preview]").click()
            found["a form with a problem"] = flaws(page)
            page.goto("/accounts/dana")
            page.locator("form[action$='/link'] button").click()
            found["a link"] = flaws(page)
    assert {path: said for path, said in found.items() if said} == {}


def checked(page: Page, path: str) -> list[str]:
    page.goto(path)
    for summary in page.locator("summary").all():
        summary.click()
    return flaws(page)


def test_no_page_is_wider_than_a_phone(desk: RunningDesk, browser: Browser) -> None:
    serial = issue(desk, browser, "phone.example.com")
    with person(browser, desk.url, "all", viewport=PHONE) as page:
        wide = []
        for path in (*PAGES, f"/certificates/{serial}", "/requests/1"):
            page.goto(path)
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                wide.append(path)
        assert wide == []
