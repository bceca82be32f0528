"""Opening a database from its URL."""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from peewee import SqliteDatabase

from anchorhold.databases.sqlite import WaitingSqliteDatabase
from anchorhold.errors import LedgerError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from peewee import Database

BUSY_TIMEOUT: Final = 30.0
"""Seconds in all for which a process waits for what another one has locked."""
_ELSEWHERE: Final = "choose another location with ANCHORHOLD_CA_DIR or `database` in the settings"


@dataclass(frozen=True, slots=True)
class _ConnectOptions:
    """What to call a database in messages, how long to wait for a lock, and what to do before a file is made."""

    subject: str
    lock_timeout: float
    before_create: Callable[[], None] | None


def open_database(
    url: str,
    subject: str = "database",
    *,
    lock_timeout: float | None = None,
    before_create: Callable[[], None] | None = None,
) -> Database:
    """The database behind a URL, not connected yet. A new SQLite file is created with mode 0600.

    Args:
        url: ``sqlite:////absolute/path`` or ``postgresql://user:password@host/name``.
        subject: What to call it in messages.
        lock_timeout: Seconds in all for which to wait for what another process has locked; by default `BUSY_TIMEOUT`.
        before_create: Called before a file is made, which it prevents by raising an error.

    Raises:
        SettingsError: The URL is of no known kind. It is not shown, for it may hold a password.
        LedgerError: The file cannot be created.
    """
    scheme = _scheme(url)
    try:
        opener = _OPENERS[scheme]
    except KeyError:
        raise SettingsError(
            f"database: {scheme or 'a URL without scheme'} is not a supported kind of database",
            hint=f"use one of: {', '.join(f'{known}:///…' for known in _OPENERS)}",
        ) from None
    return opener(url, _ConnectOptions(subject, BUSY_TIMEOUT if lock_timeout is None else lock_timeout, before_create))


def open_in_memory() -> Database:
    """An empty database in memory, of one connection that all threads share; closing it empties it."""
    return SqliteDatabase(":memory:", pragmas={"foreign_keys": 1}, thread_safe=False, check_same_thread=False)


def close(database: Database) -> None:
    """Close the connection of this thread, and those of a pool that no thread uses."""
    database.close()
    if hasattr(database, "close_idle"):
        database.close_idle()


def drop_dead_connection(database: Database) -> None:
    """Forget a connection the server has closed, so that the next use makes a new one; not within a transaction."""
    if not hasattr(database, "manual_close") or database.is_closed() or database.in_transaction():
        return
    if database.connection().closed:
        database.manual_close()


def roll_back(database: Database) -> None:
    """End the transaction of this thread, if there is one, whatever peewee believes: an interrupt may come at any step.

    Without that the lock of a transaction that nobody ends would keep all others waiting.
    """
    state = database._state  # type: ignore[attr-defined]  # noqa: SLF001  # it has no other way
    state.transactions.clear()
    if state.conn is None:
        return
    if isinstance(database, SqliteDatabase):
        state.conn.rollback()  # which may be without a transaction; the statement may not
    else:
        database.rollback()


def database_exists(url: str, subject: str = "database") -> bool:
    """Whether opening a database would not create it; a server is taken to have it.

    Raises:
        LedgerError: This account may not look.
    """
    if _scheme(url) != "sqlite":
        return True
    path = _sqlite_path(url)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise LedgerError(f"{subject} {path}: cannot be accessed ({error.strerror})", hint=_ELSEWHERE) from error
    return True


def file_of(url: str) -> Path | None:
    """The file of a database; None if a server has it."""
    return _sqlite_path(url) if _scheme(url) == "sqlite" else None


def _scheme(url: str) -> str:
    """What stands before ``://``, if it can be one; it is shown."""
    scheme, slashes, _ = url.partition("://")
    return scheme.lower() if slashes and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) else ""


def _sqlite_path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _open_sqlite(url: str, wishes: _ConnectOptions) -> Database:
    path = _sqlite_path(url)
    if str(path) in ("", ".", "sqlite:", ":memory:"):
        raise SettingsError("database: the URL names no file", hint="write sqlite:////absolute/path/ledger.sqlite3")
    _create_private(path, wishes)
    return WaitingSqliteDatabase(str(path), f"{wishes.subject} {path}", wishes.lock_timeout)


def _create_private(path: Path, wishes: _ConnectOptions) -> None:
    """Create the file before SQLite does, which would make it readable for others.

    It appears under its name with its mode and write-ahead logging set, so that several first starts at once do not
    compete for changing either, and no other program's database is ever changed.
    """
    try:
        if path.exists():
            return
        if wishes.before_create is not None and not path.is_symlink():  # one that leads nowhere is not a new place
            wishes.before_create()
        _make_private_folder(path.parent)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            _set_wal(temporary)
            with suppress(FileExistsError):  # another process was quicker
                os.link(temporary, path)
        finally:
            temporary.unlink()
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LedgerError(f"{wishes.subject} {path}: cannot be created ({reason})", hint=_ELSEWHERE) from error


def _set_wal(path: Path) -> None:
    """Write-ahead logging for a new file, which must have got it.

    Raises:
        sqlite3.Error: It has not, such as because the disk is full; SQLite may say so only after the first row.
    """
    with closing(sqlite3.connect(path)) as connection:
        modes = connection.execute("PRAGMA journal_mode = wal").fetchall()
    if modes != [("wal",)] or not path.stat().st_size:
        raise sqlite3.OperationalError("write-ahead logging cannot be enabled there, or the disk is full")


def _make_private_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _open_postgresql(url: str, wishes: _ConnectOptions) -> Database:
    from anchorhold.databases.postgresql import open_postgresql

    return open_postgresql(url, wishes.lock_timeout)


_OPENERS: Final[dict[str, Callable[[str, _ConnectOptions], Database]]] = {
    "sqlite": _open_sqlite,
    "postgresql": _open_postgresql,
    "postgres": _open_postgresql,
}
