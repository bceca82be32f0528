"""Counters of one process of the worker, in a file that node_exporter reads, because the worker opens no port."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, write_to_textfile

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Limits of the buckets: from a key in a file to a batch on a slow token."""


class WorkerMetrics:
    """What a process has done since it began.

    Args:
        folder: Where its file is written; None for nowhere.
        worker: Name of the worker.
        process: Number of the process among those of the worker.
    """

    def __init__(self, folder: Path | None, worker: str, process: int) -> None:
        self._path = None if folder is None else folder / f"anchorhold-worker-{worker}-{process}.prom"
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._own = (worker, str(process))
        self._requests = Counter(
            "anchorhold_worker_requests",
            "Requests of other hosts, by what became of them.",
            ("worker", "process", "operation", "outcome"),
            registry=self._registry,
        )
        self._signatures = Counter(
            "anchorhold_worker_signatures",
            "Signatures that were made for other hosts.",
            ("worker", "process", "role", "alias"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "anchorhold_worker_request_seconds",
            "How long requests took that were done.",
            ("worker", "process", "operation"),
            registry=self._registry,
            buckets=_SECONDS,
        )

    def count(self, operation: str, outcome: str, seconds: float | None = None) -> None:
        """Count a request.

        Args:
            operation: What was asked.
            outcome: ``done``, ``failed``, ``refused``, ``repeated``, ``withdrawn``, ``under-way`` or
                ``not-begun``.
            seconds: How long it took, if it was begun.
        """
        self._requests.labels(*self._own, operation, outcome).inc()
        if seconds is not None:
            self._seconds.labels(*self._own, operation).observe(seconds)

    def add_signatures(self, role: str, alias: str, number: int) -> None:
        """Count signatures.

        Args:
            role: Of the alias.
            alias: That has the key.
            number: How many.
        """
        self._signatures.labels(*self._own, role, alias).inc(number)

    def write(self) -> None:
        """Write the whole file again; what prevents that is logged."""
        if self._path is None:
            return
        try:
            write_to_textfile(str(self._path), self._registry)
        except OSError as error:
            logger.warning("metrics: %s cannot be written (%s)", self._path, error.strerror)
