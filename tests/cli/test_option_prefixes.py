"""Several aliases of one backend type: whose key goes where, and which option belongs to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from cli.cli_steps import good, left_behind, listed, refused, settings_file, two_storages

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command


@pytest.fixture
def two(anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line with the aliases ``default`` and ``eu``, each on a storage of its own."""
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(two_storages(tmp_path)))
    return anchorhold


def test_each_root_has_its_key_in_the_storage_of_the_alias_that_was_named(
    two: Command, tmp_path: Path, csr_file: Path
) -> None:
    good(two("init-ca", "Here", "CN=Here"))
    assert len(list((tmp_path / "here/ca").glob("*.key"))) == 1
    assert not (tmp_path / "vienna").exists()
    good(two("init-ca", "Vienna", "CN=Vienna", "--key-backend=eu", "--eu-path=keys/root"))
    assert len(list((tmp_path / "vienna/keys/root").glob("*.key"))) == 1
    assert len(list(tmp_path.rglob("*.key"))) == 2
    assert {found["name"]: found["key_backend"] for found in listed(two)} == {"Here": "default", "Vienna": "eu"}
    for name in ("Here", "Vienna"):
        good(two("sign-cert", f"--ca={name}", f"--csr={csr_file}", "--alt=a.example"))


@pytest.mark.parametrize(
    ("arguments", "flag", "alias"),
    [
        (("init-ca", "New", "CN=New", "--eu-password=x"), "--eu-password", "eu"),
        (("init-ca", "New", "CN=New", "--eu-path=x"), "--eu-path", "eu"),
        (("init-ca", "New", "CN=New", "--key-backend=eu", "--password=x"), "--password", "default"),
        (("init-ca", "New", "CN=New", "--parent-password=x"), "--parent-password", "default"),
        (("init-ca", "New", "CN=New", "--parent=Here", "--eu-parent-password=x"), "--eu-parent-password", "eu"),
        (("init-ca", "New", "CN=New", "--parent=Here", "--eu-password="), "--eu-password", "eu"),
        (("sign-cert", "--ca=Here", "--csr=example.csr", "--alt=a.example", "--eu-password=x"), "--eu-password", "eu"),
        (("import-ca", "New", "none", "none", "--eu-password=x"), "--eu-password", "eu"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_an_option_for_an_alias_that_is_not_used_is_refused(
    arguments: tuple[str, ...], flag: str, alias: str, two: Command, tmp_path: Path, csr_file: Path
) -> None:
    assert csr_file.is_file()
    good(two("init-ca", "Here", "CN=Here"))
    before = left_behind(tmp_path)
    refused(two(*arguments), errors.UnusedOptionError, f"{flag}:", f"'{alias}'", "omit it")
    assert left_behind(tmp_path) == before


def test_an_option_of_an_alias_that_is_not_configured_is_wrong_usage(anchorhold: Command, tmp_path: Path) -> None:
    outcome = anchorhold("init-ca", "New", "CN=New", "--eu-password=x")
    assert outcome.exit_code == 2
    assert "--eu-password" in outcome.talk
    assert left_behind(tmp_path) == {"files": [], "ledgers": {}}


def test_variables_carry_the_prefix_of_their_alias(
    two: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANCHORHOLD_EU_PASSWORD", "of eu")
    good(two("init-ca", "Vienna", "CN=Vienna", "--key-backend=eu"))
    good(two("init-ca", "Here", "CN=Here"))
    locked = {path.parent.parent.name: "ENCRYPTED" in path.read_text() for path in tmp_path.rglob("*.key")}
    assert locked == {"vienna": True, "here": False}


@pytest.mark.parametrize("alias", ["parent", "import"])
def test_two_owners_of_one_flag_are_both_named(
    alias: str, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``parent`` takes --parent-password from the parent's key in ``default``, ``import`` that of import-ca itself."""
    tables = f'[key_backends.default]\nbackend = "storages"\n[key_backends.{alias}]\nbackend = "storages"\n'
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(settings_file(tmp_path, tables)))
    command = {"parent": ("init-ca", "New", "CN=New"), "import": ("import-ca", "New", "key", "cert")}[alias]
    refused(anchorhold(*command), errors.OptionConflictError, f"--{alias}-password", f"'{alias}'", "rename")


@pytest.mark.parametrize("alias", ["EU", "eu_west", "-eu", "eu--west", "1eu"])
def test_an_alias_that_makes_no_good_option_is_refused(
    alias: str, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = settings_file(tmp_path, f'[key_backends."{alias}"]\nbackend = "storages"\n')
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(path))
    refused(anchorhold("list-cas"), errors.SettingsError, f"key_backends.{alias}", "lower-case")


def test_a_storage_that_is_not_configured_is_named_when_it_is_used(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = two_storages(tmp_path)
    path.write_text(path.read_text().replace('"vienna"', '"viena"'))
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(path))
    good(anchorhold("init-ca", "Here", "CN=Here"))
    before = left_behind(tmp_path)
    refused(
        anchorhold("init-ca", "New", "CN=New", "--key-backend=eu"),
        errors.SettingsError,
        "'viena'",
        "did you mean 'vienna'?",
    )
    assert left_behind(tmp_path) == before
