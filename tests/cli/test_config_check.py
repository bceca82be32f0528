"""``config check`` finds what cannot work, used or not, and says what it could not try; it presents no PIN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from cli.cli_steps import good, left_behind, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command
    from hsm.softhsm import SoftHsm

pytestmark = pytest.mark.databases("sqlite", because="the settings are the same whatever the database")

DEFAULT = '[key_backends.default]\nbackend = "storages"\n'
WRONG = {
    "no module": ('[key_backends.h]\nbackend = "hsm"\noptions = { library_path = "/no.so", token = "t" }', "/no.so"),
    "no PIN file": (
        '[key_backends.s]\nbackend = "storages"\noptions = { password = { file = "/no/pin" } }',
        "key_backends.s.options.password",
    ),
    "a protocol that is none": ('[storages.unused]\nbackend = "nosuch://a"', "nosuch"),
    "an option that is none": ('[storages.unused]\nbackend = "local"\noptions = { locaton = "a" }', "locaton"),
    "a package that is not there": ('[storages.unused]\nbackend = "smb://a/b"', "'unused'"),
    "a folder that is a file": ('[storages.unused]\nbackend = "local"\noptions = { location = "file" }', "file"),
    "a host that is not there": (
        '[storages.unused]\nbackend = "sftp://me@127.0.0.1:1/keys"\noptions = { password = "x", host_key = "ssh-ed25519'
        ' AAAAC3NzaC1lZDI1NTE5AAAAIJ0L1YTj3nVZ2GZ8bqzDZbK3n9cS0VfY9g2bqk2yq1aB" }',
        "'unused'",
    ),
    "an alias that is a word of options": ('[key_backends.parent]\nbackend = "storages"', "--parent-password"),
    "another such alias": ('[key_backends.import]\nbackend = "storages"', "ANCHORHOLD_IMPORT_PASSWORD"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_work_is_found_used_or_not(kind: str, anchorhold: Command, tmp_path: Path) -> None:
    text, word = WRONG[kind]
    (tmp_path / "file").touch()
    path = settings_file(tmp_path, f"{DEFAULT}{text}\n")
    before = left_behind(tmp_path)
    outcome = anchorhold("--config", str(path), "config", "check")
    assert outcome.exit_code not in (0, 1, 2), outcome.talk
    assert word in outcome.talk
    assert "nothing is wrong" not in outcome.talk
    assert left_behind(tmp_path) == before


def test_everything_that_is_wrong_is_said(anchorhold: Command, tmp_path: Path) -> None:
    path = settings_file(tmp_path, "\n".join([DEFAULT, WRONG["no module"][0], WRONG["a protocol that is none"][0]]))
    talk = anchorhold("--config", str(path), "config", "check").talk
    assert "/no.so" in talk
    assert "nosuch" in talk


def test_what_could_not_be_tried_is_told_from_what_is_right(anchorhold: Command, tmp_path: Path) -> None:
    path = settings_file(tmp_path, f'{DEFAULT}options = {{ password = {{ env = "NOT_SET_HERE" }} }}\n')
    talk = good(anchorhold("--config", str(path), "config", "check")).talk
    assert "NOT_SET_HERE is not set here, so it could not be tried" in talk
    assert "nothing is wrong as far as it could be tried" in talk


def test_an_authority_whose_alias_is_gone_is_named(anchorhold: Command, tmp_path: Path) -> None:
    with_alias = settings_file(tmp_path, f'{DEFAULT}[key_backends.eu]\nbackend = "storages"\n')
    good(anchorhold("--config", str(with_alias), "init-ca", "Root", "CN=Root", "--key-backend=eu"))
    good(anchorhold("--config", str(with_alias), "config", "check"))
    without = settings_file(tmp_path, DEFAULT)
    outcome = anchorhold("--config", str(without), "config", "check")
    assert outcome.exit_code == errors.UnknownAliasError.exit_code
    assert "'Root'" in outcome.talk
    assert "'eu'" in outcome.talk


def test_a_token_is_looked_for_and_its_pin_is_not_presented(
    anchorhold: Command, tmp_path: Path, softhsm: SoftHsm
) -> None:
    options = f'library_path = "{softhsm.library}", user_pin = "0000-wrong"'
    for label, code in (("one", 0), ("nobodys", errors.BackendFailedError.exit_code)):
        text = f'{DEFAULT}[key_backends.h]\nbackend = "hsm"\noptions = {{ {options}, token = "{label}" }}\n'
        outcome = anchorhold("--config", str(settings_file(tmp_path, text)), "config", "check")
        assert (outcome.exit_code == 0) == (code == 0), outcome.talk
        assert ("PIN could not be tried" in outcome.talk) == (code == 0)
