"""What to do about a failure of a database, as far as its words tell."""

from __future__ import annotations

from typing import Final

_HINTS: Final = {
    "has no equivalent in encoding": "make a database with ENCODING 'UTF8', or leave these letters out",
}
"""By a part of the message; the first that fits is taken. Servers that speak another language get the general one."""

_GENERAL: Final = "check that the database is reachable, writable and not full, and repeat"


def hint_for(message: str) -> str:
    """The imperative sentence that goes with the message of a database."""
    return next((hint for words, hint in _HINTS.items() if words in message), _GENERAL)
