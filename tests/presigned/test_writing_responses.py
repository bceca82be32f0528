"""Pre-signed responses say what the ledger says; what is due is written, and nothing else."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from anchorhold import Order, errors
from anchorhold.operations.presigned import run, signing
from anchorhold.x509.validity import now
from cli.cli_steps import good, refused
from presigned.presigned_steps import BOTH, SHA1
from programs import openssl

if TYPE_CHECKING:
    from conftest import Command
    from presigned.presigned_steps import Site

CERTIFICATES = 7
"""Five, with those of the authority itself and of its responder."""


def passed(monkeypatch: pytest.MonkeyPatch, time: dt.timedelta) -> None:
    """Let time pass for what writes responses."""
    for module in (run, signing):
        monkeypatch.setattr(module, "now", lambda: now() + time)


@pytest.mark.databases("sqlite", "postgresql", because="pages of certificates are read from each kind")
def test_openssl_and_cryptography_read_what_is_written(site: Site, anchorhold: Command, tmp_path: Path) -> None:
    good(anchorhold("generate-ocsp-responses", "Root"))
    assert len(site.files()) == 2 * CERTIFICATES
    (tmp_path / "root.pem").write_bytes(site.issuer.public_bytes(Encoding.PEM))
    for number, leaf in enumerate(site.leaves):
        assert site.says(leaf) == "good"
        file = tmp_path / f"{number}.pem"
        file.write_bytes(leaf.public_bytes(Encoding.PEM))
        trust = ("-issuer", tmp_path / "root.pem", "-CAfile", tmp_path / "root.pem", "-cert", file)
        assert f"{file}: good" in openssl("ocsp", "-respin", site.file(leaf), *trust)
    response = ocsp.load_der_ocsp_response(site.file(site.leaves[0], BOTH[1]).read_bytes())
    assert response.hash_algorithm.name == "sha256"
    assert response.next_update_utc == response.produced_at_utc + dt.timedelta(days=1)


def test_each_status_is_said_of_certificates_that_had_another_before(site: Site) -> None:
    first, second, *others = site.leaves
    site.installation.ocsp_responses.generate("Root")
    for leaf, reason in ((first, "keyCompromise"), (second, "certificateHold")):
        site.installation.revocations.revoke(f"{leaf.serial_number:x}", reason)
        assert site.says(leaf) == "revoked"
    site.installation.revocations.release(f"{second.serial_number:x}")
    assert site.says(second) == "good"
    assert {site.says(leaf) for leaf in others} == {"good"}
    site.installation.ocsp_responses.generate("Root", which="all")
    assert [site.says(leaf) for leaf in site.leaves] == ["revoked", *["good"] * 4]


def test_a_second_run_writes_only_what_is_new(site: Site) -> None:
    generate = site.installation.ocsp_responses.generate
    assert generate("Root").written == 2 * CERTIFICATES
    before = site.ages()
    assert generate("Root").written == 0
    site.sign(2)
    assert generate("Root", which="ending").written == 0
    assert generate("Root", which="changed").written == 4
    assert {path: age for path, age in site.ages().items() if path in before} == before
    assert generate("Root", which="all").written == 2 * (CERTIFICATES + 2)


def test_a_certificate_that_is_signed_after_a_run_has_met_its_reservation_is_new_to_the_next(site: Site) -> None:
    requests, generate = site.installation.requests, site.installation.ocsp_responses.generate
    number = requests.submit("Root", Order(csr=site.csr, names=["late.example.com"])).id
    requests.reserve(number)
    site.sign(3)
    assert generate("Root").written == 2 * (CERTIFICATES + 3)
    requests.sign(number)
    assert generate("Root").written == 2


def test_responses_are_renewed_when_half_of_their_time_is_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    generate = site.installation.ocsp_responses.generate
    made = generate("Root")
    assert made.until - made.renew_at == dt.timedelta(hours=12)
    passed(monkeypatch, dt.timedelta(hours=11, minutes=59))
    assert generate("Root").written == 0
    passed(monkeypatch, dt.timedelta(hours=12, minutes=1))
    assert generate("Root", which="changed").written == 0
    assert generate("Root", which="ending").written == 2 * CERTIFICATES


def test_another_responder_signs_all_again(site: Site) -> None:
    generate = site.installation.ocsp_responses.generate
    generate("Root")
    new = site.installation.responders.renew("Root")
    assert generate("Root").written == 2 * (CERTIFICATES + 1)
    response = ocsp.load_der_ocsp_response(site.file(site.leaves[0]).read_bytes())
    assert f"{response.certificates[0].serial_number:x}" == new.serial
    assert generate("Root").written == 0


def test_responses_of_expired_certificates_go_with_their_folders(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    generate = site.installation.ocsp_responses.generate
    order = Order(csr=site.csr, names=["short.example.com"], expires=now() + dt.timedelta(hours=1))
    short = [site.installation.certificates.sign("Root", order).certificate for _ in range(8)]
    generate("Root")
    assert {site.says(leaf) for leaf in short} == {"good"}
    passed(monkeypatch, dt.timedelta(hours=2))
    assert generate("Root").removed == 8
    assert {site.says(leaf) for leaf in short} == {""}
    assert {site.says(leaf) for leaf in site.leaves} == {"good"}
    for folder, below, files in os.walk(site.folder):
        assert below or files, f"{folder} is empty"
    assert generate("Root").removed == 0


def test_what_is_revoked_after_it_has_expired_is_not_written(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.installation.ocsp_responses.generate("Root")
    passed(monkeypatch, dt.timedelta(days=91))
    monkeypatch.setattr("anchorhold.operations.presigned.change.now", lambda: now() + dt.timedelta(days=91))
    site.installation.revocations.revoke(f"{site.leaves[0].serial_number:x}")
    assert site.says(site.leaves[0]) == ""


def test_everybody_may_read_responses_whatever_the_mask(site: Site) -> None:
    before = os.umask(0o077)
    try:
        site.installation.ocsp_responses.generate("Root")
    finally:
        os.umask(before)
    for folder, below, files in os.walk(site.folder):
        for name, mode in (*((name, 0o755) for name in below), *((name, 0o644) for name in files)):
            if mode == 0o755 or name.endswith(".ors"):
                assert stat.S_IMODE((Path(folder) / name).stat().st_mode) == mode, name


def test_a_folder_with_other_files_is_left_alone(site: Site, anchorhold: Command) -> None:
    site.folder.mkdir()
    (site.folder / "index.html").write_text("mine")
    ended = refused(anchorhold("generate-ocsp-responses"), errors.OutputError)
    assert "holds files that are not pre-signed OCSP responses" in ended.talk
    assert [entry.name for entry in site.folder.iterdir()] == ["index.html"]


def test_files_of_others_in_the_folder_stay(site: Site) -> None:
    generate = site.installation.ocsp_responses.generate
    generate("Root")
    (site.folder / "robots.txt").write_text("mine")
    generate("Root", which="all")
    assert (site.folder / "robots.txt").read_text() == "mine"


def test_two_authorities_share_a_folder(site: Site, anchorhold: Command) -> None:
    site.installation.authorities.create("Sub", "CN=Sub", parent="Root")
    site.installation.responders.renew("Sub")
    leaf = site.installation.certificates.sign("Sub", Order(csr=site.csr, names=["sub.example.com"])).certificate
    good(anchorhold("generate-ocsp-responses"))
    assert {site.says(each) for each in site.leaves} == {"good"}
    assert len(site.files()) == 2 * (CERTIFICATES + 1) + 2 * 2
    site.installation.revocations.revoke(f"{leaf.serial_number:x}")
    assert good(anchorhold("generate-ocsp-responses", "Root")).talk.startswith("Wrote 0 OCSP responses of Root")


def test_the_state_says_whose_responses_they_are_and_who_signs(site: Site) -> None:
    site.installation.ocsp_responses.generate("Root")
    (file,) = (site.folder / ".anchorhold").glob("*.json")
    state = json.loads(file.read_text())
    authority = site.installation.authorities.get("Root")
    responder = site.installation.responders.active(authority)
    assert responder is not None
    assert (state["authority"], state["responder"]) == (authority.record.serial, responder.serial)
    assert state["revision"] == site.installation.ledger.revision()


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"format": 2}', b"\xff"])
def test_a_state_that_cannot_be_read_is_made_again(site: Site, content: bytes) -> None:
    generate = site.installation.ocsp_responses.generate
    generate("Root")
    (file,) = (site.folder / ".anchorhold").glob("*.json")
    file.write_bytes(content)
    assert generate("Root").written == 2 * CERTIFICATES
    assert generate("Root").written == 0


@pytest.mark.databases("sqlite", because="the ledger is copied as a file")
def test_an_older_copy_of_the_ledger_gets_responses_of_its_own(site: Site, anchorhold: Command, ca_dir: Path) -> None:
    site.installation.close()
    shutil.copy(ca_dir / "ledger.sqlite3", ca_dir / "older")
    first, second = (f"{leaf.serial_number:x}" for leaf in site.leaves[:2])
    good(anchorhold("generate-ocsp-responses"))
    good(anchorhold("revoke-cert", first))
    good(anchorhold("generate-ocsp-responses"))
    shutil.copy(ca_dir / "older", ca_dir / "ledger.sqlite3")
    (site.folder / ".anchorhold").rename(site.folder.parent / "kept")  # its revocation is not told to the folder
    refused(anchorhold("revoke-cert", second), errors.OcspResponsesError, "is not there")
    (site.folder.parent / "kept").rename(site.folder / ".anchorhold")
    good(anchorhold("generate-ocsp-responses"))
    assert [site.says(leaf) for leaf in site.leaves[:2]] == ["good", "revoked"]


def test_what_cannot_be_done_is_refused(site: Site, anchorhold: Command, tmp_path: Path) -> None:
    site.installation.authorities.create("Bare", "CN=Bare")
    refused(anchorhold("generate-ocsp-responses", "Bare"), errors.AuthorityNotReadyError)
    refused(anchorhold("generate-ocsp-responses", "--all", "--changed"), errors.InputError)
    key = next((tmp_path / "ca").rglob("*.key"))
    (tmp_path / "link").symlink_to(key.parent)
    for folder in ("ca", "link", "link/new", key):
        refused(anchorhold("generate-ocsp-responses", "--to", str(folder)), errors.OutputError)
    for option in ("--nginx", "--caddy"):
        for file in ("config.toml", "link/new.conf", "ca/ledger.sqlite3", key):
            refused(anchorhold("generate-ocsp-responses", f"{option}={file}"), errors.OutputError)
    assert site.files() == set()
    (tmp_path / "config.toml").write_text("")
    refused(anchorhold("generate-ocsp-responses"), errors.InputError)
    ended = good(anchorhold("generate-ocsp-responses", "--to", "elsewhere"))
    assert "ocsp_responses.folder is not this folder" in ended.talk
    assert len(list((tmp_path / "elsewhere").rglob("*.ors"))) == 2 * CERTIFICATES


def test_maintain_keeps_responses_up_to_date(site: Site, anchorhold: Command) -> None:
    ended = good(anchorhold("maintain"))
    assert f"Root: {2 * CERTIFICATES} OCSP responses in {site.folder}" in ended.talk
    site.sign()
    assert "Root: 2 OCSP responses" in good(anchorhold("maintain")).talk
    assert good(anchorhold("maintain")).talk == ""
    assert site.file(site.leaves[-1], SHA1).exists()
