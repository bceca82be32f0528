"""A revocation is in the files before anybody is told that it is done; if it cannot be, it stands, and that is said."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from anchorhold.installation import open_installation
from anchorhold.operations.presigned.folder import AnswerFolder
from cli.cli_steps import good, refused

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command
    from presigned.presigned_steps import Site

WRITES_AGAIN_AND_AGAIN = """
import sys
from anchorhold.installation import open_installation

with open_installation() as installation:
    print("ready", flush=True)
    while True:
        installation.ocsp_responses.generate("Root", which="all")
"""


def serial(site: Site, number: int) -> str:
    return f"{site.leaves[number].serial_number:x}"


def is_revoked(site: Site, number: int) -> bool:
    found = site.installation.certificates.get(serial(site, number))
    return site.installation.revocations.get(found) is not None


@pytest.mark.databases("sqlite", "postgresql", because="the revision and the status are read in another order on each")
def test_nothing_outdated_comes_behind_a_revocation_while_responses_are_written(site: Site) -> None:
    site.sign(300)
    site.installation.ocsp_responses.generate("Root")
    process = subprocess.Popen([sys.executable, "-c", WRITES_AGAIN_AND_AGAIN], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        for number in range(60):
            site.installation.revocations.revoke(serial(site, number))
            assert site.says(site.leaves[number]) == "revoked"
        assert {site.says(leaf) for leaf in site.leaves[:60]} == {"revoked"}
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    assert {site.says(leaf) for leaf in site.leaves[:60]} == {"revoked"}
    assert {site.says(leaf) for leaf in site.leaves[60:]} == {"good"}


def test_a_killed_revocation_is_in_the_files_after_the_next_run(site: Site, tmp_path: Path) -> None:
    site.installation.ocsp_responses.generate("Root")
    (tmp_path / "bare.toml").write_text("")
    with open_installation(tmp_path / "bare.toml") as knows_no_folder:  # as if it was killed right after the commit
        knows_no_folder.revocations.revoke(serial(site, 0))
    assert site.says(site.leaves[0]) == "good"
    made = site.installation.ocsp_responses.generate("Root", which="changed")
    assert (site.says(site.leaves[0]), made.written) == ("revoked", 2)


@pytest.mark.parametrize("trouble", ["gone", "a file", "another folder"])
def test_where_the_folder_cannot_be_written_the_revocation_stands(
    site: Site, anchorhold: Command, trouble: str
) -> None:
    site.installation.ocsp_responses.generate("Root")
    shutil.rmtree(site.folder)
    if trouble == "a file":
        site.folder.write_text("")
    elif trouble == "another folder":
        site.folder.mkdir()
    ended = refused(anchorhold("revoke-cert", serial(site, 0)), errors.OcspResponsesError)
    assert ended.exit_code == 68
    assert "its new status is recorded" in ended.talk
    assert "`anchorhold generate-ocsp-responses Root`" in ended.talk
    assert is_revoked(site, 0)


def test_where_the_responder_cannot_sign_the_outdated_responses_are_gone(
    site: Site, anchorhold: Command, ca_dir: Path
) -> None:
    site.installation.ocsp_responses.generate("Root")
    shutil.rmtree(ca_dir / "ocsp")
    ended = refused(anchorhold("revoke-cert", serial(site, 0)), errors.OcspResponsesError)
    assert "were removed, and not made again" in ended.talk
    assert is_revoked(site, 0)
    assert [site.says(leaf) for leaf in site.leaves] == ["", *["good"] * 4]
    good(anchorhold("regenerate-ocsp-keys", "Root", "--force"))
    good(anchorhold("maintain"))
    assert site.says(site.leaves[0]) == "revoked"


def test_another_process_that_keeps_the_lock_is_told_of(
    site: Site, anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.installation.ocsp_responses.generate("Root")
    monkeypatch.setattr("anchorhold.operations.presigned.folder.LOCK_TIMEOUT", 0.1)
    with AnswerFolder(site.folder).shared():
        refused(anchorhold("revoke-cert", serial(site, 0)), errors.OcspResponsesError, "locked by another process")
    assert (is_revoked(site, 0), site.says(site.leaves[0])) == (True, "good")
    good(anchorhold("maintain"))
    assert site.says(site.leaves[0]) == "revoked"


@pytest.mark.parametrize("spoilt", [b"", None])
def test_a_state_that_cannot_be_read_keeps_no_outdated_response(site: Site, spoilt: bytes | None) -> None:
    site.installation.ocsp_responses.generate("Root")
    (state,) = (site.folder / ".anchorhold").glob("*.json")
    if spoilt is None:
        state.unlink()
    else:
        state.write_bytes(spoilt)
    site.installation.revocations.revoke(serial(site, 0))
    assert [site.says(leaf) for leaf in site.leaves] == ["revoked", *["good"] * 4]


def test_an_authority_without_responses_in_the_folder_is_revoked_as_ever(site: Site, anchorhold: Command) -> None:
    site.installation.authorities.create("Other", "CN=Other")
    site.installation.responders.renew("Other")
    site.installation.ocsp_responses.generate("Other")
    files = site.files()
    good(anchorhold("revoke-cert", serial(site, 0)))
    assert site.files() == files


def test_many_share_the_folder_or_one_has_it_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.installation.ocsp_responses.generate("Root")
    folder = AnswerFolder(site.folder)
    with folder.shared(), folder.shared():
        pass
    monkeypatch.setattr("anchorhold.operations.presigned.folder.LOCK_TIMEOUT", 0.05)
    with folder.alone(), pytest.raises(errors.BusyError), folder.shared():
        pass
