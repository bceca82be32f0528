"""The repository of keys of OCSP responders. Every method runs within the caller's transaction.

The passwords that core generated for these keys are here, because they are used unattended; records do not
carry them, and nothing shows them.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from anchorhold.errors import BusyError
from anchorhold.ledger.records import CLOSED, ResponderRecord
from anchorhold.ledger.schema import from_timestamp, to_timestamp
from anchorhold.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.ledger.records import ResponderStatus
    from anchorhold.ledger.rows import ResponderRow


class ResponderRepository:
    """Reads and writes keys of responders.

    Args:
        model: The table.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def begin(
        self, authority_id: int, *, key_backend: str, backend_type: str, key_id: bytes, secrets: Mapping[str, Secret]
    ) -> int:
        """Record a key before it is made; returns its row number."""
        row = self._model.create(
            authority_id=authority_id,
            status="pending",
            key_backend=key_backend,
            backend_type=backend_type,
            key_id=key_id,
            secrets=json.dumps({name: secret.reveal() for name, secret in secrets.items()}),
            created_at=to_timestamp(dt.datetime.now(dt.UTC)),
        )
        return int(row.id)

    def record_key(self, responder_id: int, *, handle: Mapping[str, Any], public_key: bytes) -> None:
        """Record where the key of a pending one is.

        Raises:
            BusyError: It is not pending any more.
        """
        self._change(responder_id, "pending", handle=json.dumps(handle), public_key=public_key)

    def activate(self, responder_id: int, *, serial: str, certificate: bytes, not_after: dt.datetime) -> None:
        """Record the certificate of a pending one; from now on it answers.

        Raises:
            BusyError: It is not pending any more: it took so long that its key was destroyed.
        """
        self._change(
            responder_id,
            "pending",
            status="active",
            serial=serial,
            certificate=certificate,
            not_after=to_timestamp(not_after),
        )

    def retire(self, responder_id: int, answers_until: dt.datetime) -> None:
        """Record that one that was active answers no more, and until when its answers may still be about.

        Raises:
            BusyError: It is not active any more.
        """
        self._change(responder_id, "active", status="retired", answers_until=to_timestamp(answers_until))

    def mark_destroying(self, before: ResponderRecord) -> None:
        """Record that the key is going to be destroyed, so that nobody uses it any more.

        Raises:
            BusyError: Another process has changed it since it was read.
        """
        self._change(before.id, before.status, status="destroying")

    def close(self, before: ResponderRecord, status: ResponderStatus) -> None:
        """Record that the key is gone, with one of `CLOSED`; its generated passwords go with it.

        Raises:
            BusyError: Another process has changed it since it was read.
        """
        self._change(before.id, before.status, status=status, secrets="{}")

    def of(self, authority_id: int) -> list[ResponderRecord]:
        """All of an authority whose keys may exist, oldest first."""
        model = self._model
        alive = (model.authority_id == authority_id) & model.status.not_in(CLOSED)
        return [self._record(row) for row in model.select().where(alive).order_by(model.id)]

    def of_all(self) -> dict[int, list[ResponderRecord]]:
        """What `of` has, of each authority that has any, by its row number: one statement however many there are."""
        model, found = self._model, dict[int, list[ResponderRecord]]()
        for row in model.select().where(model.status.not_in(CLOSED)).order_by(model.id):
            found.setdefault(row.authority_id, []).append(self._record(row))
        return found

    def active(self, authority_id: int) -> ResponderRecord | None:
        """The one that answers for an authority."""
        found = [responder for responder in self.of(authority_id) if responder.status == "active"]
        return found[-1] if found else None

    def by_public_key(self, public_key_info: bytes) -> ResponderRecord | None:
        """The one with that key (DER SubjectPublicKeyInfo), if its key may exist; None if there is none."""
        model = self._model
        wanted = (model.public_key == public_key_info) & model.status.not_in(CLOSED)
        row = model.select().where(wanted).order_by(model.id).first()
        return None if row is None else self._record(row)

    def active_aliases(self) -> list[str]:
        """The aliases that have keys of responders that answer, each once."""
        model = self._model
        query = model.select(model.key_backend).where(model.status == "active").distinct()
        return sorted(alias for (alias,) in query.tuples())

    def secrets(self, responder_id: int) -> dict[str, Secret]:
        """The passwords that core generated for a key."""
        return _passwords(self._model.get_by_id(responder_id).secrets)

    def active_secrets(self) -> dict[int, dict[str, Secret]]:
        """The same for each key of a responder that answers, by its row number: one statement for all of them."""
        model = self._model
        rows = model.select(model.id, model.secrets).where(model.status == "active").tuples()
        return {row: _passwords(stored) for row, stored in rows}

    def get(self, responder_id: int) -> ResponderRecord:
        """The one with that row number."""
        return self._record(self._model.get_by_id(responder_id))

    def _change(self, responder_id: int, before: ResponderStatus, **values: Any) -> None:
        """Change one that is in the state in which it was read."""
        model = self._model
        as_read = (model.id == responder_id) & (model.status == before)
        if not model.update(**values).where(as_read).execute():
            raise BusyError(
                f"OCSP responder key {self.get(responder_id).key_id.hex()}: changed by another process",
                hint="retry; the next run does what is due",
            )

    @staticmethod
    def _record(row: ResponderRow) -> ResponderRecord:
        status: ResponderStatus = row.status
        return ResponderRecord(
            id=row.id,
            authority_id=row.authority_id,
            status=status,
            key_backend=row.key_backend,
            backend_type=row.backend_type,
            key_id=bytes(row.key_id),
            handle=None if row.handle is None else json.loads(row.handle),
            public_key=None if row.public_key is None else bytes(row.public_key),
            serial=row.serial,
            certificate=None if row.certificate is None else bytes(row.certificate),
            not_after=None if row.not_after is None else from_timestamp(row.not_after),
            answers_until=None if row.answers_until is None else from_timestamp(row.answers_until),
            created_at=from_timestamp(row.created_at),
        )


def _passwords(stored: str) -> dict[str, Secret]:
    values: dict[str, str] = json.loads(stored)
    return {name: Secret(value) for name, value in values.items()}
