"""The lent part: certificates by a key on another host, beside the same kind of key at hand; ledgers on PostgreSQL."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from bench.databases import POSTGRESQL
from bench.folders import fresh_folder
from bench.hsm import token
from bench.lent import brokers
from bench.lent.hosts import Place, issuing, lending
from bench.measure import alternately
from bench.results import Comparison, Target
from bench.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.databases import Databases
    from bench.modes import Mode

BATCH: Final = 1000
MORE: Final = 6.0
"""Milliseconds by which a certificate may take longer."""
FILES: Final = Place(backend={"backend": "storages"})
SINGLE, BATCHES = "one at a time, ms", f"batches of {BATCH:,}, a second"
BATCH_TARGETS: Final = {"files": Target(sign=">=", ratio=0.5), "SoftHSM": Target(sign=">=", ratio=0.6)}
"""By the place of the key."""


def lent_lines(cache: Path, mode: Mode, databases: Databases) -> Iterator[list[Comparison]]:
    """Measure one kind of key in each place over each broker."""
    missing = databases.missing(POSTGRESQL) or brokers.missing()
    if missing is not None:
        yield [Comparison(labels=("all", ""), against="all", not_measured=missing)]
        return
    with ExitStack() as stack:
        urls = {name: stack.enter_context(brokers.running(name)) for name in brokers.NAMES}
        yield from _place(cache / "lent-files", mode, databases, "files", FILES, urls)
        if (missing := token.missing()) is not None:
            yield [Comparison(labels=(BATCHES, "Redis"), against="SoftHSM", not_measured=missing)]
            return
        yield from _place(
            cache / "lent-token", mode, databases, "SoftHSM", _in_token(cache), {"Redis": f"{urls['Redis'][:-1]}1"}
        )


def _place(
    folder: Path, mode: Mode, databases: Databases, name: str, place: Place, urls: Mapping[str, str]
) -> Iterator[list[Comparison]]:
    """Measure keys in one place."""
    with ExitStack() as stack:

        def database() -> str:
            return stack.enter_context(databases.new(POSTGRESQL))

        commands = {"": issuing(folder / "at-hand", database(), place)}
        for broker, url in urls.items():
            lent = lending(folder / broker, database(), place, url, urls["Redis"])
            commands[broker] = stack.enter_context(lent)
        workers = {at: stack.enter_context(Worker(command)) for at, command in commands.items()}
        if name == "files":
            yield _singles(name, workers, mode)
        yield _batches(name, workers, mode)


def _singles(name: str, workers: Mapping[str, Worker], mode: Mode) -> list[Comparison]:
    count = {at: worker.fills("single", mode.seconds) for at, worker in workers.items()}
    sides = {at: partial(_milliseconds, worker, count[at]) for at, worker in workers.items()}
    measured = alternately(sides, mode.pairs)
    most = tuple(milliseconds + MORE for milliseconds in measured[""])
    return [
        Comparison(
            labels=(SINGLE, broker),
            against=f"{name}, and {MORE:.0f} ms",
            ours=measured[broker],
            theirs=most,
            target=Target(sign="<=", ratio=1.0),
        )
        for broker in measured
        if broker
    ]


def _batches(name: str, workers: Mapping[str, Worker], mode: Mode) -> list[Comparison]:
    measured = alternately({at: partial(_rate, worker) for at, worker in workers.items()}, mode.pairs)
    return [
        Comparison(
            labels=(BATCHES, broker),
            against=name,
            ours=measured[broker],
            theirs=measured[""],
            target=BATCH_TARGETS[name],
        )
        for broker in measured
        if broker
    ]


def _milliseconds(worker: Worker, count: int) -> float:
    return 1000 * worker.seconds("single", count) / count


def _rate(worker: Worker) -> float:
    return BATCH / worker.seconds("batch", BATCH)


def _in_token(cache: Path) -> Place:
    """A fresh token."""
    made = token.make_token(fresh_folder(cache / "lent-softhsm"))
    options = {"library_path": str(made.library), "token": token.LABEL, "user_pin": {"env": "BENCH_PIN"}}
    return Place(backend={"backend": "hsm", "options": options}, variables=made.variables)
