"""The databases that the tests run on: a SQLite file, and a throw-away PostgreSQL cluster.

Whatever depends on the fixture `database`, as the command and the installation do, runs on SQLite; in the `FOLDERS` of
tests about the database it runs on each kind, shown by name. A test or module that differs from its folder says
``databases("sqlite", because="…")``, ``databases("sqlite", "postgresql", because="…")``, or ``databases(because="…")``
where no ledger is opened at all. A test that opens the default ledger without asking for the fixture fails: `NOWHERE`
says why.

``ANCHORHOLD_TEST_DATABASES`` names the kinds that this run is for; if it names both, what has no mark runs on both.

With ``ANCHORHOLD_TEST_POSTGRES`` (a URL that may create databases) that server is used instead of a cluster of our own.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from migrated import repeated_migrations
from postgresql_cluster import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("sqlite", "postgresql")
NAMED = os.environ.get("ANCHORHOLD_TEST_DATABASES")
CHOSEN = NAMED.split(",") if NAMED else KINDS
"""Those that this run is for."""
FOLDERS = ("db", "interleaving", "ledger", "soak")
"""What runs on each kind in every run: ledger, databases and the backend `db` are all that knows which kind it is."""
NOWHERE = "this-test-does-not-ask-for-the-fixture-database://"
"""A URL that cannot be opened."""
SERVER = os.environ.get("ANCHORHOLD_TEST_POSTGRES")
_numbers = iter(range(1_000_000))


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "databases(*kinds, because): run with the ledger on these kinds of database only"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a ledger once on each kind of database, shown by name."""
    marker = metafunc.definition.get_closest_marker("databases")
    kinds = _usual(metafunc.definition.path) if marker is None else _kinds(*marker.args, **marker.kwargs)
    if kinds and "database_kind" in metafunc.fixturenames:
        chosen = [kind for kind in kinds if kind in CHOSEN]
        metafunc.parametrize("database_kind", chosen, indirect=True, scope="session")


def _usual(module: Path) -> tuple[str, ...]:
    """Where a test without a mark runs; see `FOLDERS`."""
    top = module.relative_to(Path(__file__).parent).parts[0]
    return KINDS if NAMED or top in FOLDERS else KINDS[:1]


def _kinds(*kinds: str, because: str) -> tuple[str, ...]:
    """What a marker names; one without a reason is refused."""
    assert because
    assert set(kinds) <= set(KINDS)
    return kinds


@pytest.fixture(scope="session")
def database_kind(request: pytest.FixtureRequest) -> str | None:
    """One of `KINDS`, or None in a test that opens no ledger."""
    kind: str | None = getattr(request, "param", None)
    return kind


@pytest.fixture(scope="session", autouse=True)
def _repeated_migrations() -> Iterator[None]:
    """An empty database gets its tables from what the first one got; see `migrated`."""
    with repeated_migrations():
        yield


@pytest.fixture(autouse=True)
def _nowhere(_private: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until a test asks for a database, it has none."""
    monkeypatch.setenv("ANCHORHOLD_DATABASE", NOWHERE)


@pytest.fixture
def database(
    request: pytest.FixtureRequest,
    database_kind: str | None,
    ca_dir: Path,
    _nowhere: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """The URL of an empty database, which is the default one of the test."""
    if database_kind == "sqlite":
        monkeypatch.delenv("ANCHORHOLD_DATABASE")
        yield f"sqlite:///{ca_dir}/ledger.sqlite3"
    elif database_kind == "postgresql":
        own = SERVER is None or "cluster" in request.fixturenames  # who stops the server must not stop that of others
        url: str = request.getfixturevalue("own_database" if own else "named_database")
        monkeypatch.setenv("ANCHORHOLD_DATABASE", url)
        yield url
        empty(url)
    else:
        yield NOWHERE


@contextmanager
def new_database(server: str, options: str = "") -> Iterator[str]:
    """The URL of a new database on that server, for as long as it is needed; options as in ``CREATE DATABASE``."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _tell(server, f"CREATE DATABASE {name} {options}")
    yield urlsplit(server)._replace(path=f"/{name}").geturl()
    _tell(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def own_database(cluster: Cluster) -> Iterator[str]:
    """The URL of a database on our own cluster, which the tests of this process use one after the other."""
    with new_database(cluster.url) as url:
        yield url


@pytest.fixture(scope="session")
def named_database() -> Iterator[str]:
    """The same on the server that was named."""
    assert SERVER is not None
    with new_database(SERVER) as url:
        yield url


def empty(url: str) -> None:
    """Make a database as it was; a third of the time that a new one takes."""
    name = urlsplit(url).path.removeprefix("/")
    _tell(
        url,
        "SET default_transaction_read_only = off",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        f"ALTER DATABASE {name} RESET ALL",
    )


def _tell(url: str, *statements: str) -> None:
    """Run statements, each on its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster of this process's own."""
    with running_cluster() as running:
        yield running
