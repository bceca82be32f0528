"""A ledger that is not there: reading makes none, and beside keys nothing does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from anchorhold.cli.command_table import COMMANDS
from anchorhold.errors import LedgerError, UnknownAuthorityError, UnknownCertificateError
from anchorhold.installation import open_installation
from anchorhold.ledger import Ledger
from cli.cli_steps import good, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Command, MakeCsr

RUNS: Final[dict[str, tuple[tuple[str, ...], int]]] = {
    "list-cas": ((), 0),
    "list-certs": ((), 0),
    "maintain": ((), 0),
    "generate-crls": ((), 0),
    "regenerate-ocsp-keys": ((), 0),
    "recover": ((), 0),
    "history": ((), 0),
    "workers": ((), 0),
    "backends": ((), 0),
    "edit-ca": (("Root", "--disable"), UnknownAuthorityError.exit_code),
    "view-ca": (("Root",), UnknownAuthorityError.exit_code),
    "move-key": (("Root", "--to", "default"), UnknownAuthorityError.exit_code),
    "sign-cert": (("--ca", "Root", "--csr", "request.csr", "--alt", "a.example"), UnknownAuthorityError.exit_code),
    "view-cert": (("0123456789",), UnknownCertificateError.exit_code),
    "import-cert": (("certificate.pem", "--ca", "Root"), UnknownAuthorityError.exit_code),
    "revoke-cert": (("0123456789",), UnknownCertificateError.exit_code),
    "dump-crl": (("Root",), UnknownAuthorityError.exit_code),
    "advise": ((), 0),
    "generate-ocsp-responses": (("--to", "responses"), 0),
}
"""Every command that makes no authority, and how it ends where nothing is."""
OTHERS: Final = {"serve", "worker", "desk", "new-backend", "new-wrapper", "config", "profiles"}
"""Commands that look into no ledger, and the one that waits for it."""


def test_every_command_is_here() -> None:
    creating = {name for name, command in COMMANDS.items() if command.creates}
    assert set(RUNS) | creating | OTHERS == set(COMMANDS)
    assert creating == {"quickstart", "init-ca", "import-ca"}


@pytest.fixture
def _inputs(tmp_path: Path, make_csr: MakeCsr, anchorhold: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that commands read, made by an installation elsewhere."""
    (tmp_path / "request.csr").write_bytes(make_csr())
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("ANCHORHOLD_CA_DIR", str(tmp_path / "elsewhere"))
        elsewhere.delenv("ANCHORHOLD_DATABASE", raising=False)
        (tmp_path / "certificate.pem").write_bytes(good(anchorhold("init-ca", "Root", "CN=Root")).data)
        (tmp_path / "certificate.pem").write_bytes(good(anchorhold("view-ca", "Root", "--output-format", "pem")).data)


@pytest.mark.usefixtures("_inputs")
@pytest.mark.parametrize("name", RUNS)
def test_where_nothing_is_a_command_that_makes_no_authority_makes_nothing(
    name: str, anchorhold: Command, ca_dir: Path, database: str
) -> None:
    arguments, code = RUNS[name]
    ended = anchorhold(name, *arguments)
    assert ended.exit_code == code, ended.talk
    assert not ca_dir.exists()
    assert _tables(database) == []


def _tables(database: str) -> list[str]:
    if database.startswith("sqlite"):
        return []
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [name for (name,) in found]


def _missing(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def _empty(path: Path) -> None:
    _missing(path)
    path.touch()


def _without_authority(path: Path) -> None:
    _missing(path)
    Ledger(f"sqlite:///{path}").close()


STATES: Final[dict[str, tuple[Callable[[Path], None], str]]] = {
    "missing": (_missing, "is not there"),
    "empty": (_empty, "is empty"),
    "without an authority": (_without_authority, "has no authority"),
}
CREATING: Final = {"init-ca": ("Other", "CN=Other"), "quickstart": ("host.example",), "config": ("check",)}


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.databases("sqlite", because="it loses a file")
@pytest.mark.usefixtures("_inputs")
@pytest.mark.parametrize("state", STATES)
def test_beside_keys_no_command_makes_another_ledger(state: str, anchorhold: Command, ca_dir: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    spoil, words = STATES[state]
    spoil(ca_dir / "ledger.sqlite3")
    before = _files(ca_dir)
    runs = {**{name: arguments for name, (arguments, _) in RUNS.items()}, **CREATING}
    if state == "without an authority":
        del runs["config"]  # which looks at the tables alone
    for name, arguments in runs.items():
        said = refused(anchorhold(name, *arguments), LedgerError, words, f"there are keys in {ca_dir}/ca")
        assert said.talk.startswith(f"anchorhold: ledger {ca_dir}/ledger.sqlite3: "), name
        if state != "without an authority":  # whose reading may leave an empty log
            assert _files(ca_dir) == before, name


@pytest.mark.databases("postgresql", because="the file is in the test above")
def test_beside_keys_an_empty_database_is_the_wrong_one(anchorhold: Command, database: str, ca_dir: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    for name, arguments in (("list-cas", ()), *CREATING.items()):
        refused(anchorhold(name, *arguments), LedgerError, "is empty", f"there are keys in {ca_dir}/ca")
    assert _tables(database) == []


@pytest.mark.databases("sqlite", because="keys are looked for in the same way")
def test_keys_in_another_folder_of_the_settings_count(anchorhold: Command, tmp_path: Path, ca_dir: Path) -> None:
    (tmp_path / "settings.toml").write_text(f'[storages.default]\noptions = {{ location = "{tmp_path}/keys" }}\n')
    settings = ("--config", str(tmp_path / "settings.toml"))
    good(anchorhold(*settings, "init-ca", "Root", "CN=Root"))
    _missing(ca_dir / "ledger.sqlite3")
    refused(anchorhold(*settings, "list-cas"), LedgerError, f"there are keys in {tmp_path}/keys/ca")
    assert list(ca_dir.iterdir()) == []


@pytest.mark.databases("sqlite", because="keys are looked for in the same way")
def test_a_key_of_somebody_else_says_nothing(anchorhold: Command, ca_dir: Path) -> None:
    ca_dir.mkdir()
    (ca_dir / "tls.key").write_text("of a web server")
    good(anchorhold("list-cas"))
    assert [path.name for path in ca_dir.iterdir()] == ["tls.key"]
    good(anchorhold("init-ca", "Root", "CN=Root"))


@pytest.mark.databases("sqlite", because="keys are looked for in the same way")
def test_who_has_abandoned_the_first_authority_begins_anew(anchorhold: Command, ca_dir: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--csr-out", "root.csr"))
    good(anchorhold("recover", "--abandon", "Root"))
    good(anchorhold("init-ca", "Root", "CN=Root"))


def test_what_does_not_create_opens_the_ledger_as_soon_as_it_is_there(anchorhold: Command, database: str) -> None:
    waiting = open_installation(create=False)
    for _ in range(2):
        with pytest.raises(LedgerError, match=r"is (not there|empty); .* create the first authority"):
            waiting.authorities.list()
    assert _tables(database) == []
    good(anchorhold("init-ca", "Root", "CN=Root"))
    assert [authority.name for authority in waiting.authorities.list()] == ["Root"]
    waiting.close()


@pytest.mark.databases("sqlite", because="it loses a file")
def test_a_ledger_that_goes_away_under_a_process_is_not_made_anew(anchorhold: Command, ca_dir: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    with open_installation() as installation:
        assert len(installation.authorities.list()) == 1
        installation.close()
        _missing(ca_dir / "ledger.sqlite3")
        with pytest.raises(LedgerError, match=re.escape("ledger.sqlite3: is not there; restore it")):
            installation.authorities.list()
    assert [path.name for path in ca_dir.iterdir()] == ["ca"]
