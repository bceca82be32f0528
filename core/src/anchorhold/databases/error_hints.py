"""What to do about a failure of a database, as far as its words tell."""

from __future__ import annotations

from typing import Final

_HINTS: Final = {
    "database is locked": "see which process has the file open, let it finish or end it, and repeat",
    "due to lock timeout": "see in pg_stat_activity which session has the lock, let it finish or end it, and repeat",
    "idle-in-transaction timeout": "this process stood still, so the server took back what it had begun; repeat",
    "is not there": "restore it, or correct `database`",
    "when this process was forked": "open it after the fork only, or start a process of its own",
    "password authentication failed": "correct the user and the password in the URL",
    "no password supplied": "write the password into the URL, specials quoted",
    'FATAL: database "': "create it with `createdb`, or correct its name in the URL",
    'FATAL: role "': "create it with `createuser`, or correct the user in the URL",
    "no pg_hba.conf entry": "let this account in from this host (pg_hba.conf of the server)",
    "invalid sslmode value": "correct that parameter of the URL",
    "resolve host": "correct the host in the URL",
    "translate host name": "correct the host in the URL",
    "database disk image is malformed": "stop what uses it, and restore a backup: see the guide on upgrading",
    "has no equivalent in encoding": "make a database with ENCODING 'UTF8', or leave these letters out",
}
"""By a part of the message; the first that fits is taken. Servers that speak another language get the general one."""

_GENERAL: Final = "check that the database is reachable, writable and not full, and repeat"


def hint_for(message: str) -> str:
    """The imperative sentence that goes with the message of a database."""
    return next((hint for words, hint in _HINTS.items() if words in message), _GENERAL)
