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

    Args:
        tell: Is called after each commit that has recorded something; it raises nothing. None if nobody wants to know.
    """

    def __init__(self, tell: Callable[[Sequence[Notice]], None] | None = None) -> None:
        self._tell = tell
        self._depth = 0
        self._noted: list[Notice] = []

    @property
    def wanted(self) -> bool:
        """Whether anybody wants to know."""
        return self._tell is not None

    def note(self, notice: Notice) -> None:
        """Remember something within a transaction."""
        if self.wanted:
            self._noted.append(notice)

    @contextmanager
    def after_commit(self) -> Iterator[None]:
        """Around a transaction; the outermost one tells."""
        begun = len(self._noted)
        self._depth += 1
        try:
            yield
        except BaseException:
            del self._noted[begun:]
            raise
        finally:
            self._depth -= 1
        if not self._depth and self._noted and self._tell is not None:
            noted, self._noted = self._noted, []
            self._tell(noted)
