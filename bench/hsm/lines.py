"""The token part: signatures beside a bare loop and one in C, certificates beside django-ca, threads beside one."""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command import Command, bare_environment, run
from bench.folders import REPOSITORY, fresh_folder
from bench.measure import alternately
from bench.peers import django_ca
from bench.results import Comparison, Target
from bench.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.hsm.token import Token
    from bench.measure import Side
    from bench.modes import Mode

THREADS = 8
BATCH = 1000
SIGNATURES, IN_THREADS = "signatures", f"signatures, {THREADS} threads"
SINGLE, BATCHES = "certificates, one at a time", f"certificates, batches of {BATCH:,}"
BARE, LOOP, ONE_THREAD = "python-pkcs11", "a loop in C", "one thread"
DJANGO = {"django-ca": "delete", "django-ca, WAL": "wal"}
"""How it is reported, and the journal of its database."""
THREAD_TARGETS = {"EC P-256": Target(sign=">=", ratio=0.75), "RSA-2048": Target(sign=">=", ratio=1.3)}
KINDS = tuple(THREAD_TARGETS)
ISSUING = "EC P-256"
"""The kind of key that certificates are issued with."""
TARGETS = {
    (ISSUING, SIGNATURES, BARE): Target(sign=">=", ratio=0.80),
    **{(ISSUING, SINGLE, peer): Target(sign=">=", ratio=3.2) for peer in DJANGO},
    **{(ISSUING, BATCHES, peer): Target(sign=">=", ratio=12.0) for peer in DJANGO},
    **{(kind, IN_THREADS, ONE_THREAD): target for kind, target in THREAD_TARGETS.items()},
}
SOURCE = Path(__file__).with_name("loop.c")


def token_lines(cache: Path, mode: Mode, token: Token, django_missing: str | None) -> Iterator[list[Comparison]]:
    """Measure both kinds of key in a fresh token, one after the other."""
    loop = _compiled(cache)
    for kind in KINDS:
        with ExitStack() as stack:
            ours = stack.enter_context(Worker(_python("bench.hsm.ours", token, kind, str(fresh_folder(cache / "hsm")))))
            bare = stack.enter_context(Worker(_python("bench.hsm.bare", token, kind)))
            peers = {BARE: bare}
            if isinstance(loop, Path):
                native = Command((str(loop), kind), bare_environment(cache, **token.variables), cache)
                peers[LOOP] = stack.enter_context(Worker(native))
            yield _signatures(kind, ours, peers, mode)
            if not isinstance(loop, Path):
                yield [Comparison(labels=(kind, SIGNATURES), against=LOOP, not_measured=loop)]
            yield _threads(kind, ours, mode)
            if kind == ISSUING:
                yield from _certificates(cache, ours, token, mode, django_missing)


def _signatures(kind: str, ours: Worker, peers: Mapping[str, Worker], mode: Mode) -> list[Comparison]:
    workers = {"": ours, **peers}
    counts = {name: worker.fills("sign", mode.seconds) for name, worker in workers.items()}
    sides: dict[str, Side] = {name: partial(_rate, workers[name], "sign", count) for name, count in counts.items()}
    sides[""] = partial(_verified, ours, sides[""])
    return _compared((kind, SIGNATURES), sides, mode.pairs)


def _threads(kind: str, ours: Worker, mode: Mode) -> list[Comparison]:
    one, many = ours.fills("sign", mode.seconds), ours.fills("threads", mode.threads, least=THREADS)
    sides = {
        "": partial(_verified, ours, partial(_rate, ours, "threads", many // THREADS * THREADS)),
        ONE_THREAD: partial(_verified, ours, partial(_rate, ours, "sign", one)),
    }
    return _compared((kind, IN_THREADS), sides, mode.pairs)


def _certificates(
    cache: Path, ours: Worker, token: Token, mode: Mode, django_missing: str | None
) -> Iterator[list[Comparison]]:
    if django_missing is not None:
        yield [Comparison(labels=(ISSUING, SINGLE), against=peer, not_measured=django_missing) for peer in DJANGO]
        return
    module = ("-m", "bench.issuance.django_side", ISSUING, "hsm")
    with ExitStack() as stack:
        peers = {
            name: stack.enter_context(
                Worker(
                    django_ca.project(cache).python(
                        *module, PYTHONPATH=str(REPOSITORY), JOURNAL=journal, **token.variables
                    )
                )
            )
            for name, journal in DJANGO.items()
        }
        theirs = {
            name: partial(_rate, worker, "single", worker.fills("single", mode.seconds))
            for name, worker in peers.items()
        }
        for label, task, count in ((SINGLE, "single", ours.fills("single", mode.seconds)), (BATCHES, "batch", BATCH)):
            yield _compared((ISSUING, label), {"": partial(_rate, ours, task, count), **theirs}, mode.pairs)


def _compared(labels: tuple[str, str], sides: Mapping[str, Side], pairs: int) -> list[Comparison]:
    """Measure all sides in turn; ours is the one without a name."""
    rates = alternately(sides, pairs)
    return [
        Comparison(labels=labels, against=name, ours=rates[""], theirs=rates[name], target=TARGETS.get((*labels, name)))
        for name in rates
        if name
    ]


def _rate(worker: Worker, task: str, count: int) -> float:
    return count / worker.seconds(task, count)


def _verified(worker: Worker, side: Side) -> float:
    """What a side measured, after a look at every signature that it made: a wrong one ends the benchmark."""
    rate = side()
    worker.seconds("verify", 0)
    return rate


def _python(module: str, token: Token, *arguments: str) -> Command:
    argv = (sys.executable, "-m", module, *arguments)
    return Command(argv, bare_environment(token.folder, **token.variables), REPOSITORY)


def _compiled(cache: Path) -> Path | str:
    """The loop in C, or why there is none."""
    compiler = shutil.which("cc")
    if compiler is None:
        return "no C compiler (Debian's package gcc) is there"
    loop = fresh_folder(cache / "hsm-loop") / "loop"
    run(Command((compiler, "-O2", "-Wall", "-o", str(loop), str(SOURCE), "-ldl"), bare_environment(cache), cache))
    return loop
