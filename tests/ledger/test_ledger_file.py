"""The ledger's file: who can read it, how durable it is, and what is said when it is not a ledger."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.errors import AnchorholdError, LedgerError, LedgerForeignError, LedgerVersionError, SettingsError
from anchorhold.installation import open_installation
from anchorhold.ledger import Ledger, ledger_exists
from anchorhold.operations.order import Order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr

pytestmark = pytest.mark.databases("sqlite", because="the ledger is a file only there")


@pytest.fixture
def _no_umask() -> Iterator[None]:
    """A umask that takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_no_umask")
def test_the_ledger_and_its_journals_are_private_whatever_the_umask(installation: Installation, ca_dir: Path) -> None:
    installation.authorities.create("Root", "CN=Root")
    files = {path.name: _mode(path) for path in ca_dir.iterdir() if path.is_file()}
    assert files == dict.fromkeys(("ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"), 0o600)
    assert _mode(ca_dir) == 0o700


@pytest.mark.usefixtures("_no_umask")
def test_every_folder_made_for_the_ledger_is_private(tmp_path: Path) -> None:
    Ledger(f"sqlite:///{tmp_path}/one/two/three/ledger.sqlite3").close()
    folders = [tmp_path / "one", tmp_path / "one/two", tmp_path / "one/two/three"]
    assert [oct(_mode(folder)) for folder in folders] == ["0o700"] * 3


@pytest.mark.usefixtures("_no_umask")
def test_at_no_moment_can_others_open_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, moments = tmp_path / "place", []

    def watch(module: Any, name: str) -> None:
        real = getattr(module, name)

        def watched(*arguments: Any, **more: Any) -> Any:
            result = real(*arguments, **more)
            moments.append((name, {path.name: _mode(path) for path in (place, *place.glob("*")) if path.exists()}))
            return result

        monkeypatch.setattr(module, name, watched)

    for name in ("open", "close", "mkdir", "link", "rename", "replace", "chmod", "fchmod"):
        watch(os, name)
    watch(sqlite3, "connect")
    ledger = Ledger(f"sqlite:///{place}/ledger.sqlite3")
    ledger.close()
    assert {"open", "mkdir", "connect"} <= {name for name, _ in moments}
    for name, modes in moments:
        assert {file: oct(mode) for file, mode in modes.items() if mode & 0o077} == {}, name


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)],
)
def test_the_connection_in_use_is_durable_and_checks_references(
    installation: Installation, pragma: str, value: object
) -> None:
    installation.authorities.create("Root", "CN=Root")
    database = installation.ledger.database
    assert database.execute_sql(f"PRAGMA {pragma}").fetchone() == (value,)
    database.close()
    assert database.execute_sql(f"PRAGMA {pragma}").fetchone() == (value,)


def test_a_writer_takes_its_lock_when_it_begins(installation: Installation) -> None:
    statements: list[str] = []
    installation.ledger.database.connection().set_trace_callback(statements.append)
    with installation.ledger.transaction():
        pass
    assert statements == ["BEGIN IMMEDIATE", "COMMIT"]


def test_an_authority_with_certificates_cannot_be_deleted(installation: Installation) -> None:
    installation.authorities.create("Root", "CN=Root")
    with pytest.raises(LedgerError, match="FOREIGN KEY"), installation.ledger.transaction():
        installation.ledger.database.execute_sql("DELETE FROM anchorhold_authority")


def _newer(path: Path) -> None:
    Ledger(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(anchorhold_migration)")]
        assert "name" in columns
        others = ", ".join(column for column in columns if column not in ("id", "name"))
        connection.execute(
            f"INSERT INTO anchorhold_migration (name, {others}) "  # noqa: S608
            f"SELECT '9999_from_the_future', {others} FROM anchorhold_migration LIMIT 1"
        )
    connection.close()


def _foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE django_migrations (id INTEGER); INSERT INTO django_migrations VALUES (1);")
    connection.close()


def _truncated(path: Path) -> None:
    ledger = Ledger(f"sqlite:///{path}")
    ledger.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    ledger.close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


BAD: dict[str, tuple[Callable[[Path], object], type[AnchorholdError], str]] = {
    "newer": (_newer, LedgerVersionError, "9999_from_the_future"),
    "foreign": (_foreign, LedgerForeignError, "django_migrations"),
    "text": (lambda path: path.write_text("This is not a database. " * 100), LedgerError, "not a database"),
    "zeros": (lambda path: path.write_bytes(bytes(4096)), LedgerError, "database"),
    "truncated": (_truncated, LedgerError, "malformed"),
    "folder": (lambda path: path.mkdir(), LedgerError, "ledger"),
    "dangling link": (lambda path: path.symlink_to("/nowhere/at/all"), LedgerError, "ledger"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("command", [("list-cas",), ("init-ca", "Root", "CN=Root")], ids=["list-cas", "init-ca"])
def test_what_is_not_a_ledger_of_this_version_is_one_clear_error(
    anchorhold: Command, ca_dir: Path, bad: str, command: tuple[str, ...]
) -> None:
    spoil, kind, words = BAD[bad]
    ca_dir.mkdir(mode=0o700)
    spoil(ca_dir / "ledger.sqlite3")
    refused = anchorhold(*command)
    assert refused.exit_code == kind.exit_code, refused.talk
    assert refused.talk.startswith("anchorhold: ")
    assert words in refused.talk
    assert refused.talk.count("\n") == 1
    assert refused.data == b""
    assert list(ca_dir.rglob("*.key")) == []


@pytest.mark.parametrize("bad", [name for name in BAD if name != "dangling link"])
def test_config_check_finds_a_ledger_that_nobody_can_use_and_leaves_it_alone(
    anchorhold: Command, ca_dir: Path, bad: str
) -> None:
    spoil, kind, words = BAD[bad]
    ca_dir.mkdir(mode=0o700)
    path = ca_dir / "ledger.sqlite3"
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    found = anchorhold("config", "check")
    assert (found.exit_code, words in found.talk, found.talk.count("\n")) == (kind.exit_code, True, 1), found.talk
    assert before == (path.read_bytes() if path.is_file() else None)


def test_config_check_leaves_a_ledger_that_is_to_be_migrated_as_it_is(anchorhold: Command, ca_dir: Path) -> None:
    ca_dir.mkdir(mode=0o700)
    sqlite3.connect(ca_dir / "ledger.sqlite3").close()
    assert "no problems found" in anchorhold("config", "check").talk
    assert (ca_dir / "ledger.sqlite3").read_bytes() == b""


def test_a_ledger_that_is_damaged_inside_is_one_clear_error(
    anchorhold: Command, installation: Installation, ca_dir: Path, make_csr: MakeCsr
) -> None:
    installation.authorities.create("Root", "CN=Root")
    with installation.certificates.issuer("Root") as issuer:
        issuer.sign_many(Order(csr=make_csr(), names=[f"host{number}.example"]) for number in range(50))
    installation.ledger.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    installation.close()
    path = ca_dir / "ledger.sqlite3"
    whole, page = path.read_bytes(), 4096
    codes = set()
    for start in range(page, len(whole), page):
        path.write_bytes(whole[:start] + bytes(page) + whole[start + page :])
        outcome = anchorhold("list-certs")
        codes.add(outcome.exit_code)
        assert outcome.exit_code == 0 or "is malformed" in outcome.talk, outcome.talk
    assert codes == {0, LedgerError.exit_code}


@pytest.mark.parametrize("bad", ["newer", "foreign", "text"])
def test_the_error_names_the_file(anchorhold: Command, ca_dir: Path, bad: str) -> None:
    ca_dir.mkdir(mode=0o700)
    BAD[bad][0](ca_dir / "ledger.sqlite3")
    assert str(ca_dir / "ledger.sqlite3") in anchorhold("list-cas").talk


def test_the_database_of_another_program_is_left_as_it_was(anchorhold: Command, ca_dir: Path) -> None:
    ca_dir.mkdir(mode=0o700)
    path = ca_dir / "ledger.sqlite3"
    _foreign(path)
    before = path.read_bytes()
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == LedgerForeignError.exit_code
    assert path.read_bytes() == before


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every account can reach, unlike those that pytest makes."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # TMPDIR may be below a folder of root
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def read_only(public_folder: Path) -> Iterator[Path]:
    """A ledger that this account can read and not write."""
    path = public_folder / "ledger.sqlite3"
    Ledger(f"sqlite:///{path}").close()
    path.chmod(0o444)
    public_folder.chmod(0o555)
    superuser = os.geteuid() == 0
    if superuser:
        os.seteuid(65534)
    yield path
    if superuser:
        os.seteuid(0)


def test_a_ledger_that_cannot_be_written_is_one_clear_error(read_only: Path) -> None:
    def write() -> None:
        ledger = Ledger(f"sqlite:///{read_only}")
        with ledger.transaction():
            ledger.events.append("tested", "Root")

    with pytest.raises(LedgerError, match="check that the database is reachable, writable"):
        write()


def test_a_folder_that_may_not_be_entered_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", forbidden)
    with pytest.raises(LedgerError, match="Permission denied"):
        Ledger(f"sqlite:///{tmp_path}/ledger.sqlite3")


@pytest.fixture
def closed_folder(public_folder: Path) -> Iterator[Path]:
    """A folder that this account may not enter."""
    public_folder.chmod(0)
    superuser = os.geteuid() == 0
    if superuser:
        os.seteuid(65534)
    yield public_folder
    if superuser:
        os.seteuid(0)


def test_whether_there_is_a_ledger_in_a_folder_that_may_not_be_entered_is_not_guessed(closed_folder: Path) -> None:
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3: cannot be accessed \(Permission denied\)"):
        ledger_exists(f"sqlite:///{closed_folder}/ledger.sqlite3")


def test_a_place_where_no_file_can_be_made_is_one_clear_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    for place in (blocked / "ledger.sqlite3", Path("/proc/anchorhold/ledger.sqlite3")):
        with pytest.raises(LedgerError, match="cannot be created") as caught:
            Ledger(f"sqlite:///{place}")
        assert str(place) in caught.value.problem


class _LateFailure(sqlite3.Cursor):
    """What a full disk does to the change to write-ahead logging: the first row comes, and then the error."""

    def fetchall(self) -> list[Any]:
        raise sqlite3.OperationalError("database or disk is full")


class _FullDisk(sqlite3.Connection):
    def execute(self, statement: str, *_: Any) -> sqlite3.Cursor:
        return self.cursor(_LateFailure).execute(statement.replace("wal", "delete"))


def _without_shared_memory(path: Path) -> sqlite3.Connection:
    """As on a file system that has none: SQLite answers that the mode is still ``delete``."""
    return _connect(f"file:{path}?vfs=unix-dotfile", uri=True)


_connect = sqlite3.connect
NO_WAL: dict[str, tuple[Callable[[Path], sqlite3.Connection], str]] = {
    "full disk": (lambda path: _connect(path, factory=_FullDisk), "disk is full"),
    "no shared memory": (_without_shared_memory, "write-ahead logging cannot be enabled"),
}


@pytest.mark.parametrize("case", NO_WAL)
def test_a_ledger_without_write_ahead_logging_does_not_come_into_being(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, words = NO_WAL[case]
    url = f"sqlite:///{tmp_path}/ca/ledger.sqlite3"
    monkeypatch.setattr("anchorhold.databases.connect.sqlite3.connect", connect)
    with pytest.raises(LedgerError, match=f"cannot be created.*{words}"):
        Ledger(url)
    assert list((tmp_path / "ca").iterdir()) == []
    monkeypatch.undo()
    ledger = Ledger(url)
    assert ledger.database.execute_sql("PRAGMA journal_mode").fetchone() == ("wal",)
    ledger.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://root:hunter2@db/anchorhold",
        "hunter2",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "",
    ],
)
def test_a_url_that_names_no_ledger_is_refused_without_being_shown(
    url: str,
) -> None:
    with pytest.raises(SettingsError, match=r"^database: ") as caught:
        Ledger(url)
    assert "hunter2" not in str(caught.value)


def test_two_settings_files_have_two_ledgers(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANCHORHOLD_CA_DIR")
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(f'ca_dir = "{name}"\n')
        created = anchorhold("--config", f"{name}.toml", "init-ca", name, f"CN={name}")
        assert created.exit_code == 0, created.talk
    for name in ("one", "two"):
        with open_installation(tmp_path / f"{name}.toml") as installation:
            assert [authority.name for authority in installation.authorities.list()] == [name]


def test_a_locked_ledger_is_one_clear_error_and_nothing_is_signed(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, ca_dir: Path
) -> None:
    installation.authorities.create("Root", "CN=Root")
    monkeypatch.setattr("anchorhold.databases.connect.BUSY_TIMEOUT", 0.05)
    other = sqlite3.connect(ca_dir / "ledger.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_installation() as second, pytest.raises(LedgerError, match="locked"):
        second.authorities.create("Second", "CN=Second")
    other.rollback()
    other.close()
    assert [authority.name for authority in installation.authorities.list()] == ["Root"]
    assert len(list(ca_dir.rglob("*.key"))) == 1
