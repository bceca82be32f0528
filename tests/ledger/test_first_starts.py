"""Several processes that meet an empty database at once: one migrates, the others wait, all go on."""

from __future__ import annotations

import sqlite3
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from anchorhold.databases import open_database
from anchorhold.databases.migrations import Migrations
from anchorhold.installation import open_installation
from anchorhold.ledger.migrations import MIGRATIONS
from anchorhold.ledger.schema import schema
from ledger.running import run_at_once

if TYPE_CHECKING:
    from pathlib import Path

    from peewee import Database


# Each is a process that imports the whole of core: some seconds. They meet often, because a race between first
# connections showed in one of twenty meetings.
@pytest.mark.parametrize(("count", "rounds"), [(6, 40), (8, 5)])
def test_first_starts_at_once_all_succeed_and_one_migrates(tmp_path: Path, count: int, rounds: int) -> None:
    printed = run_at_once(
        count,
        tmp_path,
        f"""
        for round in range({rounds}):
            meet(f"round {{round}}")
            database = open_database(f"sqlite:///{{Path.cwd()}}/{{round}}.sqlite3")
            print(",".join(MIGRATIONS.apply(database, "ledger")) or "-", end=" ")
            database.close()
        """,
    )
    one_of_them = ["-"] * (count - 1) + [",".join(sorted(MIGRATIONS.shipped))]
    assert [sorted(each) for each in zip(*(line.split() for line in printed), strict=True)] == [one_of_them] * rounds
    for number in range(rounds):
        connection = sqlite3.connect(tmp_path / f"{number}.sqlite3")
        assert [name for (name,) in connection.execute("SELECT name FROM anchorhold_migration")] == sorted(
            MIGRATIONS.shipped
        )
        connection.close()


def test_a_database_that_another_process_makes_meanwhile_is_not_said_to_be_foreign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    database, other = open_database(url), open_database(url)
    begun = Migrations.are_begun

    def begun_then_made(migrations: Migrations, asked: Database) -> bool:
        answer = begun(migrations, asked)
        if asked is database:
            MIGRATIONS.apply(other, "ledger")
        return answer

    monkeypatch.setattr(Migrations, "are_begun", begun_then_made)
    MIGRATIONS.check(database, "ledger")
    assert database.get_tables()
    database.close()
    other.close()


@pytest.mark.slow(because="many processes")
@pytest.mark.usefixtures("database")
def test_first_commands_at_once_all_succeed(tmp_path: Path) -> None:
    run_at_once(
        4,
        tmp_path,
        """
        meet("before")
        with open_installation() as installation:
            installation.authorities.create(f"CA {number}", "CN=CA")
            assert installation.authorities.get(f"CA {number}").certificate
        """,
    )
    with open_installation() as installation:
        names = sorted(authority.name for authority in installation.authorities.list())
    assert names == [f"CA {number}" for number in range(4)]


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    applied = []
    for _ in range(2):
        database = open_database(url)
        applied.append(sorted(MIGRATIONS.apply(database, "ledger")))
        database.close()
    assert applied == [sorted(MIGRATIONS.shipped), []]


def test_a_migration_that_was_interrupted_is_repeated_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import playhouse.migrations

    database = open_database(f"sqlite:///{tmp_path}/ledger.sqlite3")
    real = playhouse.migrations.Runner.up

    def killed(self: object) -> None:
        real(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(playhouse.migrations.Runner, "up", killed)
    with pytest.raises(KeyboardInterrupt):
        MIGRATIONS.apply(database, "ledger")
    monkeypatch.undo()
    database.close()
    assert MIGRATIONS.apply(database, "ledger") in ([], sorted(MIGRATIONS.shipped))
    names = {name for name in database.get_tables() if not name.startswith("sqlite_")}
    ours = {f"anchorhold_{field.name}" for field in fields(schema(database))}
    assert names == ours | {"anchorhold_migration", "anchorhold_lease"}  # the last one is of the release before
    database.close()
