"""Workers that sign for other hosts, as gauges for Prometheus: they open no port themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client import Metric

    from anchorhold.services.workers import RefusalCount, WorkerRecord


def worker_metrics(workers: Sequence[WorkerRecord], refusals: Sequence[RefusalCount]) -> Iterable[Metric]:
    """The gauges of the workers that share the ledger, moments in seconds since 1970; nothing where there are none.

    Args:
        workers: All that are known.
        refusals: Of the last 24 hours.
    """
    running = GaugeMetricFamily(
        "anchorhold_worker_running",
        "Whether a worker has said within two minutes that it runs.",
        labels=("worker", "host", "version"),
    )
    seen = GaugeMetricFamily(
        "anchorhold_worker_seen_timestamp_seconds", "When a worker last said that it runs.", labels=("worker",)
    )
    signed = GaugeMetricFamily(
        "anchorhold_worker_signed_timestamp_seconds", "When a worker last signed.", labels=("worker",)
    )
    for worker in workers:
        running.add_metric((worker.name, worker.host, worker.version), float(worker.is_running))
        seen.add_metric((worker.name,), worker.seen_at.timestamp())
        if worker.signed_at is not None:
            signed.add_metric((worker.name,), worker.signed_at.timestamp())
    refused = GaugeMetricFamily(
        "anchorhold_worker_refusals",
        "Signatures that workers have refused in the last 24 hours.",
        labels=("peer", "purpose", "reason"),
    )
    for refusal in refusals:
        refused.add_metric((refusal.peer.removeprefix("peer "), refusal.purpose, refusal.reason), float(refusal.count))
    return [family for family in (running, seen, signed, refused) if family.samples]
