"""Approvals: who has said yes to a request. A request that is rejected needs none; the ledger has its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold_desk.events import Kind, record
from anchorhold_desk.store import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from anchorhold_desk.identity import Identity
    from anchorhold_desk.store import Store


class Approvals:
    """The approvals of requests.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, request: int, by: Identity) -> None:
        """Record that someone approves a request; nobody counts twice, and the operator of the host not at all."""
        if by.account is None:
            return
        with self._store.transaction() as tables:
            approval, number = tables.approval, by.account.id
            row = approval.insert(request=request, account=number, at=timestamp()).on_conflict_ignore()
            if row.as_rowcount().execute():
                record(tables, Kind.APPROVED, by.name, by.origin, request=request)

    def of(self, requests: Iterable[int]) -> Mapping[int, Sequence[str]]:
        """The names of those who have approved, in order, by number of the request."""
        numbers = list(requests)
        with self._store.transaction() as tables:
            account, approval = tables.account, tables.approval
            chosen = approval.select().where(approval.request.in_(numbers)).order_by(approval.at, approval.account)
            rows = [(row.request, row.account) for row in chosen]
            names = {row.id: row.name for row in account.select().where(account.id.in_({one for _, one in rows}))}
        found: dict[int, list[str]] = {number: [] for number in numbers}
        for request, one in rows:
            found[request].append(names[one])
        return found
