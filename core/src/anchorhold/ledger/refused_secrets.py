"""The repository of refused secrets: their origins, never their values. Methods run within the caller's transaction.

A mark is made before a secret is shown, so that a process that ends then leaves one behind.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anchorhold.ledger.schema import from_timestamp

if TYPE_CHECKING:
    import datetime as dt

    from anchorhold.secret_sources import SecretSource


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSecret:
    """A mark.

    Attributes:
        is_certain: Whether the secret was refused; else nobody knows, because the process ended before it did.
        at: When it was shown.
        host: Where.
        process: By which process.
    """

    is_certain: bool
    at: dt.datetime
    host: str
    process: int


class RefusedSecretRepository:
    """Makes, finds and removes marks.

    Args:
        model: The table.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def find(self, place: str, source: SecretSource) -> RefusedSecret | None:
        """The mark that stands against a secret; None if it may be shown.

        On this host that is one on the same version of its source. A file on another host has a version of its own: one
        that was refused there stands against each that has not been changed since.

        Args:
            place: What it would be shown to.
            source: Where it comes from.
        """
        model, here = self._model, socket.gethostname()
        for row in model.select().where((model.place == place) & (model.source == source.name)):
            elsewhere = row.host != here and (source.changed_at is None or source.changed_at <= row.shown_at)
            if row.version == source.version or elsewhere:
                return RefusedSecret(
                    is_certain=row.outcome == "refused",
                    at=from_timestamp(row.shown_at),
                    host=row.host,
                    process=row.process,
                )
        return None

    def mark_presented(self, place: str, source: SecretSource) -> None:
        """Mark a secret that is going to be shown."""
        values = {"host": socket.gethostname(), "process": os.getpid(), "shown_at": int(time.time()), "outcome": ""}
        self._model.insert(place=place, source=source.name, version=source.version, **values).execute()

    def mark_refused(self, place: str, source: SecretSource) -> None:
        """Note that it was refused."""
        self._model.update(outcome="refused").where(self._is(place, source)).execute()

    def forget(self, place: str, source: SecretSource) -> None:
        """Remove the mark of a secret that was not refused."""
        self._model.delete().where(self._is(place, source)).execute()

    def forget_all(self) -> int:
        """Remove every mark; how many there were."""
        return int(self._model.delete().execute())

    def _is(self, place: str, source: SecretSource) -> Any:
        model = self._model
        return (model.place == place) & (model.source == source.name) & (model.version == source.version)
