"""Troubles that last: said when they begin, every minute while they last, and when they are over."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anchorhold_server.metrics import Metrics

REMINDER: Final = 60.0
"""Seconds after which a trouble that lasts is said again."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Trouble:
    text: str
    said_at: float
    times: int = 0


class Alarms:
    """What is wrong at present. Threads may share it.

    Args:
        metrics: Count the times that something was wrong.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._troubles: dict[str, _Trouble] = {}
        self._looking = Lock()

    def begin(self, subject: str, text: str) -> None:
        """Something is wrong.

        Args:
            subject: With what; a trouble with the same subject replaces the one before.
            text: What; without secrets.
        """
        moment = time.monotonic()
        self._metrics.count("errors", subject.partition(" ")[0])
        with self._looking:
            known = self._troubles.get(subject)
            if known is not None and known.text == text and moment < known.said_at + REMINDER:
                known.times += 1
                return
            self._troubles[subject] = _Trouble(text, moment)
        again = known.times if known is not None and known.text == text else 0
        logger.error("alarm", extra={"details": {"subject": subject, "problem": text, "repeated": again}})

    def end(self, subject: str) -> None:
        """Nothing is wrong with it, or not any more."""
        if subject not in self._troubles:
            return
        with self._looking:
            known = self._troubles.pop(subject, None)
        if known is not None:
            logger.warning("alarm over", extra={"details": {"subject": subject, "problem": known.text}})
