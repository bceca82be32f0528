"""What a transaction has recorded, told once it is durable, and not at all if it is not."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import local
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that was recorded.

    Attributes:
        kind: Of an event, or `anchorhold.ledger.records.ISSUED`.
        at: When, UTC.
        authority_id: Row number of the authority; None if it has none any more.
        serial: Of the certificate, in hex; None if it is about none.
        detail: More.
        certificate: What was issued, in DER; else None.
    """

    kind: str
    at: dt.datetime
    authority_id: int | None
    serial: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    certificate: bytes | None = None


class CommitNotices(local):
    """Collects what the transaction of this thread records.

    Attributes:
        collected: What it has recorded so far; None where nobody is to be told.
    """

    collected: list[Notice] | None = None

    @contextmanager
    def after_commit(self, tell: Callable[[Sequence[Notice]], None]) -> Iterator[None]:
        """Around a transaction; the outermost one tells, if it has recorded something.

        Args:
            tell: Is called with that; it raises nothing.
        """
        outermost = self.collected is None
        collected = self.collected = [] if self.collected is None else self.collected
        begun = len(collected)
        try:
            yield
        except BaseException:
            del collected[begun:]
            raise
        finally:
            if outermost:
                self.collected = None
        if outermost and collected:
            tell(collected)
