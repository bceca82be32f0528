"""Passwords: options, variables, files, the parent's, and what happens when one is wrong, missing or cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from cli.cli_steps import certificate, good, left_behind, program, refused, two_storages

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

CANARY = "Canary-7f3a9c51d2e8b"
SIGN = ("sign-cert", "--ca=Locked", "--csr=example.csr", "--alt=example.com")


@pytest.fixture
def locked(anchorhold: Command, csr_file: Path) -> Command:
    """The command line of an installation with the root ``Locked``, whose key has the password ``secret``."""
    assert csr_file.name == "example.csr"
    good(anchorhold("init-ca", "Locked", "CN=Locked", "--password=secret"))
    return anchorhold


def test_a_key_made_with_a_password_is_encrypted_on_disk(locked: Command, ca_dir: Path) -> None:
    good(locked(*SIGN, "--password=secret"))
    (key_file,) = ca_dir.rglob("*.key")
    assert key_file.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")


@pytest.mark.parametrize(
    "arguments", [SIGN, ("init-ca", "Child", "CN=Child", "--parent=Locked")], ids=["leaf", "child"]
)
@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("--{flag}password=wrong", errors.SecretWrongError, ("'Locked'", "wrong")),
        (None, errors.SecretMissingError, ("missing", "--{flag}password", "ANCHORHOLD_{variable}PASSWORD", "_FILE")),
        ("--{flag}password=", errors.SecretMissingError, ("empty",)),
    ],
    ids=["wrong", "missing", "empty"],
)
def test_without_the_right_password_nothing_is_made(
    arguments: tuple[str, ...],
    given: str | None,
    error: type[errors.AnchorholdError],
    words: tuple[str, ...],
    locked: Command,
    tmp_path: Path,
) -> None:
    parent = "--parent=Locked" in arguments
    filled = [text.format(flag="parent-" if parent else "", variable="PARENT_" if parent else "") for text in words]
    option = [] if given is None else [given.format(flag="parent-" if parent else "")]
    before = left_behind(tmp_path)
    refused(locked(*arguments, *option), error, *filled)
    assert left_behind(tmp_path) == before


def test_a_variable_or_a_file_gives_the_password(
    locked: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as variables:
        variables.setenv("ANCHORHOLD_PASSWORD", "secret")
        good(locked(*SIGN))
    (tmp_path / "password").write_text("secret\n")
    with monkeypatch.context() as variables:
        variables.setenv("ANCHORHOLD_PASSWORD_FILE", str(tmp_path / "password"))
        good(locked(*SIGN))
        variables.setenv("ANCHORHOLD_PASSWORD", "wrong")
        refused(locked(*SIGN), errors.SecretWrongError)  # the variable itself wins over the file
        good(locked(*SIGN, "--password=secret"))  # and the option over both
    with monkeypatch.context() as variables:
        variables.setenv("ANCHORHOLD_PASSWORD_FILE", str(tmp_path / "none"))
        refused(locked(*SIGN), errors.SettingsError, str(tmp_path / "none"))


@pytest.mark.databases("sqlite", because="it is about passwords")
def test_a_password_in_another_encoding_is_the_octets_that_were_typed(
    anchorhold: Command, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = b"gr\xfcn".decode(errors="surrogateescape")  # as arguments and variables come
    good(anchorhold("init-ca", f"--password={typed}", "Odd", "CN=Odd"))
    sign = ("sign-cert", "--ca=Odd", "--alt=example.com", f"--csr={csr_file}")
    good(anchorhold(*sign, f"--password={typed}"))
    (tmp_path / "password").write_bytes(b"gr\xfcn\n")
    monkeypatch.setenv("ANCHORHOLD_PASSWORD_FILE", str(tmp_path / "password"))
    good(anchorhold(*sign))


def test_the_parents_variable_opens_the_parent_and_not_the_new_key(
    locked: Command, monkeypatch: pytest.MonkeyPatch, ca_dir: Path
) -> None:
    before = set(ca_dir.rglob("*.key"))
    monkeypatch.setenv("ANCHORHOLD_PARENT_PASSWORD", "secret")
    good(locked("init-ca", "Child", "CN=Child", "--parent=Locked"))
    (child,) = set(ca_dir.rglob("*.key")) - before
    assert child.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


def test_the_childs_password_is_not_tried_on_the_parent(locked: Command) -> None:
    refused(
        locked("init-ca", "Child", "CN=Child", "--parent=Locked", "--password=secret"),
        errors.SecretMissingError,
        "--parent-password",
    )


@pytest.fixture
def password_in_settings(monkeypatch: pytest.MonkeyPatch, ca_dir: Path, tmp_path: Path) -> None:
    """The alias has a password of its own in the settings."""
    (tmp_path / "config.toml").write_text(
        f'[storages.default]\noptions = {{ location = "{ca_dir}" }}\n'
        '[key_backends.default]\nbackend = "storages"\noptions = { password = "of the settings" }\n'
    )
    monkeypatch.setenv("ANCHORHOLD_CONFIG", "config.toml")


@pytest.mark.usefixtures("password_in_settings")
def test_a_new_key_takes_the_password_of_the_settings_unless_given_one(anchorhold: Command, ca_dir: Path) -> None:
    for name, options in {"By-settings": (), "By-option": ("--password=own",)}.items():
        good(anchorhold("init-ca", name, "CN=Any", f"--path={name}", *options))
        (key_file,) = (ca_dir / name).glob("*.key")
        assert key_file.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")


@pytest.mark.usefixtures("password_in_settings")
def test_an_empty_option_clears_the_variable_and_the_settings(
    anchorhold: Command, monkeypatch: pytest.MonkeyPatch, csr_file: Path
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    sign = ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=example.com")
    good(anchorhold(*sign))
    refused(anchorhold(*sign, "--password="), errors.SecretMissingError, "is empty", "--password")
    monkeypatch.setenv("ANCHORHOLD_PASSWORD", "")
    refused(anchorhold(*sign), errors.SecretMissingError, "is empty", "ANCHORHOLD_PASSWORD")


@pytest.mark.parametrize("given", ["option", "variable"])
def test_an_empty_password_never_leaves_a_new_key_unprotected_in_silence(
    given: str, anchorhold: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in ``--password "$PASS"`` with PASS not set."""
    if given == "variable":
        monkeypatch.setenv("ANCHORHOLD_PASSWORD", "")
    before = left_behind(tmp_path)
    outcome = anchorhold("init-ca", "Root", "CN=Root", *(["--password="] if given == "option" else []))
    refused(outcome, errors.SecretMissingError, "empty", "leave it out altogether, or give one with `--password`")
    assert left_behind(tmp_path)["files"] == before["files"]


def test_parent_and_child_in_two_aliases_each_have_their_own_password(
    anchorhold: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, csr_file: Path
) -> None:
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(two_storages(tmp_path)))
    good(anchorhold("init-ca", "Root", "CN=Root", "--key-backend=eu", "--eu-password=root secret"))
    child = ("init-ca", "Child", "CN=Child", "--parent=Root", "--password=child secret")
    before = left_behind(tmp_path)
    refused(anchorhold(*child), errors.SecretMissingError, "--eu-parent-password", "ANCHORHOLD_EU_PARENT_PASSWORD")
    refused(anchorhold(*child, "--parent-password=root secret"), errors.UnusedOptionError, "--parent-password", "eu")
    refused(anchorhold(*child, "--eu-password=root secret"), errors.UnusedOptionError, "--eu-password", "'eu'")
    refused(anchorhold(*child, "--eu-parent-password=wrong"), errors.SecretWrongError, "'eu'", "'Root'")
    assert left_behind(tmp_path) == before
    good(anchorhold(*child, "--eu-parent-password=root secret"))
    sign = ("sign-cert", f"--csr={csr_file}", "--alt=example.com")
    refused(anchorhold(*sign, "--ca=Child", "--password=root secret"), errors.SecretWrongError, "'Child'")
    assert certificate(anchorhold(*sign, "--ca=Child", "--password=child secret")).issuer.rfc4514_string() == "CN=Child"
    good(anchorhold(*sign, "--ca=Root", "--eu-password=root secret"))


def _says_canary(folder: Path) -> list[str]:
    needle = CANARY.encode()
    return [str(path) for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]


@pytest.mark.databases("sqlite", because="the ledger is one of the files that are searched")
@pytest.mark.usefixtures("database")
@pytest.mark.slow(because="eleven processes")
def test_a_password_on_the_command_line_appears_nowhere(tmp_path: Path, csr_file: Path) -> None:
    """Real processes, because an in-process run would hide what an interpreter prints when it dies."""
    option = f"--password={CANARY}"
    sign = ("sign-cert", "--ca=Locked", f"--csr={csr_file}", "--alt=example.com")
    runs = {
        ("--debug", "init-ca", "Locked", "CN=Locked", "-f", "text", option): 0,
        ("--debug", *sign, "-f", "json", option): 0,
        ("init-ca", "Locked", "CN=Locked", option): errors.AuthorityExistsError.exit_code,
        ("--debug", "init-ca", "Locked", "CN=Locked", option): errors.AuthorityExistsError.exit_code,
        ("--debug", *sign, f"{option}-wrong"): errors.SecretWrongError.exit_code,
        ("--debug", "init-ca", "Bad", "nonsense", option): errors.SubjectInvalidError.exit_code,
        ("--debug", "init-ca", "Child", "CN=Child", "--parent=Locked", f"--parent-password={CANARY}-wrong"): (
            errors.SecretWrongError.exit_code
        ),
        ("--debug", "init-ca", "Child", "CN=Child", option, "--parent=Locked", f"--parent-password={CANARY}"): 0,
        ("list-cas", "-f", "json"): 0,
        ("config", "show"): 0,
    }
    for arguments, expected in runs.items():
        result = program(*arguments)
        assert result.returncode == expected, result.stderr.decode()
        assert CANARY.encode() not in result.stdout + result.stderr, arguments
    assert _says_canary(tmp_path) == []
    (tmp_path / "proof").write_text(CANARY)
    assert _says_canary(tmp_path) == [str(tmp_path / "proof")]


@pytest.mark.databases("sqlite", because="the ledger is one of the files that are searched")
@pytest.mark.usefixtures("database")
def test_a_password_in_a_variable_or_the_settings_appears_nowhere_else(tmp_path: Path, csr_file: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[key_backends.default]\nbackend = "storages"\noptions = {{ password = "{CANARY}" }}\n')
    for arguments in (
        ("--debug", "--config", str(config), "init-ca", "Root", "CN=Root", "-f", "json"),
        ("--debug", "--config", str(config), "sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example"),
        ("--debug", "--config", str(config), "sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a_b"),
        ("--config", str(config), "config", "show"),
        ("--config", str(config), "backends"),
    ):
        result = program(*arguments)
        assert result.returncode in (0, errors.NameForbiddenError.exit_code), result.stderr.decode()
        assert CANARY.encode() not in result.stdout + result.stderr, arguments
    assert _says_canary(tmp_path) == [str(config)]
