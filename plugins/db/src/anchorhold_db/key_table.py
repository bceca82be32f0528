"""The rows of the table of keys."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from peewee import PeeweeException, SqliteDatabase

from anchorhold.databases import hint_for
from anchorhold.errors import BackendFailedError, KeyExistsError
from anchorhold.plugin import Secret
from anchorhold_db.schema import key_model
from anchorhold_db.stored_key import StoredKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from peewee import Database

    from anchorhold_db.connections import KeyDatabase

T = TypeVar("T")

RETRY_TIMEOUT: Final = 5.0
"""Seconds in which the write-ahead log is tried again while others empty it."""
RETRY_PAUSE: Final = 0.02
"""Seconds between two tries."""

logger = logging.getLogger(__name__)


class KeyTable:
    """The table of keys in one place. Every change is one statement, and so a separate transaction.

    All methods raise `BackendFailedError` when the database cannot be reached, read or written.

    Args:
        place: Where the table is.
    """

    def __init__(self, place: KeyDatabase) -> None:
        self._place = place

    @property
    def where(self) -> str:
        """The backend and its database, for messages."""
        return self._place.name

    def check(self) -> None:
        """Find out whether keys can be read and written; nothing is made."""
        with self._one_sentence():
            self._place.check()

    def read(self, key_id: bytes, *, may_create: bool = False) -> StoredKey | None:
        """The row of a key; None if there is none.

        Args:
            key_id: Of the key.
            may_create: Whether a database that is not there is created; else that is an error.
        """
        return self._run(lambda database: _row(database, key_id), may_create=may_create)

    def ids(self) -> list[str]:
        """The key ids of all rows, in hexadecimal and in order."""
        return self._run(_ids, may_create=False)

    def add(self, row: StoredKey) -> None:
        """Add a row, which is durable when this returns.

        Raises:
            KeyExistsError: That key id has another row.
        """
        stored = self._run(lambda database: _inserted(database, row), may_create=True)
        if stored != row:
            raise KeyExistsError(
                f"{self.where}: the key {row.key_id.hex()} exists already", hint="keys are never overwritten"
            )

    def delete(self, key_id: bytes) -> bool:
        """Remove a row, and on SQLite what is left of it in the files; whether it was there."""
        there, left = self._run(lambda database: _deleted(database, key_id), may_create=False)
        if left:  # not an error: the key is gone, and whoever repeated the command would be told that it is not there
            logger.warning(
                "%s: the key %s was deleted, and its octets stay in the write-ahead log until nobody reads the "
                "database; stop what reads it, and run `sqlite3 FILE 'PRAGMA wal_checkpoint(TRUNCATE)'`",
                self.where,
                key_id.hex(),
            )
        return there

    def _run(self, work: Callable[[Database], T], *, may_create: bool) -> T:
        with self._one_sentence():
            try:
                return self._place.run(work, may_create=may_create)
            except PeeweeException:
                if not self._place.forget_lost_connection():
                    raise
            return self._place.run(work, may_create=may_create)

    @contextmanager
    def _one_sentence(self) -> Iterator[None]:
        try:
            yield
        except PeeweeException as error:
            # PostgreSQL's details quote rows, so neither they nor a traceback with them may be shown.
            message = " ".join(str(error).partition("DETAIL:")[0].split()) or type(error).__name__
            raise BackendFailedError(f"{self.where}: {message}", hint=hint_for(message)) from None


class _Unlogged(bytes):
    """Octets that peewee may log with its statement."""

    def __repr__(self) -> str:
        return repr(Secret(self))


def _row(database: Database, key_id: bytes) -> StoredKey | None:
    found = key_model(database).get_or_none(key_id=key_id.hex())
    if found is None:
        return None
    content, public_key = Secret(bytes(found.content)), bytes(found.public_key)
    return StoredKey(key_id=key_id, public_key=public_key, sealing=found.sealing, content=content)


def _ids(database: Database) -> list[str]:
    model = key_model(database)
    return [row.key_id for row in model.select(model.key_id).order_by(model.key_id)]


def _inserted(database: Database, row: StoredKey) -> StoredKey | None:
    """The row that is there afterwards: the same result however often it is tried."""
    _enable_secure_delete(database)
    key_model(database).insert(
        key_id=row.key_id.hex(),
        public_key=row.public_key,
        sealing=row.sealing,
        content=_Unlogged(row.content.reveal_bytes()),
        created_at=int(time.time()),
    ).on_conflict_ignore().execute()
    return _row(database, row.key_id)


def _deleted(database: Database, key_id: bytes) -> tuple[bool, bool]:
    """Whether the row was there, and whether its octets are left somewhere."""
    _enable_secure_delete(database)
    model = key_model(database)
    count = model.delete().where(model.key_id == key_id.hex()).execute()
    if not isinstance(database, SqliteDatabase):
        return bool(count), False
    return bool(count), not _truncate_log(database)


def _truncate_log(database: Database) -> bool:
    """Empty the write-ahead log, which still has the row; it waits for readers, but not for others who do the same."""
    end = time.monotonic() + RETRY_TIMEOUT
    while True:
        busy, *_ = database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy or time.monotonic() > end:
            return not busy
        time.sleep(RETRY_PAUSE)


def _enable_secure_delete(database: Database) -> None:
    """SQLite leaves what was deleted or moved in its file unless told otherwise."""
    if isinstance(database, SqliteDatabase):
        database.pragma("secure_delete", 1)
