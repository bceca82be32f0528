"""An authority that says where its CRL and OCSP responder are has both at once, or is told how to get them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from anchorhold.installation import open_installation
from cli.cli_imported import foreign_ca
from cli.cli_steps import good, listed
from cli.cli_terminal import at_a_terminal
from plugin.fake_backends import settings_file
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

HOST = "--hostname=ca.example.com"
_IN_THE_WAY = """
[storages.default]
options = {{ location = "{folder}/keys" }}
[storages.other]
options = {{ location = "{folder}/in-the-way" }}
[ocsp_key_backends.default]
backend = "storages"
options = {{ storage_alias = "other" }}
"""


def _published() -> tuple[bool, bool]:
    """Whether the authority has a CRL and a responder."""
    with open_installation() as installation:
        authority = installation.authorities.get("Root")
        responder = installation.ledger.responders.active(authority.record.id)
        return installation.crls.latest(authority) is not None, responder is not None


@pytest.mark.parametrize(
    "options",
    [
        (HOST,),
        (HOST, "--password=x"),
        ("--crl-url=http://ca.example.com/crl",),
        ("--ocsp-url=http://ca.example.com/ocsp",),
    ],
)
def test_crl_and_responder_are_made_with_the_authority(anchorhold: Command, options: tuple[str, ...]) -> None:
    made = good(anchorhold("init-ca", "Root", "CN=Root", *options))
    assert _published() == (True, True)
    assert "CRL number 1" in made.talk
    assert "new responder" in made.talk
    assert made.talk.index("Created authority") < made.talk.index("CRL number 1")


def test_what_is_published_is_shown_to_people_and_programs(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Bare", "CN=Bare"))
    record = json.loads(good(anchorhold("view-ca", "Bare", "-f", "json")).data)
    assert (record["responder"], record["crls"]) == (None, [])
    assert good(anchorhold("view-ca", "Bare")).text.count("not created yet") == 2
    good(anchorhold("init-ca", "Root", "CN=Root", HOST, "--crl-shards=2"))
    record = json.loads(good(anchorhold("view-ca", "Root", "-f", "json")).data)
    with open_installation() as installation:
        root = installation.authorities.get("Root").record
        active = installation.ledger.responders.active(root.id)
    assert active is not None
    assert active.not_after is not None
    assert record["responder"] == {
        "status": "active",
        "serial": active.serial,
        "key_backend": "default",
        "key_backend_type": "storages",
        "not_after": active.not_after.isoformat(),
    }
    assert [each["shard"] for each in record["crls"]] == [None, 0, 1]
    for each in record["crls"]:
        arguments = () if each["shard"] is None else (f"--shard={each['shard']}",)
        dumped = json.loads(good(anchorhold("dump-crl", "Root", "-f", "json", *arguments)).data)
        assert {name: dumped[name] for name in each} == each
    assert "full and 2 partitioned, next update" in good(anchorhold("view-ca", "Root")).text
    assert "responder" not in listed(anchorhold)[0]


def test_one_that_publishes_nothing_makes_nothing(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    assert _published() == (False, False)


def test_a_prompted_password_is_asked_for_no_third_time(anchorhold: Command) -> None:
    code, shown = at_a_terminal(("init-ca", "Root", "CN=Root", "--password-prompt", HOST), ("secret", "secret"))
    assert code == 0, shown
    assert _published() == (True, True)


def test_where_the_settings_forbid_it_the_authority_stays_and_the_command_is_said(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in-the-way").write_text("")
    settings_file(tmp_path, monkeypatch, _IN_THE_WAY.format(folder=tmp_path))
    made = good(anchorhold("init-ca", "Root", "CN=Root", HOST, "--out=root.pem"))
    assert "Created authority Root" in made.talk
    assert "Authority Root is complete, but storage 'other': cannot write" in made.talk
    assert "with `anchorhold regenerate-ocsp-keys Root`." in made.talk
    assert (tmp_path / "root.pem").is_file()
    assert _published() == (True, False)
    (tmp_path / "in-the-way").unlink()
    good(anchorhold("regenerate-ocsp-keys", "Root"))
    assert _published() == (True, True)


def _foreign(folder: Path) -> tuple[str, ...]:
    key, made = foreign_ca(folder, "far")
    return ("import-ca", "Root", str(key), str(made))


def _signed_elsewhere(anchorhold: Command, folder: Path) -> tuple[str, ...]:
    """Of an authority whose request a parent elsewhere has signed; its URLs were given with the request."""
    foreign_ca(folder, "far")
    good(anchorhold("init-ca", "Root", "CN=Root", HOST, "--csr-out=sub.csr"))
    assert _published() == (False, False)
    parent = ("-CA", folder / "far.cert.pem", "-CAkey", folder / "far.key.pem")
    asked = ("-in", folder / "sub.csr", "-copy_extensions", "copyall", "-out", folder / "sub.pem")
    openssl("x509", "-req", *asked, *parent)
    return ("import-ca", "Root", "--signed=sub.pem")


@pytest.mark.parametrize("options", [(HOST,), (HOST, "--password=x"), ("--crl-url=http://ca.example.com/crl",)])
def test_an_import_waits_for_what_was_revoked_elsewhere(
    anchorhold: Command, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """A list without it would hide it from everybody."""
    made = good(anchorhold(*_foreign(tmp_path), *options))
    assert "record the certificates it issued and revoked elsewhere (import-cert, revoke-cert)" in made.talk
    assert "with `anchorhold generate-crls Root` and `anchorhold regenerate-ocsp-keys Root`." in made.talk
    assert _published() == (False, False)


def test_they_follow_when_the_certificate_comes_from_a_parent_elsewhere(anchorhold: Command, tmp_path: Path) -> None:
    made = good(anchorhold(*_signed_elsewhere(anchorhold, tmp_path)))
    assert "new responder" in made.talk
    assert _published() == (True, True)


_KILLED = f"""
import os, signal, sys
from anchorhold.cli import main
from anchorhold.ledger.authorities import AuthorityRepository

AuthorityRepository.record_key = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["anchorhold", "init-ca", "Root", "CN=Root", "{HOST}"]
main()
"""


def test_they_follow_when_what_was_interrupted_is_finished(anchorhold: Command) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    finished = good(anchorhold("recover", "--finish=Root"))
    assert finished.talk.index("Completed authority") < finished.talk.index("CRL number 1")
    assert _published() == (True, True)


def test_an_import_stays_whatever_becomes_of_them(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_file(tmp_path, monkeypatch, _IN_THE_WAY.format(folder=tmp_path))
    (tmp_path / "in-the-way").write_text("")
    made = good(anchorhold(*_signed_elsewhere(anchorhold, tmp_path)))
    assert "Authority Root is complete, but storage 'other': cannot write" in made.talk
    assert "with `anchorhold regenerate-ocsp-keys Root`." in made.talk
    assert _published() == (True, False)


def test_one_that_begins_to_publish_is_told_what_is_not_there_yet(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    told = good(anchorhold("edit-ca", "Root", HOST)).talk
    assert "with `anchorhold generate-crls Root` and `anchorhold regenerate-ocsp-keys Root`." in told
    good(anchorhold("maintain"))
    assert "run" not in good(anchorhold("edit-ca", "Root", "--hostname=other.example.com")).talk


_TWO = '[ocsp_key_backends.default]\nbackend = "storages"\n[ocsp_key_backends.other]\nbackend = "db"\n'


def test_another_place_for_responder_keys_is_said_with_what_follows(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_file(tmp_path, monkeypatch, _TWO)
    good(anchorhold("init-ca", "Root", "CN=Root"))
    assert "not created yet" in good(anchorhold("view-ca", "Root")).text
    first = good(anchorhold("edit-ca", "Root", "--ocsp-key-backend=other"))
    assert (
        "no OCSP responder yet. Next: create one, with its key in 'other', with `anchorhold regenerate-ocsp-keys Root`"
        in first.talk
    )
    good(anchorhold("regenerate-ocsp-keys", "Root"))
    back = good(anchorhold("edit-ca", "Root", "--ocsp-key-backend=default"))
    assert "uses the key in 'other' until `anchorhold regenerate-ocsp-keys Root`" in back.talk
    shown = good(anchorhold("view-ca", "Root")).text
    assert "OCSP key backend 'default'" in shown
    assert "current key in 'other'" in shown
    good(anchorhold("regenerate-ocsp-keys", "Root"))
    assert "current key in" not in good(anchorhold("view-ca", "Root")).text
    assert "responder" not in good(anchorhold("edit-ca", "Root", "--max-days=10")).talk


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('[key_backends.other]\nbackend = "storages"\n', "no alias 'default' is configured"),
        ('[key_backends.default]\nbackend = "gone"\n', "'gone' is not installed"),
        ('[storages.default]\nbackend = "nowhere"\n', "neither 'local' nor an fsspec URL"),
    ],
    ids=["alias", "plugin", "storage"],
)
def test_an_authority_is_shown_although_its_key_cannot_be_reached(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, words: str
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", HOST))
    settings_file(tmp_path, monkeypatch, settings)
    shown = good(anchorhold("view-ca", "Root"))
    assert words in shown.text
    assert "unusable" in shown.text
    assert "CN=Root" in shown.text
    record = json.loads(good(anchorhold("view-ca", "Root", "-f", "json")).data)
    assert record["key_state"] == "unusable"
    assert words in record["key_problem"]
    assert b"BEGIN CERTIFICATE" in good(anchorhold("view-ca", "Root", "-f", "pem")).data
    assert listed(anchorhold)[0]["name"] == "Root"


def test_one_whose_responder_keys_have_no_place_any_more_is_shown(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_file(tmp_path, monkeypatch, _TWO)
    good(anchorhold("init-ca", "Root", "CN=Root", "--ocsp-key-backend=other", HOST))
    settings_file(tmp_path, monkeypatch, '[ocsp_key_backends.default]\nbackend = "storages"\n')
    shown = good(anchorhold("view-ca", "Root")).text
    assert "usable" in shown
    assert "no alias 'other' is configured" in shown
