"""What is done with a ledger while it grows. Each operation does its work ``count`` times and returns the seconds."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from anchorhold.ledger.certificates import CertificateFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.growth.filled import FilledLedger

Operation: TypeAlias = "Callable[[FilledLedger, int], float]"

PAGE = 100
"""Certificates on a page."""


def _issue(filled: FilledLedger, count: int) -> float:
    return _timed([partial(filled.issuer.sign, filled.order)] * count)


def _find(filled: FilledLedger, count: int) -> float:
    return _timed([partial(filled.installation.certificates.get, filled.some_serial()) for _ in range(count)])


def _page(filled: FilledLedger, count: int) -> float:
    page = partial(filled.installation.certificates.list, wanted=CertificateFilter(expired=True), limit=PAGE)
    return _timed([partial(page, after=filled.some_row()) for _ in range(count)])


def _first_valid_page(filled: FilledLedger, count: int) -> float:
    return _timed([partial(filled.installation.certificates.list, limit=PAGE)] * count)


def _revoke(filled: FilledLedger, count: int) -> float:
    serials = [filled.issuer.sign(filled.order).serial for _ in range(count)]
    return _timed([partial(filled.installation.revocations.revoke, serial) for serial in serials])


def _timed(tasks: Sequence[Callable[[], object]]) -> float:
    begun = time.perf_counter()
    for task in tasks:
        task()
    return time.perf_counter() - begun


OPERATIONS: dict[str, tuple[Operation, int]] = {
    "issue": (_issue, 50),
    "find by serial number": (_find, 100),
    f"list {PAGE}, anywhere": (_page, 10),
    f"list {PAGE} valid, first page": (_first_valid_page, 10),
    "revoke": (_revoke, 50),
}
"""By name, each with how often it is done in one run."""
