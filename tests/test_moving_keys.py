"""``move-key``: the key arrives, is proven, and is used there; whatever fails leaves it where it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold import Order, errors, open_installation
from anchorhold.operations import move_key
from anchorhold.plugin.key_backend import KeyBackend
from cli.cli_steps import good, refused
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from conftest import Command, MakeCsr

TWO = """
[storages.default]
backend = "local"
options = { location = "one" }
[storages.two]
backend = "local"
options = { location = "two" }
[key_backends.default]
backend = "storages"
[key_backends.two]
backend = "storages"
options = { storage_alias = "two" }
"""


@pytest.fixture(autouse=True)
def _two_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text(TWO)
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))


def keys(folder: Path) -> tuple[int, int]:
    """How many keys there are in each place."""
    return len(list((folder / "one").rglob("*.key"))), len(list((folder / "two").rglob("*.key")))


def events(installation: Installation) -> list[str]:
    """What happened to keys."""
    with installation.ledger.translate_errors():
        return [event.kind for event in reversed(installation.ledger.events.history()) if event.kind.startswith("key-")]


@pytest.mark.parametrize(("more", "left"), [((), (1, 1)), (("--delete-source",), (0, 1))])
def test_a_moved_key_signs_from_its_new_place(
    anchorhold: Command, tmp_path: Path, csr_file: Path, more: tuple[str, ...], left: tuple[int, int]
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--password=old", "--out=root.pem"))
    good(anchorhold("move-key", "Root", "--to=two", "--password=old", "--two-password=new", *more))
    assert keys(tmp_path) == left
    shown = json.loads(good(anchorhold("view-ca", "Root", "-f", "json", "--two-password=new")).data)
    assert (shown["key_backend"], shown["key_state"]) == ("two", "usable")
    sign = ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", "--out=cert.pem")
    refused(anchorhold(*sign, "--two-password=old"), errors.SecretWrongError, "two")
    good(anchorhold(*sign, "--two-password=new"))
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "cert.pem")
    assert "No interrupted operations" in good(anchorhold("recover")).talk


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("--to=default",), errors.InputError, ("default",)),
        (("--to=three",), errors.UnknownAliasError, ("three",)),
        (("--to=two", "--password=wrong"), errors.SecretWrongError, ("default",)),
        (("--to=two",), errors.SecretMissingError, ("password",)),
        (("--to=two", "--password=old", "--path=x"), errors.UnusedOptionError, ("--path",)),
        (("--to=two", "--password=old", "--two-password="), errors.SecretMissingError, ("empty",)),
    ],
)
def test_what_cannot_be_moved_is_one_line_and_leaves_everything(
    anchorhold: Command,
    tmp_path: Path,
    arguments: tuple[str, ...],
    error: type[errors.AnchorholdError],
    words: tuple[str, ...],
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--password=old"))
    refused(anchorhold("move-key", "Root", *arguments), error, *words)
    assert keys(tmp_path) == (1, 0)
    assert "No interrupted operations" in good(anchorhold("recover")).talk


class Stop(BaseException):
    """The process dies here: nothing is cleaned up."""


def dying_at(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process die before a step of the move."""

    def die(*_: Any, **__: Any) -> Any:
        raise Stop

    if step == "the key arrives":
        monkeypatch.setattr(KeyBackend, "import_key", die)
    elif step == "the key is proven":
        monkeypatch.setattr(move_key, "_switch_to_new_place", die)
    else:
        monkeypatch.setattr(KeyBackend, "delete_key", die)


def die_moving(installation: Installation, step: str) -> None:
    """Begin to move the key of Root, and die before that step."""
    with pytest.MonkeyPatch.context() as patched:
        dying_at(step, patched)
        with pytest.raises(Stop):
            installation.keys.move("Root", "two", delete_source=True)


STEPS = ("the key arrives", "the key is proven", "the old key is destroyed")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("way", ["finish", "abandon"])
def test_a_move_that_died_is_finished_or_undone(
    anchorhold: Command, installation: Installation, tmp_path: Path, make_csr: MakeCsr, step: str, way: str
) -> None:
    installation.authorities.create("Root", "CN=Root")
    die_moving(installation, step)
    told = anchorhold("recover")
    assert told.exit_code == errors.RecoveryNeededError.exit_code
    assert "from 'default' to 'two' was interrupted" in told.talk
    with installation.certificates.issuer("Root") as issuer:  # meanwhile it signs
        issuer.sign(Order(csr=make_csr(), names=["meanwhile.example"]))
    good(anchorhold("recover", f"--{way}=Root"))
    arrived = step == "the old key is destroyed"
    expected = {"finish": (0, 1), "abandon": (1, 1) if arrived else (1, 0)}[way]
    assert keys(tmp_path) == expected
    assert installation.authorities.get("Root").record.key_backend == (
        "two" if way == "finish" or arrived else "default"
    )
    assert installation.authorities.get("Root").record.plan is None
    with installation.certificates.issuer("Root") as issuer:
        issuer.sign(Order(csr=make_csr(), names=["after.example"]))


def test_a_key_that_is_being_moved_is_not_moved_again(anchorhold: Command, installation: Installation) -> None:
    installation.authorities.create("Root", "CN=Root")
    die_moving(installation, "the key arrives")
    refused(
        anchorhold("move-key", "Root", "--to=two"),
        errors.AuthorityNotReadyError,
        "a move of its key was interrupted",
        "recover",
    )


def test_another_key_in_the_new_place_is_found_out_and_removed(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anchorhold import software_keys
    from anchorhold.algorithms import key_spec
    from anchorhold.pkcs8 import dump_pkcs8

    installation.authorities.create("Root", "CN=Root")
    other = dump_pkcs8(software_keys.generate(key_spec("EC")))
    monkeypatch.setattr(KeyBackend, "export_key", lambda *_: other)
    with pytest.raises(errors.KeyMismatchError, match="another key"):
        installation.keys.move("Root", "two", delete_source=True)
    assert keys(tmp_path) == (1, 0)
    assert installation.authorities.get("Root").record.plan is None


def test_a_key_that_never_leaves_its_backend_says_what_to_do_instead(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.authorities.create("Root", "CN=Root")
    supports = KeyBackend.supports
    monkeypatch.setattr(KeyBackend, "supports", lambda self, hook: hook != "export_key" and supports(self, hook))
    with pytest.raises(errors.OperationUnsupportedError) as refusal:
        installation.keys.move("Root", "two")
    assert "create a new authority" in refusal.value.hint


def test_each_step_is_an_event(tmp_path: Path, database: str) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        installation.keys.move("Root", "two", delete_source=True)
        assert events(installation) == ["key-move-begun", "key-moved", "key-destroyed"]
