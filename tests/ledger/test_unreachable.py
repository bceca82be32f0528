"""Ledgers on PostgreSQL that cannot be reached: one clear line that never shows the password."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest

from anchorhold.databases import close
from anchorhold.databases.postgresql import open_postgresql
from anchorhold.errors import LedgerError, SettingsError
from cli.cli_steps import good, refused

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command, Outcome
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases("postgresql", because="a file is always there")
SECRET = "Canary 7f3a9c@ü/#?%&:"
QUOTED = quote(SECRET, safe="")


@pytest.fixture
def account(cluster: Cluster, database: str) -> str:
    """The URL of the test's database by TCP, with ``{}`` for the password of an account that has one."""
    name = database.partition("?")[0].rpartition("/")[2]
    with suppress(psycopg.errors.DuplicateObject), psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE \"c a\" LOGIN SUPERUSER PASSWORD '{SECRET}'".encode())
    return f"postgresql://c%20a:{{}}@127.0.0.1:{cluster.port}/{name}"


def test_a_password_with_every_special_letter_is_unquoted_and_never_shown(
    account: str, anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORHOLD_DATABASE", account.format(QUOTED))
    create = ("--debug", "init-ca", "Root", "CN=Root")
    outcomes = [
        good(anchorhold(*arguments)) for arguments in (create, ("list-cas",), ("config", "show"), ("backends",))
    ]
    outcomes.append(refused_loudly := anchorhold(*create))
    assert "Traceback" in refused_loudly.talk
    assert "Canary" not in "".join(text for outcome in outcomes for text in _shown(outcome))


UNREACHABLE = {
    "nothing listens": ("postgresql://me:{password}@127.0.0.1:1/ledger", "refused"),
    "nothing answers": ("postgresql://me:{password}@127.0.0.1:{deaf}/ledger?connect_timeout=2", "timeout"),
    "no such host": ("postgresql://me:{password}@no-such-host.invalid/ledger", "no-such-host.invalid"),
    "no such socket": ("postgresql://me:{password}@/ledger?host=/nowhere/at/all", "/nowhere/at/all"),
    "wrong password": (
        "postgresql://c%20a:{password}x@127.0.0.1:{port}/postgres",
        'failed for user "c a"; correct the user and the password',
    ),
    "no password": ("postgresql://c%20a@127.0.0.1:{port}/postgres?passfile={password}", "write the password"),
    "no such account": ("postgresql://nobody:{password}@127.0.0.1:{port}/postgres", 'failed for user "nobody"'),
    "no such database": ("postgresql://c%20a:{password}@127.0.0.1:{port}/no_such_ledger", "does not exist; create it"),
    "wrong value of a parameter": ("postgresql://me:{password}@127.0.0.1/ledger?sslmode=sometimes", '"sometimes"'),
    "timeout that is no number": ("postgresql://me:{password}@127.0.0.1/ledger?connect_timeout=soon", "'soon'"),
}


@pytest.mark.parametrize("case", UNREACHABLE)
@pytest.mark.usefixtures("account")
def test_a_ledger_that_cannot_be_reached_is_one_line_without_the_password(
    case: str, cluster: Cluster, anchorhold: Command, monkeypatch: pytest.MonkeyPatch, ca_dir: Path
) -> None:
    url, words = UNREACHABLE[case]
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = url.format(password=QUOTED, port=cluster.port, deaf=deaf.getsockname()[1])
        monkeypatch.setenv("ANCHORHOLD_DATABASE", url)
        refused(anchorhold("init-ca", "Root", "CN=Root"), LedgerError, "********", words)
    monkeypatch.setenv("ANCHORHOLD_DATABASE", url.replace("connect_timeout=2", "sslmode=unheard-of"))
    shown = "".join(_shown(anchorhold("--debug", "list-cas")) + _shown(anchorhold("config", "show")))
    assert "Canary" not in shown
    assert not list(ca_dir.rglob("*.key"))


PARAMETERS = {
    "misspelt": ("sslmood=require", "did you mean 'sslmode'?"),
    "of peewee": ("isolation_level=x", "'isolation_level'"),
    **{name: (f"{name}=5", repr(name)) for name in ("max_connections", "timeout", "stale_timeout", "database")},
    **{name: (f"{name}=1", repr(name)) for name in ("register_hstore", "autorollback", "thread_safe", "autoconnect")},
    "of ours": ("client_encoding=LATIN1", "'client_encoding'"),
    "in the path": ("dbname=other", "'dbname'"),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_a_parameter_that_is_none_of_libpqs_is_refused_by_name(
    case: str, anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, words = PARAMETERS[case]
    monkeypatch.setenv("ANCHORHOLD_DATABASE", f"postgresql://me:{QUOTED}@127.0.0.1:1/ledger?{query}")
    outcome = refused(anchorhold("list-cas"), SettingsError, words)
    assert "Canary" not in outcome.talk


def test_parameters_of_libpq_reach_the_server_and_a_host_that_died_is_given_up(account: str) -> None:
    database: Any = open_postgresql(account.format(QUOTED) + "?options=-c%20work_mem%3D77MB&keepalives_idle=5")
    assert database.execute_sql("SHOW work_mem").fetchone() == ("77MB",)
    told = database.connection().info.get_parameters()
    close(database)
    waits = ("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "connect_timeout")
    assert [told[name] for name in waits] == ["5", "10", "3", "60000", "10"]


def test_several_hosts_are_parameters(account: str, anchorhold: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """As libpq has them in a URL they are none: ``one:5432,two:5433``."""
    user, _, place = account.format(QUOTED).rpartition("@")
    port, _, name = place.rpartition(":")[2].partition("/")
    monkeypatch.setenv("ANCHORHOLD_DATABASE", f"{user}@one:1,two:{port}/{name}")
    refused(anchorhold("list-cas"), SettingsError, "several hosts", "?host=one,two&port=5432,5433")
    monkeypatch.setenv("ANCHORHOLD_DATABASE", f"{user}@/{name}?host=127.0.0.1,127.0.0.1&port=1,{port}")
    good(anchorhold("list-cas"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:/plain:hunter2@h/db",
        "postgresql//plain:hunter2@h/db",
        "postgresql:plain:hunter2",
        "host=db user=ca password=hunter2 dbname=ca",
        "host=db user=ca password=hun:ter2",
        "postgresql://ca:one\nhunter2@h/db",
        "postgresql://ca:12?hunter=2@h/db",
        "sqlite:hunter2",
    ],
)
def test_a_url_that_is_none_shows_no_password(
    url: str, anchorhold: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANCHORHOLD_DATABASE", url)
    refusal = refused(anchorhold("list-cas"), SettingsError, "database: ")
    shown = "".join(_shown(refusal) + _shown(anchorhold("--debug", "list-cas")) + _shown(anchorhold("config", "show")))
    assert "hun" not in shown.replace(str(tmp_path), "")


@pytest.mark.parametrize(
    "password", ["p/w", "12/34", "p?w", "p?w=x", "p#w", "p@w", "p@w/x", "p@w#x", "a:b@c", "[pw", "%zz"]
)
def test_a_password_that_was_not_quoted_is_not_shown_either(
    password: str, anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORHOLD_DATABASE", f"postgresql://ca:Canary{password}Bird@127.0.0.1:1/ledger")
    refusal = anchorhold("list-cas")
    assert (refusal.exit_code in (10, 60), refusal.talk.count("\n")) == (True, 1), refusal.talk
    shown = "".join(_shown(refusal) + _shown(anchorhold("--debug", "list-cas")) + _shown(anchorhold("config", "show")))
    assert "Canary" not in shown
    assert "Bird" not in shown


def _shown(outcome: Outcome) -> list[str]:
    return [outcome.text, outcome.talk]
