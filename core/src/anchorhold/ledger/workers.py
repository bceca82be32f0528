"""The repository of workers: processes that sign for others. Every method runs within the caller's transaction.

What is here is what workers say of themselves; nothing is decided by it. Times are those of the database server if
there is one, because the clocks of several hosts differ.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.databases import database_time
from anchorhold.ledger.schema import from_timestamp

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from peewee import Database

FORGOTTEN: Final = 30 * 24 * 3600
"""Seconds after which a worker that was not seen is forgotten, and a count of refusals too."""
ALIVE: Final = 120
"""Seconds for which a worker that was seen counts as running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """A worker.

    Attributes:
        name: Of its own choice, unique among workers.
        host: Where it runs.
        process: Its process.
        version: Of anchorhold.
        aliases: Of the keys that it signs with.
        started_at: When it began, UTC.
        seen_at: When it last said that it runs, UTC.
        signed_at: When it last signed, UTC; None if it has not.
        is_running: Whether that is not long ago.
    """

    name: str
    host: str
    process: int
    version: str
    aliases: tuple[str, ...]
    started_at: dt.datetime
    seen_at: dt.datetime
    signed_at: dt.datetime | None
    is_running: bool

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.name,
            "host": self.host,
            "process": self.process,
            "version": self.version,
            "aliases": list(self.aliases),
            "started_at": self.started_at.isoformat(),
            "seen_at": self.seen_at.isoformat(),
            "signed_at": self.signed_at.isoformat() if self.signed_at else None,
            "running": self.is_running,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalCount:
    """How often workers have refused to sign.

    Attributes:
        peer: Who has asked.
        purpose: For which purpose.
        reason: Why it was refused.
        count: How often.
    """

    peer: str
    purpose: str
    reason: str
    count: int

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"peer": self.peer, "purpose": self.purpose, "reason": self.reason, "count": self.count}


class WorkerRepository:
    """Reads and writes workers and counts of refusals.

    Args:
        database: Where they are.
        worker: The table of workers.
        refusal: The table of counts.
    """

    def __init__(self, database: Database, worker: Any, refusal: Any) -> None:
        self._database = database
        self._worker = worker
        self._refusal = refusal

    def begin(self, name: str, *, host: str, process: int, version: str, aliases: Sequence[str]) -> None:
        """Record that a worker has begun, in place of one of the same name; forget those that ended long ago."""
        model, now = self._worker, self._now()
        model.delete().where((model.name == name) | (model.seen_at < now - FORGOTTEN)).execute()
        model.create(
            name=name,
            host=host,
            process=process,
            version=version,
            aliases=json.dumps(list(aliases)),
            started_at=now,
            seen_at=now,
        )

    def see(self, name: str, *, signed: bool) -> bool:
        """Record that a worker runs, and whether it has signed since it was last seen; False if it is not known."""
        now = self._now()
        values = {"seen_at": now, **({"signed_at": now} if signed else {})}
        return bool(self._worker.update(**values).where(self._worker.name == name).execute())

    def end(self, name: str) -> None:
        """Forget a worker that ends."""
        self._worker.delete().where(self._worker.name == name).execute()

    def all(self) -> list[WorkerRecord]:
        """All that are known, by name."""
        now = self._now()
        return [
            WorkerRecord(
                name=row.name,
                host=row.host,
                process=row.process,
                version=row.version,
                aliases=tuple(json.loads(row.aliases)),
                started_at=from_timestamp(row.started_at),
                seen_at=from_timestamp(row.seen_at),
                signed_at=None if row.signed_at is None else from_timestamp(row.signed_at),
                is_running=row.seen_at >= now - ALIVE,
            )
            for row in self._worker.select().order_by(self._worker.name)
        ]

    def count_refusal(self, peer: str, purpose: str, reason: str) -> int:
        """Count a refusal; how many of the same kind there were in this hour, with this one."""
        model, hour = self._refusal, self._now() // 3600
        same = {"peer": peer, "purpose": purpose, "reason": reason, "hour": hour}
        model.insert(**same, count=1).on_conflict(
            conflict_target=[model.peer, model.purpose, model.reason, model.hour],
            update={model.count: model.count + 1},
        ).execute()
        count = int(model.get(**same).count)
        if count == 1:
            model.delete().where(model.hour < hour - FORGOTTEN // 3600).execute()
        return count

    def refusals(self, hours: int) -> list[RefusalCount]:
        """Counts of so many hours, this one too, by peer, purpose and reason."""
        model, counts = self._refusal, dict[tuple[str, str, str], int]()
        query = model.select().where(model.hour > self._now() // 3600 - hours)
        for row in query.order_by(model.peer, model.purpose, model.reason):
            kind = (row.peer, row.purpose, row.reason)
            counts[kind] = counts.get(kind, 0) + row.count
        return [
            RefusalCount(peer=peer, purpose=purpose, reason=reason, count=count)
            for (peer, purpose, reason), count in counts.items()
        ]

    def _now(self) -> int:
        return int(database_time(self._database))
