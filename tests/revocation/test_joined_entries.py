"""Entries of lists are joined by the database: whatever octets they are, none is lost and none is made up."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from anchorhold.installation import open_installation
from cli.cli_steps import certificate, good

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

SIGN = ("sign-cert", "--ca=Root", "--csr=example.csr")


def _revoked(anchorhold: Command, count: int) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    for number in range(count):
        signed = certificate(anchorhold(*SIGN, f"--alt={number}.example"))
        good(anchorhold("revoke-cert", f"{signed.serial_number:x}"))


@pytest.mark.databases("sqlite", "postgresql", because="each joins octets in its own way")
def test_any_octets_are_joined_as_they_are(anchorhold: Command, csr_file: Path) -> None:
    assert csr_file.exists()
    _revoked(anchorhold, 4)
    contents = [bytes(range(256)), b"\0", b"\xff\xfe\0\xc3\x28\xed\xa0\x80", os.urandom(300)]
    with open_installation() as installation, installation.ledger.transaction():
        root = installation.authorities.get("Root").record.id
        database = installation.ledger.database
        for number, content in enumerate(contents, 1):
            statement = f"UPDATE anchorhold_revocation SET entry = {database.param} WHERE id = {number}"  # noqa: S608
            database.execute_sql(statement, (content,))
        found = installation.ledger.revocations.entries(
            root, shard=None, after=0, last_revocation_id=100_000, expired_before=0
        )
        assert b"".join(found) == b"".join(contents)


@pytest.mark.databases("sqlite", because="only SQLite's texts can be in UTF-16")
def test_a_file_in_another_encoding_makes_no_wrong_list(
    anchorhold: Command, csr_file: Path, ca_dir: Path, database: str
) -> None:
    """Nobody has such a file; it shows that a list of the wrong octets is not signed."""
    assert csr_file.exists()
    ca_dir.mkdir(mode=0o700, exist_ok=True)
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as ledger:
        ledger.execute("PRAGMA encoding = 'UTF-16le'")
        ledger.executescript("CREATE TABLE unused (number INTEGER); DROP TABLE unused")
    _revoked(anchorhold, 3)
    outcome = anchorhold("generate-crls")
    assert outcome.exit_code == errors.LedgerError.exit_code, outcome.talk
    assert "its database has joined" in outcome.talk
