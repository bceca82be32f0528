"""The issuance part: our rate beside that of the limit and of django-ca, in turn."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from bench.command import Command, bare_environment
from bench.databases import DRIVER, POSTGRESQL, SQLITE, Databases
from bench.folders import REPOSITORY, fresh_folder
from bench.issuance.kinds import KINDS, THREADS
from bench.measure import alternately
from bench.peers import django_ca
from bench.results import Comparison, Target
from bench.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.modes import Mode

BATCH = 1000
"""Certificates that share two commits."""
QUICK_BATCHES = ((SQLITE, "EC P-256"), (SQLITE, "Ed25519"), (POSTGRESQL, "EC P-256"))
"""Measured in every mode."""
SINGLE, BATCHES, IN_THREADS = "one at a time", f"batches of {BATCH:,}", f"one at a time in {THREADS} threads"
OURS, LIMIT, DJANGO, DJANGO_WAL = "anchorhold", "the limit", "django-ca", "django-ca, WAL"
TARGETS = {
    LIMIT: Target(sign=">=", ratio=0.85),
    DJANGO: Target(sign=">=", ratio=2.2),
    DJANGO_WAL: Target(sign=">=", ratio=1.3),
    BATCHES: Target(sign=">=", ratio=0.6),
}
"""By what ours is compared with."""
THREADED = ((SQLITE, "EC P-256"), (POSTGRESQL, "EC P-256"))
"""Measured with threads, too: what they share is the ledger."""
RSA = ("RSA-2048", "RSA-4096")
"""With these django-ca spends its time on the key, whatever the database does."""
NO_SUCH_KEYS = {"ML-DSA-65": "django-ca has no such keys"}


def issuance_lines(
    cache: Path, mode: Mode, databases: Databases, django_missing: str | None
) -> Iterator[list[Comparison]]:
    """Measure every kind of key on every database, one after the other."""
    for kind in KINDS:
        missing = NO_SUCH_KEYS.get(kind, django_missing)
        yield _measured(cache, mode, kind, SQLITE, databases, with_django=missing is None)
        if missing is not None:
            yield [Comparison(labels=(kind, SQLITE, SINGLE), against=DJANGO, not_measured=missing)]
    reason = databases.missing(POSTGRESQL)
    if reason is not None:
        yield [Comparison(labels=("all", POSTGRESQL, ""), against=LIMIT, not_measured=reason)]
        return
    for kind in KINDS:
        yield _measured(cache, mode, kind, POSTGRESQL, databases, with_django=False)


def _measured(
    cache: Path, mode: Mode, kind: str, database: str, databases: Databases, *, with_django: bool
) -> list[Comparison]:
    folder = fresh_folder(cache / "issuance")
    with ExitStack() as stack:
        commands = {
            OURS: _command("ours", kind, folder, stack.enter_context(databases.new(database))),
            LIMIT: _command("limit", kind, folder, stack.enter_context(databases.new(database))),
        }
        if with_django:
            commands[DJANGO] = _django_command(cache, kind, "delete")
            if kind not in RSA:
                commands[DJANGO_WAL] = _django_command(cache, kind, "wal")
        workers = {side: stack.enter_context(Worker(command)) for side, command in commands.items()}
        counts = {side: worker.fills("single", mode.seconds) for side, worker in workers.items()}
        lines = _lines((kind, database, SINGLE), "single", counts, workers, mode.pairs)
        if (database, kind) in THREADED:
            lines.append(_threads((kind, database, IN_THREADS), counts[OURS], workers[OURS], mode.pairs))
        if mode.every_batch or (database, kind) in QUICK_BATCHES:
            batching = {side: workers[side] for side in (OURS, LIMIT)}  # django-ca has no batches
            lines += _lines((kind, database, BATCHES), "batch", dict.fromkeys(batching, BATCH), batching, mode.pairs)
    return lines


def _command(module: str, kind: str, folder: Path, url: str) -> Command:
    argv = (sys.executable, "-m", f"bench.issuance.{module}", kind, str(folder), url)
    driver = {"PYTHONPATH": str(DRIVER)} if url else {}
    return Command(argv, bare_environment(folder, **driver), REPOSITORY)


def _django_command(cache: Path, kind: str, journal: str) -> Command:
    module = ("-m", "bench.issuance.django_side")
    return django_ca.project(cache).python(*module, kind, PYTHONPATH=str(REPOSITORY), JOURNAL=journal)


def _lines(
    labels: tuple[str, ...], task: str, counts: Mapping[str, int], workers: Mapping[str, Worker], pairs: int
) -> list[Comparison]:
    """Measure all sides in turn, in certificates per second."""
    sides = {side: partial(_rate, worker, task, counts[side]) for side, worker in workers.items()}
    rates = alternately(sides, pairs)
    return [
        Comparison(labels=labels, against=side, ours=rates[OURS], theirs=rates[side], target=TARGETS[side])
        for side in rates
        if side != OURS
    ]


def _threads(labels: tuple[str, ...], count: int, ours: Worker, pairs: int) -> Comparison:
    """Measure threads beside batches."""
    many = -(-count // THREADS) * THREADS
    sides = {"threads": partial(_rate, ours, "threads", many), "batch": partial(_rate, ours, "batch", BATCH)}
    rates = alternately(sides, pairs)
    return Comparison(
        labels=labels, against=BATCHES, ours=rates["threads"], theirs=rates["batch"], target=TARGETS[BATCHES]
    )


def _rate(worker: Worker, task: str, count: int) -> float:
    return count / worker.seconds(task, count)
