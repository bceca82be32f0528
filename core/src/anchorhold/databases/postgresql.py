"""PostgreSQL: psycopg 3, with a pool that outlives lost connections."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit
from weakref import WeakSet

from anchorhold.errors import PluginMissingError, SettingsError
from anchorhold.remedy import Remedy
from anchorhold.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""Parameters of libpq that the URL may change. By the last four, a host that dies in silence is given up in a minute
instead of the quarter of an hour, or two hours, that TCP waits; on a socket of this machine they mean nothing."""
_pools: WeakSet[Any] = WeakSet()
_inherited: list[object] = []
"""Connections a forked child must neither use nor close."""
_OURS: Final[dict[str, Any]] = {
    "client_encoding": "UTF8",  # in a database without an encoding (SQL_ASCII) text would be octets otherwise
}
"""Parameters of libpq that it may not."""


def open_postgresql(url: str, patience: float = 30) -> Database:
    """The database behind ``postgresql://user:password@host:port/name?sslmode=…``, not connected yet.

    User, password and name are unquoted here rather than by a library that shows the URL when it cannot be read.

    Args:
        url: The URL.
        patience: Seconds for which a statement waits for a lock, unless ``options`` in the URL have ``lock_timeout``.

    Raises:
        SettingsError: The URL cannot be read, names no database, or has an unsupported parameter.
        PluginMissingError: psycopg is not installed.
    """
    if find_spec("psycopg") is None:
        raise PluginMissingError(
            "database: PostgreSQL needs psycopg, which is not installed",
            hint="install it",
            remedy=Remedy("packages.install", {"requirement": "anchorhold[postgresql]"}),
        )
    from anchorhold.databases.drivers import add_psycopg

    add_psycopg()
    from anchorhold.databases.pool import Pool

    name, parameters = _parameters(url)
    database = Pool(
        name, patience, max_connections=CONNECTIONS, stale_timeout=LIFETIME, timeout=CONNECT_TIMEOUT, **parameters
    )
    _pools.add(database)
    return database


def _after_fork() -> None:
    """The child opens its own connections; closing an inherited one would end the parent's session."""
    _inherited.extend(pool.forget() for pool in list(_pools))


os.register_at_fork(after_in_child=_after_fork)


def _parameters(url: str) -> tuple[str, dict[str, Any]]:
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        _check_one_host(parts.netloc.rpartition("@")[2])
        given = {"user": parts.username, "password": parts.password, "host": parts.hostname, "port": parts.port}
    except ValueError:  # which would show the URL
        raise _unreadable() from None
    # All of these are of a password that was not quoted; urlsplit leaves out line breaks without a word.
    if "@" in parts.path or parts.fragment or re.search(r"[\x00-\x1f]", url):
        raise _unreadable()
    _check_known(query, quotable="@" not in parts.query)
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise SettingsError("database: the URL names no database", hint="write postgresql://host/name")
    known = {key: unquote(value) if isinstance(value, str) else value for key, value in given.items() if value}
    return name, {**_DEFAULTS, **query, **known, **_OURS}


def _unreadable() -> SettingsError:
    return SettingsError(
        "database: the URL cannot be read",
        hint="write postgresql://user:password@host:5432/name, special characters percent-encoded",
    )


def _check_one_host(hosts: str) -> None:
    """Refuse ``one:5432,two:5433``, which libpq takes and which is no URL."""
    if "," in hosts and ":" in hosts:
        raise SettingsError(
            "database: the URL names several hosts with ports",
            hint="write postgresql://user:password@/name?host=one,two&port=5432,5433",
        )


def _check_known(query: Iterable[str], *, quotable: bool) -> None:
    """Refuse what is no parameter of libpq, which peewee or its pool would take for one of theirs.

    Args:
        query: The parameters of the URL.
        quotable: Whether none of them can be the rest of a password that was not quoted.
    """
    from psycopg.pq import Conninfo

    known = {option.keyword.decode() for option in Conninfo.get_defaults()} - {"dbname", *_OURS}
    for name in query:
        if name not in known:
            if not quotable:
                raise _unreadable()
            raise SettingsError(
                f"database: the URL has the parameter {name!r}, which is not supported",
                hint=suggestion(name, known, "remove it; only parameters of libpq are supported"),
            )
