"""Problems that last: logged when they begin, every minute while they last, and when they are over."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anchorhold_server.metrics import Metrics

REMINDER: Final = 60.0
"""Seconds after which a problem that lasts is logged again."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Problem:
    text: str
    logged_at: float
    repeated: int = 0


class AlarmLog:
    """The problems of the present. Threads may share it.

    Args:
        metrics: Counts them.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._problems: dict[str, _Problem] = {}
        self._changing = Lock()

    def report(self, subject: str, text: str) -> None:
        """Report a problem.

        Args:
            subject: What it concerns; a problem replaces the one before with the same subject.
            text: What is wrong; without secrets.
        """
        moment = time.monotonic()
        self._metrics.errors.labels(subject.partition(" ")[0]).inc()
        with self._changing:
            known = self._problems.get(subject)
            if known is not None and known.text == text and moment < known.logged_at + REMINDER:
                known.repeated += 1
                return
            self._problems[subject] = _Problem(text, moment)
        repeated = known.repeated if known is not None and known.text == text else 0
        logger.error("alarm", extra={"details": {"subject": subject, "problem": text, "repeated": repeated}})

    def clear(self, subject: str) -> None:
        """End the problem of a subject, if there is one."""
        if subject not in self._problems:
            return
        with self._changing:
            known = self._problems.pop(subject, None)
        if known is not None:
            logger.warning("alarm over", extra={"details": {"subject": subject, "problem": known.text}})
