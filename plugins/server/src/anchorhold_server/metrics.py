"""Counters in the text format of Prometheus, summed over the workers of a server.

Each worker writes its own counters into a file of the server's folder, once a second and before it reads those of the
others. So the sums never go back, whichever worker is asked, and what a worker that died had counted stays.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold_server.folder import ensure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PREFIX: Final = "anchorhold_"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric.

    Attributes:
        help: What it is.
        labels: Names of its labels.
        kind: ``counter`` or ``gauge``.
    """

    help: str
    labels: tuple[str, ...] = ()
    kind: str = "counter"


COUNTERS: Final = {
    "ocsp_answers": Family("OCSP requests by how they were answered.", ("outcome",)),
    "ocsp_cached_answers": Family("OCSP requests answered without a new signature."),
    "signatures": Family("Signatures made.", ("backend", "ca")),
    "signature_failures": Family("Signatures that could not be made.", ("backend", "ca")),
    "http_answers": Family("Other requests by what was asked for and by HTTP status.", ("endpoint", "status")),
    "errors": Family("Failures that were logged, by kind.", ("kind",)),
}
GAUGES: Final = {
    "ledger_reachable": Family("Whether the ledger can be read.", (), "gauge"),
    "authority_ready": Family("Whether an authority's responder and CRL are good.", ("ca",), "gauge"),
    "responder_expiry_seconds": Family("Seconds until the responder's certificate expires.", ("ca",), "gauge"),
    "crl_age_seconds": Family("Seconds since the newest full CRL began (thisUpdate).", ("ca",), "gauge"),
    "crl_expiry_seconds": Family("Seconds until the newest full CRL runs out.", ("ca",), "gauge"),
}


class Metrics:
    """The counters of one worker.

    Args:
        folder: Shared by the workers of a server.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"{os.getpid()}.counters"
        self._folder = folder
        self._counts: Counter[tuple[str, ...]] = Counter()
        self._counting = Lock()
        self._written = 0

    def count(self, name: str, *labels: str) -> None:
        """Count one more.

        Args:
            name: One of `COUNTERS`.
            labels: Values of its labels.
        """
        with self._counting:
            self._counts[name, *labels] += 1

    def write(self) -> None:
        """Let the other workers know, if there is anything new."""
        with self._counting:
            counts = list(self._counts.items())
        total = sum(count for _, count in counts)
        if total == self._written and (total == 0 or self._file.exists()):
            return
        ensure(self._folder)
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps(counts))
        temporary.replace(self._file)
        self._written = total

    def sums(self) -> Counter[tuple[str, ...]]:
        """The counters of all workers."""
        self.write()
        sums: Counter[tuple[str, ...]] = Counter()
        for file in self._folder.glob("*.counters"):
            for key, count in json.loads(file.read_text()):
                sums[tuple(key)] += count
        return sums


def exposition(counts: Mapping[tuple[str, ...], int], gauges: Mapping[tuple[str, ...], float]) -> str:
    """Counters and gauges as Prometheus reads them (text format 0.0.4).

    Args:
        counts: By name and values of labels.
        gauges: The same.
    """
    lines: list[str] = []
    for families, values, suffix in ((COUNTERS, counts, "_total"), (GAUGES, gauges, "")):
        for name, family in families.items():
            full = f"{PREFIX}{name}{suffix}"
            lines += [f"# HELP {full} {family.help}", f"# TYPE {full} {family.kind}"]
            lines += _samples(full, family, ((key[1:], value) for key, value in values.items() if key[0] == name))
    return "\n".join(lines) + "\n"


def _samples(name: str, family: Family, values: Iterable[tuple[tuple[str, ...], float]]) -> Iterable[str]:
    for labels, value in sorted(values):
        pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in zip(family.labels, labels, strict=True))
        yield f"{name}{{{pairs}}} {value}" if pairs else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
