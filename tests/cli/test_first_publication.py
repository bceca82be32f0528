"""An authority that says where its CRL and OCSP responder are has both at once, or is told how to get them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from anchorhold.installation import open_installation
from cli.cli_steps import good, listed
from cli.cli_terminal import at_a_terminal
from seam.fakes import settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

HOST = "--hostname=ca.example.com"


def _published() -> tuple[bool, bool]:
    """Whether the authority has a CRL and a responder."""
    with open_installation() as installation:
        authority = installation.authority("Root")
        responder = installation.ledger.responders.active(authority.record.id)
        return installation.crl(authority) is not None, responder is not None


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
    settings_file(
        tmp_path,
        monkeypatch,
        f'[storages.default]\nbackend = "local"\noptions = {{ location = "{tmp_path}/keys" }}\n'
        f'[storages.other]\nbackend = "local"\noptions = {{ location = "{tmp_path}/in-the-way" }}\n'
        '[ocsp_key_backends.default]\nbackend = "storages"\noptions = { storage_alias = "other" }\n',
    )
    made = good(anchorhold("init-ca", "Root", "CN=Root", HOST, "--out=root.pem"))
    assert "Created authority Root" in made.talk
    assert "Root is made, but storage 'other': cannot write" in made.talk
    assert "run `anchorhold regenerate-ocsp-keys Root`." in made.talk
    assert (tmp_path / "root.pem").is_file()
    assert _published() == (True, False)
    (tmp_path / "in-the-way").unlink()
    good(anchorhold("regenerate-ocsp-keys", "Root"))
    assert _published() == (True, True)


_TWO = '[ocsp_key_backends.default]\nbackend = "storages"\n[ocsp_key_backends.other]\nbackend = "db"\n'


def test_another_place_for_responder_keys_is_said_with_what_follows(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_file(tmp_path, monkeypatch, _TWO)
    good(anchorhold("init-ca", "Root", "CN=Root"))
    assert "none was made yet" in good(anchorhold("view-ca", "Root")).text
    first = good(anchorhold("edit-ca", "Root", "--ocsp-key-backend=other"))
    assert (
        "no OCSP responder yet; `anchorhold regenerate-ocsp-keys Root` makes one, with its key in 'other'" in first.talk
    )
    good(anchorhold("regenerate-ocsp-keys", "Root"))
    back = good(anchorhold("edit-ca", "Root", "--ocsp-key-backend=default"))
    assert "with the key in 'other' until `anchorhold regenerate-ocsp-keys Root`" in back.talk
    shown = good(anchorhold("view-ca", "Root")).text
    assert "OCSP key backend 'default'" in shown
    assert "its key still in 'other'" in shown
    good(anchorhold("regenerate-ocsp-keys", "Root"))
    assert "still in" not in good(anchorhold("view-ca", "Root")).text
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
