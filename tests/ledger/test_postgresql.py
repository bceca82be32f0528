"""What is particular to PostgreSQL: URLs, lost connections, several first starts, other people's mistakes."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from anchorhold.errors import LedgerError, SettingsError
from anchorhold.issuing.issuer import Order
from anchorhold.ledger import Ledger
from anchorhold.ledger.certificates import Certificates
from anchorhold.ledger.postgresql import open_postgresql

if TYPE_CHECKING:
    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr

on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def _kill_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'anchorhold'"
        )


@pytest.mark.parametrize(
    ("url", "user", "password", "name"),
    [
        ("postgresql://ca:p%40ss%2Fw%3Ard%25@db:5433/ledger", "ca", "p@ss/w:rd%", "ledger"),
        ("postgres://c%20a@/le%20dger?host=/run/postgresql", "c a", None, "le dger"),
    ],
)
def test_user_password_and_name_are_unquoted(url: str, user: str, password: str | None, name: str) -> None:
    database: Any = open_postgresql(url)
    assert (database.database, database.connect_params["user"]) == (name, user)
    assert database.connect_params.get("password") == password


@pytest.mark.parametrize(
    "url",
    ["postgresql://ca:hunter2@db:port/ledger", "postgresql://ca:hunter2@db", "postgresql://ca:hunter2@db/x?hunter2"],
)
def test_a_url_that_cannot_be_read_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Ledger(url)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_line_without_the_password(
    anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORHOLD_DATABASE", "postgresql://ca:hunter2@127.0.0.1:1/ledger?connect_timeout=2")
    outcome = anchorhold("list-cas")
    assert (outcome.exit_code, outcome.talk.count("\n"), "hunter2" in outcome.talk) == (60, 1, False)
    assert "127.0.0.1" in outcome.talk


@on_postgresql
def test_a_connection_lost_between_two_certificates_is_replaced(
    installation: Installation, database: str, make_csr: MakeCsr
) -> None:
    installation.create_authority("Root", "CN=Root")
    order = Order(csr=make_csr(), names=["example.com"])
    with installation.issuer("Root") as issuer:
        issuer.sign(order)
        _kill_connections(database)
        with pytest.raises(LedgerError):
            issuer.sign(order)
        issuer.sign(order)
    assert len(installation.certificates()) == 3
    assert installation.interrupted(dt.timedelta()).certificates == ()


@on_postgresql
def test_a_connection_lost_in_the_middle_of_an_issuance_leaves_a_reservation_for_recover(
    installation: Installation, database: str, make_csr: MakeCsr, anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.create_authority("Root", "CN=Root")
    complete = Certificates.complete

    def lose(*arguments: Any) -> None:
        monkeypatch.setattr(Certificates, "complete", complete)
        _kill_connections(database)
        complete(*arguments)

    monkeypatch.setattr(Certificates, "complete", lose)
    with installation.issuer("Root") as issuer:
        with pytest.raises(LedgerError):
            issuer.sign(Order(csr=make_csr(), names=["lost.example"]))
        issuer.sign(Order(csr=make_csr(), names=["after.example"]))
    assert "CN=lost.example" in anchorhold("recover", "--older-than", "0").talk
    assert anchorhold("recover", "--certificates", "--older-than", "0").exit_code == 0
    assert [found.names for found in installation.certificates()] == ["", "DNS:after.example"]


@on_postgresql
def test_six_first_starts_at_once_all_succeed_and_one_migrates(database: str) -> None:
    code = "import os; from anchorhold.ledger import Ledger; Ledger(os.environ['ANCHORHOLD_DATABASE']).close()"
    starting = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(6)]
    for process in starting:
        _, talk = process.communicate(timeout=60)
        assert process.returncode == 0, talk.decode()
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT name FROM anchorhold_migration").fetchall() == [("0001_initial",)]


@on_postgresql
def test_a_ledger_of_a_newer_version_is_refused(database: str, anchorhold: Command) -> None:
    assert anchorhold("list-cas").exit_code == 0
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO anchorhold_migration (name, applied) VALUES ('9999_from_the_future', now())")
    outcome = anchorhold("list-cas")
    assert (outcome.exit_code, "upgrade anchorhold" in outcome.talk) == (61, True)


@on_postgresql
def test_a_database_without_rights_is_one_line(database: str, anchorhold: Command) -> None:
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0
    with psycopg.connect(database, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
    outcome = anchorhold("init-ca", "Other", "CN=Other")
    assert (outcome.exit_code, outcome.talk.count("\n"), "read-only" in outcome.talk) == (60, 1, True)
