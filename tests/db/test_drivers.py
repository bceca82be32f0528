"""Drivers of servers are imported when a database of their kind is opened, and not before."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DRIVERS = {"psycopg", "asyncio", "psycopg2", "pymysql"}


def _imported(*command: str) -> set[str]:
    """Those of them that are imported when a command has ended, which succeeds."""
    code = "import sys; from anchorhold.cli import main\ntry: main()\nfinally: print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return DRIVERS & set(ended.stdout.split())


@pytest.mark.usefixtures("database")
@pytest.mark.databases("sqlite", because="the other one needs its driver")
def test_a_ledger_on_sqlite_is_made_and_used_without_the_driver_of_another_database(csr_file: Path) -> None:
    """Importing psycopg, and asyncio with it, takes a fifth of the time of a command."""
    assert not _imported("init-ca", "Root", "CN=Root")
    assert not _imported("sign-cert", "--ca", "Root", "--csr", str(csr_file), "--alt", "www.example.com")


@pytest.mark.databases("postgresql", because="its driver is to be added")
def test_a_ledger_on_postgresql_is_opened_after_one_on_sqlite(database: str, tmp_path: Path) -> None:
    """The driver is added to what was imported without it."""
    code = (
        "import os, sys, anchorhold\n"
        "for url in sys.argv[1:]:\n"
        "    environment = os.environ | {'ANCHORHOLD_DATABASE': url, 'ANCHORHOLD_CA_DIR': url[:6]}\n"
        "    with anchorhold.open_installation(environment=environment) as installation:\n"
        "        installation.authorities.create('Root', 'CN=Root')\n"
        "        assert [found.name for found in installation.authorities.list()] == ['Root']\n"
        "        print('psycopg' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{tmp_path}/ledger.sqlite3", database]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.stdout.split(), ended.returncode) == (["False", "True"], 0), ended.stderr
