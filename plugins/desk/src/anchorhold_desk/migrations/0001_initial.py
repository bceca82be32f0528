"""Accounts, what they log in with, sessions, tokens, approvals, and what happened to them."""

from typing import Any

TABLES = (
    "account (id INTEGER_KEY, name TEXT NOT NULL UNIQUE, mail TEXT NOT NULL, password TEXT, totp TEXT, "
    "totp_step BIGINT NOT NULL, active BOOLEAN NOT NULL, failures INTEGER NOT NULL, locked_until BIGINT NOT NULL, "
    "created_at BIGINT NOT NULL)",
    "grant (account INTEGER NOT NULL, role TEXT NOT NULL, authority TEXT NOT NULL, "
    "PRIMARY KEY (account, role, authority))",
    "link (digest TEXT NOT NULL PRIMARY KEY, account INTEGER NOT NULL, ends_at BIGINT NOT NULL, "
    "removes_factor BOOLEAN NOT NULL)",
    "session (digest TEXT NOT NULL PRIMARY KEY, account INTEGER NOT NULL, began_at BIGINT NOT NULL, "
    "seen_at BIGINT NOT NULL, verified BOOLEAN NOT NULL)",
    "token (id TEXT NOT NULL PRIMARY KEY, digest TEXT NOT NULL, account INTEGER NOT NULL, name TEXT NOT NULL, "
    "acts TEXT NOT NULL, ends_at BIGINT NOT NULL, created_at BIGINT NOT NULL)",
    "approval (request INTEGER NOT NULL, account INTEGER NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (request, account))",
    "answer (account INTEGER NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER NOT NULL, "
    "body TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (account, key))",
    "event (id INTEGER_KEY, at BIGINT NOT NULL, kind TEXT NOT NULL, account TEXT NOT NULL, origin TEXT NOT NULL, "
    "detail TEXT NOT NULL)",
)
"""With ``INTEGER_KEY`` for a number that the database gives."""
INDEXES = ("session (account)", "token (account)", "event (at)", "answer (at)")


def up(migrator: Any, database: Any) -> None:
    """Create the tables."""
    server = database.param == "%s"
    key = "SERIAL PRIMARY KEY" if server else "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"
    for table in TABLES:
        database.execute_sql(f"CREATE TABLE anchorhold_desk_{table.replace('INTEGER_KEY', key)}")
    for index in INDEXES:
        table, _, column = index.partition(" ")
        name = f"anchorhold_desk_{table}_{column.strip('()')}"
        database.execute_sql(f"CREATE INDEX {name} ON anchorhold_desk_{table} {column}")
