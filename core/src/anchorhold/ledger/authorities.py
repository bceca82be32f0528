"""The repository of authorities. Every method runs within the caller's transaction."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import asdict, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from peewee import SqliteDatabase

from anchorhold.errors import BusyError
from anchorhold.ledger.policy import IssuancePolicy
from anchorhold.ledger.records import AuthorityRecord, AuthorityStatus
from anchorhold.ledger.schema import from_timestamp, to_timestamp
from anchorhold.ledger.written_queries import PLACE, WrittenQuery
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from anchorhold.ledger.rows import AuthorityRow


class AuthorityRepository:
    """Reads and writes authorities.

    Args:
        model: The table.
        guarded: Turns errors of the database into one sentence.
    """

    def __init__(self, model: Any, guarded: Callable[[], AbstractContextManager[None]]) -> None:
        self._model = model
        self._guarded = guarded
        database, table = model._meta.database, model._meta.table_name  # noqa: SLF001
        held = "" if isinstance(database, SqliteDatabase) else " FOR SHARE"  # where whoever writes is alone
        self._state = f'SELECT status, revision FROM "{table}" WHERE id = {database.param}{held}'  # noqa: S608

    def begin(
        self,
        *,
        name: str,
        parent_id: int | None,
        subject: str,
        key_backend: str,
        backend_type: str,
        key_id: bytes,
        plan: Mapping[str, Any],
        issuing: IssuancePolicy,
    ) -> int:
        """Record a pending authority before its key is made; returns its row number."""
        row = self._model.create(
            name=name,
            status="pending",
            parent=parent_id,
            subject=subject,
            key_backend=key_backend,
            backend_type=backend_type,
            key_id=key_id,
            plan=json.dumps(plan),
            issuing=json.dumps(asdict(issuing)),
            created_at=to_timestamp(dt.datetime.now(dt.UTC)),
        )
        return int(row.id)

    def record_key(self, before: AuthorityRecord, *, handle: Mapping[str, Any], public_key: bytes) -> None:
        """Record where the key of a pending authority is.

        Args:
            before: The authority as it was read; as for all that follow, what has been changed since is not touched.
            handle: Of the key.
            public_key: DER SubjectPublicKeyInfo.

        Raises:
            BusyError: What is under way has been changed since.
        """
        self._continue(before, handle=json.dumps(handle), public_key=public_key)

    def record_plan(self, before: AuthorityRecord, plan: Mapping[str, Any] | None) -> None:
        """Record how to go on with what is under way; None when nothing is.

        Raises:
            BusyError: As for `record_key`.
        """
        self._continue(before, plan=_stored(plan))

    def move(
        self,
        before: AuthorityRecord,
        *,
        key_backend: str,
        backend_type: str,
        key_id: bytes,
        handle: Mapping[str, Any],
        plan: Mapping[str, Any] | None,
    ) -> None:
        """Record where the key is from now on, and what is left to do.

        Raises:
            BusyError: As for `record_key`.
        """
        self._continue(
            before,
            key_backend=key_backend,
            backend_type=backend_type,
            key_id=key_id,
            handle=json.dumps(handle),
            plan=_stored(plan),
        )

    def certify(
        self, before: AuthorityRecord, *, subject: str, parent_id: int | None, above: Iterable[bytes] = ()
    ) -> None:
        """Record what a parent elsewhere has put into the certificate of a pending authority, and what is above that.

        Raises:
            BusyError: As for `record_key`.
        """
        issuing = replace(before.issuing, above=tuple(base64.b64encode(der).decode() for der in above))
        self._continue(before, subject=subject, parent_id=parent_id, issuing=json.dumps(asdict(issuing)))

    def activate(self, before: AuthorityRecord, *, serial: str, certificate: bytes, not_after: dt.datetime) -> None:
        """Record the certificate of a pending authority; from now on it signs.

        Raises:
            BusyError: As for `record_key`.
        """
        self._continue(
            before,
            status="active",
            serial=serial,
            certificate=certificate,
            not_after=to_timestamp(not_after),
            plan=None,
        )

    def abandon(self, before: AuthorityRecord) -> None:
        """Give up a pending authority; its name becomes free.

        Raises:
            BusyError: As for `record_key`.
        """
        self._continue(before, status="abandoned")

    def edit(
        self,
        before: AuthorityRecord,
        *,
        name: str | None,
        status: AuthorityStatus | None,
        issuing: IssuancePolicy | None,
    ) -> bool:
        """Change what may change of an authority; None leaves a value as it is.

        Returns:
            False, with nothing changed, if anything of it has been changed since it was read.
        """
        changes = {
            "name": name,
            "status": status,
            "issuing": json.dumps(asdict(issuing)) if issuing is not None else None,
        }
        model = self._model
        as_read = (model.id == before.id) & (model.revision == before.revision)
        return self._change(as_read, **{column: value for column, value in changes.items() if value is not None})

    def lock(self, authority_id: int) -> None:
        """Keep others from revoking, and from making lists, until the transaction ends."""
        self._update(authority_id, crl_number=self._model.crl_number)

    def next_crl_number(self, authority_id: int) -> tuple[int, int]:
        """Take the next CRL number, and keep others out as `lock` does; returns it and the count of rewrites."""
        model = self._model
        self._update(authority_id, crl_number=model.crl_number + 1)
        row = model.select(model.crl_number, model.rewrites).where(model.id == authority_id).get()
        return int(row.crl_number), int(row.rewrites)

    def rewrite_count(self, authority_id: int) -> int:
        """How often entries of its revocation lists were changed or taken back."""
        return int(self._model.select(self._model.rewrites).where(self._model.id == authority_id).scalar())

    def count_rewrite(self, authority_id: int) -> None:
        """Record that an entry of an earlier revocation list was changed or taken back."""
        self._update(authority_id, rewrites=self._model.rewrites + 1)

    def held_state(self, authority_id: int) -> tuple[AuthorityStatus, int]:
        """Status and revision of an authority, which stay so until the transaction ends.

        They say whether it may sign, and whether it is still as it was read. A change that is committed is known to all
        reservations after it: who disables an authority is told so only when none is under way that does not know.

        Plain SQL, because it is asked whenever something is issued.
        """
        status, revision = self._model._meta.database.execute_sql(self._state, (authority_id,)).fetchone()  # noqa: SLF001
        return status, revision

    def get(self, authority_id: int) -> AuthorityRecord:
        """The authority with that row number; also without a transaction.

        Raises:
            LedgerError: The database refused.
        """
        with self._guarded():
            return self._record(self._model.get_by_id(authority_id))

    def by_public_key(self, public_key_info: bytes) -> AuthorityRecord | None:
        """The authority with that key (DER SubjectPublicKeyInfo), unless it was abandoned; None if there is none."""
        return next((self._record(row) for row in self._by_public_key.rows(public_key_info)), None)

    @cached_property
    def _by_public_key(self) -> WrittenQuery:
        model = self._model
        wanted = (model.public_key == PLACE) & (model.status != "abandoned")
        return WrittenQuery(model.select().where(wanted).order_by(model.id).limit(1))

    def all_known(self) -> list[AuthorityRecord]:
        """All that were not abandoned, in the order in which they were begun."""
        query = self._model.select().where(self._model.status != "abandoned").order_by(self._model.id)
        return [self._record(row) for row in query]

    def begun(self) -> list[AuthorityRecord]:
        """Those with whom something was interrupted or is under way: first creations, then moves of keys."""
        found = [authority for authority in self.all_known() if authority.is_begun]
        return sorted(found, key=lambda authority: authority.status != "pending")

    def _update(self, authority_id: int, **values: Any) -> None:
        self._model.update(**values).where(self._model.id == authority_id).execute()

    def _continue(self, before: AuthorityRecord, **values: Any) -> None:
        """Change what is under way with an authority, if nobody has since it was read."""
        model, plan = self._model, _stored(before.plan)
        same_plan = model.plan.is_null() if plan is None else model.plan == plan
        if not self._change((model.id == before.id) & (model.key_id == before.key_id) & same_plan, **values):
            raise BusyError(
                f"authority {before.name!r}: another process has changed it in the meantime",
                hint="check its state, and finish what is left to do",
                remedy=Remedy("recovery.pending"),
            )

    def _change(self, as_read: Any, **values: Any) -> bool:
        changed = self._model.update(revision=self._model.revision + 1, **values).where(as_read).execute()
        return bool(changed)

    @staticmethod
    def _record(row: AuthorityRow) -> AuthorityRecord:
        return AuthorityRecord(
            id=row.id,
            name=row.name,
            status=row.status,
            parent_id=row.parent_id,
            subject=row.subject,
            serial=row.serial,
            key_backend=row.key_backend,
            backend_type=row.backend_type,
            key_id=bytes(row.key_id),
            handle=None if row.handle is None else json.loads(row.handle),
            public_key=None if row.public_key is None else bytes(row.public_key),
            certificate=None if row.certificate is None else bytes(row.certificate),
            plan=None if row.plan is None else json.loads(row.plan),
            issuing=_policy(row.issuing),
            revision=row.revision,
            not_after=None if row.not_after is None else from_timestamp(row.not_after),
            created_at=from_timestamp(row.created_at),
        )


def _policy(stored: str) -> IssuancePolicy:
    """From its JSON form, which has lists for tuples."""
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in json.loads(stored).items()}
    return IssuancePolicy(**values)


def _stored(plan: Mapping[str, Any] | None) -> str | None:
    return None if plan is None else json.dumps(plan)
