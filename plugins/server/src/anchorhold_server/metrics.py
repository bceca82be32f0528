"""Counters for Prometheus, summed over the workers of a server.

Each worker writes its own counters into a file of the runtime directory, once a second and before it reads those of the
others. So the sums never go back, whichever worker is asked, and what a worker that died had counted stays. The
multiprocess mode of ``prometheus_client`` does not bring back a file that a system has tidied away.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter as Sums
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from anchorhold_server.runtime_dir import ensure_dir

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Tally:
    """Counts what happens thousands of times a second, in one thread; a counter takes longer than the rest of it.

    Args:
        counter: Gets the sum now and then.
    """

    __slots__ = ("_count", "_counter")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._count = 0

    def inc(self) -> None:
        """Count one more."""
        self._count += 1

    def settle(self) -> None:
        """Give the counter what was counted since the last time."""
        count, self._count = self._count, 0
        if count:
            self._counter.inc(count)


class Metrics:
    """The counters of one worker.

    Args:
        folder: The runtime directory, which the workers of a server share.

    Attributes:
        ocsp_responses: OCSP requests, by outcome.
        cache_hits: OCSP requests that were answered from the cache.
        signatures: Signatures, by backend and CA.
        signature_failures: Signatures that failed, by backend and CA.
        http_responses: Other requests, by endpoint and HTTP status code.
        errors: Failures that were logged, by kind.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / f"{os.getpid()}-{time.monotonic_ns()}.counters"  # process numbers come again
        self._registry = CollectorRegistry()
        self._tallies: list[Tally] = []
        self._written: dict[str, list[tuple[str, dict[str, str], float]]] = {}
        self.ocsp_responses = self._counter("ocsp_responses", "OCSP requests by outcome.", "outcome")
        self.cache_hits = self._counter("ocsp_cache_hits", "OCSP requests answered without a new signature.")
        self.signatures = self._counter("signatures", "Signatures made.", "backend", "ca")
        self.signature_failures = self._counter(
            "signature_failures", "Signatures that could not be made.", "backend", "ca"
        )
        self.http_responses = self._counter(
            "http_responses", "Other HTTP requests by endpoint and status code.", "endpoint", "code"
        )
        self.errors = self._counter("errors", "Failures that were logged, by kind.", "kind")

    def write(self) -> None:
        """Publish the counters to the other workers, if there is anything new.

        Raises:
            OSError: The file cannot be written.
        """
        for tally in self._tallies:
            tally.settle()
        samples = {
            family.name: [(sample.name, sample.labels, sample.value) for sample in _without_creation(family)]
            for family in self._registry.collect()
        }
        if samples == self._written and self._file.exists():
            return
        ensure_dir(self._folder)
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps(samples))
        temporary.replace(self._file)
        self._written = samples

    def exposition(self, gauges: Iterable[Metric], accept: str) -> tuple[bytes, str]:
        """Counters of all workers, and gauges, in the format that a scraper accepts.

        Args:
            gauges: Of this server.
            accept: The header of the request.

        Returns:
            The text, and its media type.

        Raises:
            OSError: The counters cannot be written or read.
        """
        self.write()
        encode, media_type = choose_encoder(accept)
        return encode(_Collected([*self._summed(), *gauges])), media_type

    def tally(self, counter: Counter) -> Tally:
        """A tally for a counter, or for one with labels, which has its sum whenever the counters are written."""
        tally = Tally(counter)
        self._tallies.append(tally)
        return tally

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"anchorhold_{name}", text, labels, registry=self._registry)

    def _summed(self) -> Iterable[Metric]:
        sums = _read_sums(self._folder.glob("*.counters"))
        for family in self._registry.collect():
            summed = Metric(family.name, family.documentation, family.type)
            for (known, sample, labels), value in sorted(sums.items()):
                if known == family.name:
                    summed.add_sample(sample, dict(labels), value)
            yield summed


class _Collected(Collector):
    """Metrics that were collected already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _without_creation(family: Metric) -> Iterable[Any]:
    """The samples that can be summed; when a counter was created says nothing of a sum."""
    return (sample for sample in family.samples if not sample.name.endswith("_created"))


def _read_sums(files: Iterable[Path]) -> Sums[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """By name of the family, name of the sample, and labels."""
    sums: Sums[tuple[str, str, tuple[tuple[str, str], ...]]] = Sums()
    for file in files:
        for family, samples in json.loads(file.read_text()).items():
            for name, labels, value in samples:
                sums[family, name, tuple(labels.items())] += value
    return sums
