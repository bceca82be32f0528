"""Makes the pictures of the guide, in the folder that ``ANCHORHOLD_DESK_PICTURES`` names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import Order, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.installation import open_installation
from desk_pages.chromium import PHONE, chromium, person
from desk_pages.desk_fixtures import PEOPLE
from desk_pages.desk_process import add_people, new_url, prepare, running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.databases(because="pictures are made once"),
    pytest.mark.slow(because="each picture is a page that a browser paints"),
]

FOLDER: Final = Path(os.environ.get("ANCHORHOLD_DESK_PICTURES", "pictures"))
NAMES: Final = ("www.example.com", "mail.example.com", "shop.example.com", "vpn.example.com", "wiki.example.com")
PICTURES: Final = {
    "request": "/requests/2",
    "authorities": "/authorities",
    "authority": "/authorities/2",
}


def fill(environment: Mapping[str, str]) -> str:
    """Certificates, lists and responders; the serial number of one of them."""
    with open_installation(environment=environment) as installation:
        for name in ("Root", "Issuing"):
            list(installation.crls.generate(name))
            installation.responders.renew(name)
        serials = [installation.certificates.sign("Issuing", Order(csr=new_csr(), names=[name])) for name in NAMES]
        installation.revocations.revoke(serials[1].serial, "superseded")
        return serials[0].serial


def new_csr() -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(software_keys.generate(key_spec("EC")), hashes.SHA256()).public_bytes(Encoding.PEM)


def ask(page: Page, *names: str) -> None:
    """Submit requests."""
    for name in names:
        page.goto("/requests/new")
        page.get_by_label("Authority").select_option("Issuing")
        page.get_by_label("Names, one on each line").fill(name)
        page.get_by_role("button", name="Make key and request here").click()
        with page.expect_download():
            page.get_by_role("link", name="Save private key").click()
        if name == names[-1]:
            page.get_by_role("button", name="Show what it would become").click()
        else:
            page.get_by_role("button", name="Submit").click()


def test_pictures_of_the_guide_are_made(tmp_path: Path) -> None:
    folder, url = FOLDER, new_url()
    folder.mkdir(parents=True, exist_ok=True)
    environment = prepare(tmp_path, url)
    serial = fill(environment)
    with running(tmp_path, environment, url) as desk, chromium() as browser:
        with desk.opened() as opened:
            add_people(opened, PEOPLE)
        with person(browser, url, "dana") as dana:
            ask(dana, "blog.example.com", "api.example.com", "new.example.com")
            dana.screenshot(path=folder / "new-request.png", full_page=True)
        with person(browser, url, "all") as page:
            for name, path in {**PICTURES, "certificate": f"/certificates/{serial}"}.items():
                page.goto(path)
                page.screenshot(path=folder / f"{name}.png", full_page=True)
        with person(browser, url, "all", viewport=PHONE, color_scheme="dark") as phone:
            phone.goto("/requests/2")
            phone.screenshot(path=folder / "phone-dark.png")
    assert len(list(folder.glob("*.png"))) == len(PICTURES) + 3
