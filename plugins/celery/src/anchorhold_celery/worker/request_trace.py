"""What a worker says of each request: one line in its log, without a secret and without anything that is signed."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anchorhold_celery.messages import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold_celery.messages import Request

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class RequestTrace:
    """A request on its way through a worker.

    Attributes:
        request: What is asked; None until its peer is known by its signature.
        outcome: ``done``, ``failed``, ``refused``, ``repeated``, ``withdrawn``, ``under-way`` or
            ``not-begun``.
        why: Why it is not done, in words of this host.
        authority: Whose key it is for, once the ledger has said so.
        serial: Of the first certificate among what is signed.
        answer: What is answered.
        begun: When it came, by `time.monotonic`.
    """

    request: Request | None = None
    outcome: str = "failed"
    why: str | None = None
    authority: str | None = None
    serial: str | None = None
    answer: Mapping[str, Any] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)

    @property
    def operation(self) -> str:
        """What is asked; an operation that nobody knows is called unknown."""
        asked = None if self.request is None else self.request.operation
        return asked if asked in OPERATIONS else "unknown"

    @property
    def seconds(self) -> float:
        """Since it came."""
        return time.monotonic() - self.begun

    @property
    def signed(self) -> int:
        """How many signatures are answered."""
        return sum("signature" in item for item in self.answer.get("outcomes", ()))

    def answered(self, answer: Mapping[str, Any]) -> None:
        """Note what is answered, and whether that is what was asked for."""
        self.answer = answer
        outcomes = answer.get("outcomes")
        self.outcome = "failed" if "error" in answer or (outcomes and not self.signed) else "done"

    def write(self) -> None:
        """Write the line."""
        parts = {"operation": self.operation, "peer": "unknown", **self._asked(), **self._came_of_it()}
        line = " ".join(f"{name}={_shown(value)}" for name, value in parts.items() if value is not None)
        is_good = self.outcome in ("done", "repeated", "withdrawn", "under-way") and not _codes(self.answer)
        logger.log(logging.INFO if is_good else logging.WARNING, "request: %s", line)

    def _asked(self) -> dict[str, Any]:
        request = self.request
        if request is None:
            return {}
        return {
            "peer": request.peer,
            "alias": request.alias,
            "role": request.role,
            "authority": self.authority,
            "serial": self.serial,
            "id": request.id,
        }

    def _came_of_it(self) -> dict[str, Any]:
        items = self.answer.get("outcomes")
        return {
            "outcome": self.outcome,
            "signed": None if items is None else f"{self.signed}/{len(items)}",
            "errors": ",".join(f"{code}:{count}" for code, count in sorted(_codes(self.answer).items())) or None,
            "ms": round(self.seconds * 1000),
            "why": self.why,
        }


def _codes(answer: Mapping[str, Any]) -> Counter[str]:
    """How often each error is in an answer, by its code."""
    items = (answer, *answer.get("outcomes", ()))
    return Counter(item["error"]["code"] for item in items if "error" in item)


def _shown(value: object) -> str:
    """A value without anything that ends a line or a value: plain words as they are, all else as JSON."""
    shown = str(value)
    is_plain = shown.isascii() and shown and all(each.isalnum() or each in "-_.:/," for each in shown)
    return shown if is_plain else json.dumps(shown)
