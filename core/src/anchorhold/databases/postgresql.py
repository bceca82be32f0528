"""PostgreSQL: psycopg 3, with a pool that outlives lost connections."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from anchorhold.errors import PluginMissingError, SettingsError

if TYPE_CHECKING:
    from peewee import Database

CONNECTIONS: Final = 20
"""Most connections of one process; a thread that finds none free waits."""
CONNECT_TIMEOUT: Final = 10
"""Seconds to wait for the server, unless the URL has ``connect_timeout``."""
LIFETIME: Final = 300
"""Seconds after which a connection is replaced when it is given back."""
_DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": CONNECT_TIMEOUT,
    "application_name": "anchorhold",
}
"""Parameters of libpq that the URL may change."""
_OURS: Final[dict[str, Any]] = {
    "client_encoding": "UTF8",  # in a database without an encoding (SQL_ASCII) text would be octets otherwise
}
"""Parameters of libpq that it may not."""


def open_postgresql(url: str) -> Database:
    """The database behind ``postgresql://user:password@host:port/name?sslmode=…``, not connected yet.

    User, password and name are unquoted here rather than by a library that shows the URL when it cannot be read.

    Raises:
        SettingsError: The URL cannot be read, or has no name of a database.
        PluginMissingError: psycopg is not installed.
    """
    if find_spec("psycopg") is None:
        raise PluginMissingError(
            "database: PostgreSQL needs psycopg, which is not installed",
            hint="run `pip install anchorhold[postgresql]`",
        )
    from anchorhold.databases.pool import Pool

    name, parameters = _parameters(url)
    database: Database = Pool(
        name, max_connections=CONNECTIONS, stale_timeout=LIFETIME, timeout=CONNECT_TIMEOUT, **parameters
    )
    return database


def _parameters(url: str) -> tuple[str, dict[str, Any]]:
    try:
        parts = urlsplit(url)
        given = {"user": parts.username, "password": parts.password, "host": parts.hostname, "port": parts.port}
        query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:  # which would show the URL
        raise _unreadable() from None
    if "@" in parts.path or parts.fragment:  # these are of a password that was not quoted
        raise _unreadable()
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise SettingsError("database: the URL names no database", hint="write postgresql://host/name")
    known = {key: unquote(value) if isinstance(value, str) else value for key, value in given.items() if value}
    return name, {**_DEFAULTS, **query, **known, **_OURS}


def _unreadable() -> SettingsError:
    return SettingsError(
        "database: the URL cannot be read", hint="write postgresql://user:password@host:5432/name, specials quoted"
    )
