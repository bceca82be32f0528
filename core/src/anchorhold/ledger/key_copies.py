"""The repository of copies of keys that were left behind. Every method runs within the caller's transaction."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from anchorhold.ledger.records import KeyCopy
from anchorhold.ledger.schema import from_timestamp, to_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.ledger.rows import KeyCopyRow


class KeyCopyRepository:
    """Reads and writes where copies are.

    Args:
        model: The table.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def add(
        self, authority_id: int, *, key_backend: str, backend_type: str, key_id: bytes, handle: Mapping[str, Any]
    ) -> None:
        """Record that a key stays in a place in which it is used no more."""
        self._model.create(
            authority_id=authority_id,
            key_backend=key_backend,
            backend_type=backend_type,
            key_id=key_id,
            handle=json.dumps(handle),
            left_at=to_timestamp(dt.datetime.now(dt.UTC)),
        )

    def all(self) -> list[KeyCopy]:
        """All of them, oldest first."""
        return [self._record(row) for row in self._model.select().order_by(self._model.id)]

    def remove(self, copy_id: int) -> None:
        """Record that a copy is gone."""
        self._model.delete().where(self._model.id == copy_id).execute()

    @staticmethod
    def _record(row: KeyCopyRow) -> KeyCopy:
        return KeyCopy(
            id=row.id,
            authority_id=row.authority_id,
            key_backend=row.key_backend,
            backend_type=row.backend_type,
            key_id=bytes(row.key_id),
            handle=json.loads(row.handle),
            left_at=from_timestamp(row.left_at),
        )
