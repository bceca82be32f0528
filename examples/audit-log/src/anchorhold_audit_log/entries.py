"""Lines of the log: JSON objects, each with the digest of the line before it.

==============  ===============================================================================
member          what it is
==============  ===============================================================================
``number``      of the entry, from 1, also across files that were rotated
``previous``    SHA-256 of the octets of the line before, without its line break; in hex
``at``          when it was written, UTC (RFC 3339)
``event``       ``begin``, ``intent``, ``signed``, ``failed`` or ``torn``
``id``          of the signature: what an intent and its result share
others          see `anchorhold_audit_log.wrapper` and `anchorhold_audit_log.log_file`
==============  ===============================================================================
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING: Final = "0" * 64
"""What stands for the digest of the line before the first."""


def digest_of(octets: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(octets).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a log.

    Attributes:
        number: Of its last entry; 0 if there is none.
        digest: Of its last line.
    """

    number: int = 0
    digest: str = NOTHING

    def next_line(self, event: str, facts: Mapping[str, Any]) -> bytes:
        """The line that comes next, without its line break."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        entry = {"number": self.number + 1, "previous": self.digest, "at": now, "event": event, **facts}
        return json.dumps(entry, ensure_ascii=True, separators=(",", ":")).encode()

    def after(self, line: bytes) -> Self:
        """The end of the log behind one more line."""
        return type(self)(self.number + 1, digest_of(line))


def read_entry(line: bytes) -> dict[str, Any]:
    """An entry of the log.

    Raises:
        ValueError: The line is not one.
    """
    entry = json.loads(line)  # of octets that are not UTF-8 this is a ValueError, too
    if not isinstance(entry, dict) or type(entry.get("number")) is not int:
        raise ValueError("it is not an entry")
    if not all(isinstance(entry.get(name), str) for name in ("previous", "at", "event")):
        raise ValueError("it is not an entry")
    return entry
