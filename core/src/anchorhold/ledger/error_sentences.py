"""Errors of the ledger's database, each as one sentence that names the ledger."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from peewee import PeeweeException

from anchorhold.databases import drop_dead_connection
from anchorhold.databases.error_hints import hint_for
from anchorhold.errors import AnchorholdError, LedgerError
from anchorhold.settings.masking import mask_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peewee import Database

SUBJECT: Final = "ledger"


def place_of(url: str | None) -> str:
    """What to call the ledger at a URL in messages; its password is masked."""
    return SUBJECT if url is None else f"{SUBJECT} {mask_password(url).removeprefix('sqlite:///')}"


@contextmanager
def sentences(database: Database, url: str | None) -> Iterator[None]:
    """Turn errors of the database into one sentence.

    Args:
        database: Of the ledger.
        url: Where it is; None in memory.

    Raises:
        LedgerError: In their place.
    """
    try:
        yield
    except (PeeweeException, sqlite3.Error) as error:  # SQLite reads rows when peewee looks away
        drop_dead_connection(database)
        first = _first(error)
        message = " ".join(str(first).split()) or type(first).__name__
        raise LedgerError(f"{place_of(url)}: {message}", hint=hint_for(message)) from error


def _first(error: Exception) -> Exception:
    """The first error: when a commit fails, the rollback after it often fails too and would hide why."""
    first: Exception = error
    earlier = error.__context__
    while earlier is not None and not isinstance(earlier, AnchorholdError):
        if isinstance(earlier, PeeweeException):
            first = earlier
        earlier = earlier.__context__
    return first
