"""What is particular to PostgreSQL: URLs, lost connections, several first starts, other people's mistakes."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from anchorhold.databases.postgresql import open_postgresql
from anchorhold.errors import LedgerError, LedgerForeignError, SettingsError
from anchorhold.installation import open_installation
from anchorhold.ledger import Ledger, Reservation
from anchorhold.ledger.certificates import CertificateRepository
from anchorhold.ledger.migrations import MIGRATIONS
from anchorhold.operations.order import Order
from cli.cli_steps import good, listed, refused
from databases import new_database
from ledger.running import run_at_once

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases("postgresql", because="it is particular to it")


def _kill_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'anchorhold' AND datname = current_database()"
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


def test_a_connection_lost_between_two_certificates_is_replaced(
    installation: Installation, database: str, make_csr: MakeCsr
) -> None:
    installation.authorities.create("Root", "CN=Root")
    order = Order(csr=make_csr(), names=["example.com"])
    with installation.certificates.issuer("Root") as issuer:
        issuer.sign(order)
        _kill_connections(database)
        with pytest.raises(LedgerError):
            issuer.sign(order)
        issuer.sign(order)
    assert len(installation.certificates.list()) == 3
    assert installation.recovery.pending(dt.timedelta()).certificates == ()


@pytest.fixture
def losses(database: str, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """As many connections are lost while certificates are recorded as it has items."""
    left: list[None] = []
    complete = CertificateRepository.complete

    def lose(*arguments: Any) -> None:
        if left:
            left.pop()
            _kill_connections(database)
        complete(*arguments)

    monkeypatch.setattr(CertificateRepository, "complete", lose)
    return left


def test_a_connection_lost_in_the_middle_of_an_issuance_costs_nothing(
    installation: Installation, make_csr: MakeCsr, losses: list[None]
) -> None:
    installation.authorities.create("Root", "CN=Root")
    losses.append(None)
    with installation.certificates.issuer("Root") as issuer:
        issued = issuer.sign(Order(csr=make_csr(), names=["lost.example"]))
    assert installation.certificates.get(issued.serial).certificate == issued.der


def test_one_that_is_lost_again_leaves_a_reservation_for_recover(
    installation: Installation, make_csr: MakeCsr, anchorhold: Command, losses: list[None]
) -> None:
    installation.authorities.create("Root", "CN=Root")
    losses += [None] * 2
    with installation.certificates.issuer("Root") as issuer:
        with pytest.raises(LedgerError):
            issuer.sign(Order(csr=make_csr(), names=["lost.example"]))
        issuer.sign(Order(csr=make_csr(), names=["after.example"]))
    assert "CN=lost.example" in anchorhold("recover", "--older-than", "0").talk
    assert anchorhold("recover", "--certificates", "--older-than", "0").exit_code == 0
    assert [found.names for found in installation.certificates.list()] == [("DNS:after.example",), ()]


def test_six_first_starts_at_once_all_succeed_and_one_migrates(database: str) -> None:
    code = "import os; from anchorhold.ledger import Ledger; Ledger(os.environ['ANCHORHOLD_DATABASE']).close()"
    starting = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(6)]
    for process in starting:
        _, talk = process.communicate(timeout=60)
        assert process.returncode == 0, talk.decode()
    with psycopg.connect(database) as connection:
        applied = connection.execute("SELECT name FROM anchorhold_migration ORDER BY name").fetchall()
    assert [name for (name,) in applied] == sorted(MIGRATIONS.shipped)


def test_a_ledger_of_a_newer_version_is_refused(database: str, anchorhold: Command) -> None:
    Ledger(database).close()
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO anchorhold_migration (name, applied) VALUES ('9999_from_the_future', now())")
    outcome = anchorhold("list-cas")
    assert (outcome.exit_code, "upgrade anchorhold" in outcome.talk) == (61, True)
    assert anchorhold("config", "check").talk == outcome.talk


def test_a_database_without_rights_is_one_line(database: str, anchorhold: Command) -> None:
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0
    with psycopg.connect(database, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
    outcome = anchorhold("init-ca", "Other", "CN=Other")
    assert (outcome.exit_code, outcome.talk.count("\n"), "read-only" in outcome.talk) == (60, 1, True)


@pytest.mark.parametrize("table", ["certificate", "event"])
def test_a_database_where_another_program_has_our_names_is_refused_and_left_as_it_was(
    database: str, anchorhold: Command, table: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE anchorhold_{table} (id integer)".encode())
        outcome = anchorhold("init-ca", "Root", "CN=Root")
        assert (outcome.exit_code, outcome.talk.count("\n")) == (LedgerForeignError.exit_code, 1), outcome.talk
        assert f"anchorhold_{table}" in outcome.talk
        assert connection.execute("SELECT relname FROM pg_stat_user_tables").fetchall() == [(f"anchorhold_{table}",)]


def test_a_database_can_be_shared_with_tables_of_others(database: str, anchorhold: Command) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE django_migrations (id integer)")
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0


@pytest.mark.parametrize("language", ["en-US", "da", "cy"])
def test_serial_numbers_are_found_by_their_beginning_whatever_language_the_database_sorts_by(
    cluster: Cluster, language: str
) -> None:
    """In Danish "aa" comes after "z", in Welsh "ff" is a letter after "f"."""
    options = f"TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE '{language}' LOCALE 'C.UTF-8'"
    serials = ["aabb", "abcd", "dd01", "f0ff", "ffff"]
    with new_database(cluster.url, options) as url, open_installation(environment=_elsewhere(url)) as installation:
        authority = installation.authorities.create("Root", "CN=Root").record.id
        moment = dt.datetime.now(dt.UTC)
        intent = Reservation(
            serial="", profile="webserver", subject="CN=a", names=(), not_before=moment, not_after=moment, tbs=b"tbs"
        )
        with installation.ledger.transaction():
            installation.ledger.certificates.reserve(authority, [replace(intent, serial=each) for each in serials])
        for beginning in ("aab", "a", "d", "dd", "f", "ff", "fff"):
            found = installation.ledger.certificates.find(beginning, authority, limit=10)
            expected = [serial for serial in serials if serial.startswith(beginning)]
            assert sorted(record.serial for record in found if record.serial in serials) == expected


ENCODINGS = {"SQL_ASCII": "CN=Žluť 漢字", "LATIN1": "CN=Größe", "UTF8": "CN=Žluť 漢字"}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_encoding_of_the_database_does_not_matter(
    cluster: Cluster, anchorhold: Command, monkeypatch: pytest.MonkeyPatch, encoding: str, csr_file: Path
) -> None:
    """SQL_ASCII is what a server has whose locale is C, as it is when none was installed before it."""
    with new_database(cluster.url, f"TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'") as url:
        monkeypatch.setenv("ANCHORHOLD_DATABASE", url)
        good(anchorhold("init-ca", "Größe", ENCODINGS[encoding]))
        (authority,) = listed(anchorhold)
        assert (authority["name"], authority["subject"]) == ("Größe", ENCODINGS[encoding])
        good(anchorhold("sign-cert", "--ca=Größe", f"--csr={csr_file}", "--alt=example.com"))
        assert [found["names"] for found in listed(anchorhold, "list-certs", "--ca=Größe")] == [["DNS:example.com"], []]


def test_what_the_encoding_of_the_database_does_not_have_is_one_sentence(
    cluster: Cluster, anchorhold: Command, monkeypatch: pytest.MonkeyPatch, ca_dir: Path
) -> None:
    with new_database(cluster.url, "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'") as url:
        monkeypatch.setenv("ANCHORHOLD_DATABASE", url)
        refused(anchorhold("init-ca", "Q", "CN=Žluť 漢字"), LedgerError, "LATIN1", "ENCODING 'UTF8'")
        assert listed(anchorhold) == []
        assert not list(ca_dir.rglob("*.key"))


def _elsewhere(url: str) -> dict[str, str]:
    """The variables of this test, but with the ledger in another database."""
    return {**os.environ, "ANCHORHOLD_DATABASE": url}


def test_a_thread_that_gets_no_connection_is_told_why(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anchorhold.databases.postgresql.CONNECTIONS", 1)
    monkeypatch.setattr("anchorhold.databases.postgresql.CONNECT_TIMEOUT", 0.05)
    with open_installation() as installation, ThreadPoolExecutor() as threads:
        assert installation.authorities.list() == []
        with pytest.raises(LedgerError, match="hold all connections"):
            threads.submit(installation.authorities.list).result()


def test_two_hosts_with_a_key_each_and_one_ledger_issue_together(database: str, tmp_path: Path, csr_file: Path) -> None:
    """Each has a folder of its own; the key was copied from one to the other."""
    hosts = [{**os.environ, "ANCHORHOLD_CA_DIR": str(tmp_path / name)} for name in ("one", "two")]
    with open_installation(environment=hosts[0]) as first:
        first.authorities.create("Root", "CN=Root")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    printed = run_at_once(
        2,
        tmp_path,
        f"""
        import os
        os.environ["ANCHORHOLD_CA_DIR"] = ["one", "two"][int(number)]
        csr = Path({str(csr_file)!r}).read_bytes()
        with open_installation() as installation, installation.certificates.issuer("Root") as issuer:
            meet("before")
            for one in range(20):
                print(issuer.sign(Order(csr=csr, names=[f"host{{number}}.example"])).serial)
        """,
    )
    serials = "".join(printed).split()
    for host in hosts:
        with open_installation(environment=host) as installation:
            found = [record for record in installation.certificates.list(limit=100) if record.names]
            assert sorted(record.serial for record in found) == sorted(serials)
            assert [record.names for record in found].count(("DNS:host1.example",)) == 20


def test_a_batch_is_reserved_in_one_transaction_and_recorded_in_another(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL tells of each row which transaction wrote it."""
    query = "SELECT DISTINCT status, xmin::text FROM anchorhold_certificate WHERE names <> '[]'"
    seen: list[Any] = []
    complete = CertificateRepository.complete

    def look(book: CertificateRepository, *arguments: Any) -> None:
        seen.extend(installation.ledger.database.execute_sql(query))
        complete(book, *arguments)

    installation.authorities.create("Root", "CN=Root")
    monkeypatch.setattr(CertificateRepository, "complete", look)
    with installation.certificates.issuer("Root") as issuer:
        issuer.sign_many(Order(csr=make_csr(), names=[f"host{number}.example"]) for number in range(20))
    seen += installation.ledger.database.execute_sql(query)
    assert [status for status, _ in seen] == ["reserved", "issued"]
    assert seen[0][1] != seen[1][1]


def test_an_interrupt_of_a_statement_is_not_hidden_and_leaves_nothing(installation: Installation) -> None:
    ledger = installation.ledger

    def interrupted() -> None:
        with ledger.transaction():
            ledger.events.append("seen", "Root")
            ledger.database.connection().pgconn.send_query(b"SELECT pg_sleep(30)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ledger.events.last("seen", "Root") is None
