"""The repository of requests that are kept. Every method runs within the caller's transaction."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import BusyError, InputError
from anchorhold.ledger.records import RequestRecord
from anchorhold.ledger.schema import audit_columns, audit_of, from_timestamp, to_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold.audit import AuditContext
    from anchorhold.ledger.records import RequestStatus

_LAST: Final = 2**31 - 1
"""The highest row number that PostgreSQL has; a higher one would be an error there, on SQLite from 2**63."""


class Requests:
    """Reads and writes requests.

    Args:
        model: The table.
        audit: Who submits; None where that is not recorded.
    """

    def __init__(self, model: Any, audit: AuditContext | None = None) -> None:
        self._model = model
        self._audit = audit_columns(audit)

    def add(
        self,
        authority_id: int,
        *,
        content: Mapping[str, Any],
        csr: bytes,
        profile: str,
        subject: str,
        names: Sequence[str],
    ) -> RequestRecord:
        """Keep a request; it waits. Arguments as the attributes of `RequestRecord`."""
        now = to_timestamp(dt.datetime.now(dt.UTC))
        row = self._model.create(
            authority_id=authority_id,
            status="waiting",
            content=json.dumps(dict(content), sort_keys=True),
            csr=csr,
            profile=profile,
            subject=subject,
            names=json.dumps(list(names)),
            submitted_at=now,
            changed_at=now,
            **self._audit,
        )
        return self.get(row.id)

    def get(self, number: int) -> RequestRecord:
        """A request by its number.

        Raises:
            InputError: No request has that number.
        """
        row = self._model.get_or_none(self._model.id == number) if 0 < number <= _LAST else None
        if row is None:
            raise InputError(f"request {number}: does not exist", hint="list the requests that are kept")
        return self._record(row)

    def list(
        self,
        status: RequestStatus | None = None,
        authority_id: int | None = None,
        *,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[RequestRecord]:
        """A page of requests, oldest first.

        Args:
            status: Of this status only; None for any.
            authority_id: For the authority of this row only; None for any.
            after: Number of the last one of the page before.
            limit: Length of the page; None for all.
        """
        if after > _LAST:
            return []
        model = self._model
        query = model.select().where(model.id > after).order_by(model.id).limit(limit)
        if status is not None:
            query = query.where(model.status == status)
        if authority_id is not None:
            query = query.where(model.authority_id == authority_id)
        return [self._record(row) for row in query]

    def change(
        self,
        request: RequestRecord,
        status: RequestStatus,
        *,
        serial: str | None = None,
        problem: str | None = None,
        draft: tuple[str, str, Sequence[str]] | None = None,
    ) -> RequestRecord:
        """Change the status of a request that is as it was read.

        Args:
            request: As it was read.
            status: The new one.
            serial: Serial number, once reserved.
            problem: Why it was rejected or not signed.
            draft: Profile, subject and names, where they were determined again.

        Raises:
            BusyError: Another process has changed it since.
        """
        model = self._model
        as_read = (model.id == request.id) & (model.status == request.status) & (model.serial == request.serial)
        if request.serial is None:
            as_read = (model.id == request.id) & (model.status == request.status) & model.serial.is_null()
        profile, subject, names = draft or (request.profile, request.subject, request.names)
        values = {
            "status": status,
            "serial": serial,
            "problem": problem,
            "profile": profile,
            "subject": subject,
            "names": json.dumps(list(names)),
            "changed_at": to_timestamp(dt.datetime.now(dt.UTC)),
        }
        if model.update(**values).where(as_read).execute() != 1:
            raise BusyError(
                f"request {request.id}: was changed by another process in the meantime",
                hint="check its state, and retry",
            )
        return self.get(request.id)

    @staticmethod
    def _record(row: Any) -> RequestRecord:
        return RequestRecord(
            id=row.id,
            authority_id=row.authority_id,
            status=row.status,
            content=json.loads(row.content),
            csr=bytes(row.csr),
            profile=row.profile,
            subject=row.subject,
            names=tuple(json.loads(row.names)),
            serial=row.serial,
            problem=row.problem,
            submitted_at=from_timestamp(row.submitted_at),
            changed_at=from_timestamp(row.changed_at),
            audit=audit_of(row),
        )
