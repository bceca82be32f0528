"""What to do about a failure of a database, as far as its words tell."""

from __future__ import annotations

from typing import Final

_HINTS: Final = {
    "database is locked": "find the process that has the file open, let it finish or stop it, and retry",
    "due to lock timeout": "find the session with the lock in pg_stat_activity, let it finish or end it, and retry",
    "idle-in-transaction timeout": "this process was suspended, so the server rolled back its transaction; retry",
    "is not there": "restore it, or correct `database`",
    "when this process was forked": "open it only after the fork, or start a separate process",
    "password authentication failed": "correct the user and the password in the URL",
    "no password supplied": "write the password into the URL, special characters percent-encoded",
    'FATAL: database "': "create it with `createdb`, or correct its name in the URL",
    'FATAL: role "': "create it with `createuser`, or correct the user in the URL",
    "no pg_hba.conf entry": "allow this account to connect from this host in the server's pg_hba.conf",
    "invalid sslmode value": "correct this parameter of the URL",
    "resolve host": "correct the host in the URL",
    "translate host name": "correct the host in the URL",
    "database disk image is malformed": "stop what uses it, and restore a backup: see the guide on upgrading",
    "has no equivalent in encoding": "create a database with ENCODING 'UTF8', or leave these characters out",
}
"""By a part of the message; the first that fits is taken. Servers that speak another language get the general one."""

_GENERAL: Final = "check that the database is reachable, writable and not full, and retry"


def hint_for(message: str) -> str:
    """The imperative sentence that goes with the message of a database."""
    return next((hint for words, hint in _HINTS.items() if words in message), _GENERAL)
