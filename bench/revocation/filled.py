"""The same revocations on both sides: rows of a ledger, and lines of the index of ``openssl ca``."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from peewee import SqliteDatabase

from anchorhold.ledger.schema import to_timestamp
from anchorhold.x509.crl_entries import REASONS, crl_entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.installation import Installation

COLUMNS = ("authority_id", "certificate_id", "serial", "shard", "revoked_at", "reason", "not_after", "entry")
TABLE, LISTS = "anchorhold_revocation", "anchorhold_crl"
CHUNK = 10_000
"""Rows to a transaction."""
LIFETIME = dt.timedelta(days=90)
UTC_TIME = "%y%m%d%H%M%SZ"
_IN_INDEX = {"cACompromise": "CACompromise", "privilegeWithdrawn": "superseded", "aACompromise": "CACompromise"}
"""Reasons that openssl's index spells otherwise or does not know; an entry is as long with one as with another."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """One revoked certificate."""

    number: int
    serial: int
    revoked_at: dt.datetime
    not_after: dt.datetime
    reason: str


def revoked(count: int, *, first: int = 0) -> Iterator[Revoked]:
    """So many of them, the same ones in every process; revoked in the last thirty days, valid for another month."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    reasons = tuple(REASONS)
    for number in range(first, first + count):
        source = random.Random(number)  # noqa: S311  # for a measurement
        revoked_at = now - dt.timedelta(seconds=source.randrange(1, 30 * 86_400))
        serial = (1 << 158) | source.getrandbits(158)
        yield Revoked(number, serial, revoked_at, revoked_at + LIFETIME, reasons[number % len(reasons)])


def fill_ledger(installation: Installation, authority_id: int, count: int, *, first: int = 0) -> None:
    """Write rows as the book of revocations does, many to a commit; certificates are not needed for a list."""
    ledger = installation.ledger
    marks = ", ".join([ledger.database.param] * len(COLUMNS))
    statement = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({marks})"  # noqa: S608  # constants
    for begin in range(first, first + count, CHUNK):
        size = min(CHUNK, first + count - begin)
        with ledger.transaction():
            ledger.database.cursor().executemany(
                statement, [_row(authority_id, one) for one in revoked(size, first=begin)]
            )
    if not isinstance(ledger.database, SqliteDatabase):  # it does so by itself, but not as quickly
        with ledger.translate_errors():
            ledger.database.execute_sql(f"VACUUM ANALYZE {TABLE}")


def forget_lists(installation: Installation) -> None:
    """As if no list had ever been made, and nothing had expired."""
    now = to_timestamp(dt.datetime.now(dt.UTC))
    for what in (LISTS, f"{LISTS}_part", f"{TABLE} WHERE not_after < {now}"):
        _execute(installation, f"DELETE FROM {what}")  # noqa: S608  # constants


def expire(installation: Installation, count: int) -> None:
    """Let that many of the certificates have expired when the last list was made, so that the next one lacks them."""
    last = f"(SELECT MAX(this_update) FROM {LISTS})"  # noqa: S608  # a constant
    chosen = f"SELECT id FROM {TABLE} WHERE not_after >= {last} ORDER BY id LIMIT {count}"  # noqa: S608  # constants
    _execute(installation, f"UPDATE {TABLE} SET not_after = {last} - 1 WHERE id IN ({chosen})")  # noqa: S608


def _execute(installation: Installation, statement: str) -> None:
    with installation.ledger.transaction():
        installation.ledger.database.execute_sql(statement)


def _row(authority_id: int, one: Revoked) -> tuple[object, ...]:
    entry = crl_entry(one.serial, one.revoked_at, one.reason, None)
    times = (to_timestamp(one.revoked_at), one.reason, to_timestamp(one.not_after))
    return (authority_id, one.number, f"{one.serial:x}", None, *times, entry)


def write_index(path: Path, count: int) -> None:
    """The index of ``openssl ca`` with the same certificates (see ``openssl-ca(1)``, ``index.txt``)."""
    with path.open("w") as index:
        for one in revoked(count):
            reason = "" if one.reason == "unspecified" else f",{_IN_INDEX.get(one.reason, one.reason)}"
            dates = f"{one.not_after:{UTC_TIME}}\t{one.revoked_at:{UTC_TIME}}{reason}"
            index.write(f"R\t{dates}\t{one.serial:X}\tunknown\t/CN=host{one.number}.example.com\n")
