"""The distant part: a batch beside the same batch without the distance, and what `serve` has under way."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Final

from bench.command import Command
from bench.distant.service import signing_service
from bench.folders import REPOSITORY, fresh_folder
from bench.measure import alternately
from bench.ocsp.house import House, make_house, requests_for
from bench.ocsp.sides import ours as served
from bench.ocsp.sides import posted, running
from bench.results import Comparison, Target
from bench.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.distant.service import Service
    from bench.modes import Mode

CERTIFICATES: Final = 200
AT_ONCE: Final = 16
"""Signatures that the service takes at once."""
NEAR: Final = 0.020
FAR: Final = 0.200
"""Seconds that each request to it takes."""
CLIENTS: Final = 40
ROUNDS: Final = CERTIFICATES / AT_ONCE
"""Round trips that a batch waits for at least, one signature by a request."""
LIMIT: Final = Target(sign="<=", ratio=1.0)
NO_DISTANCE: Final = 0.0


def distant_lines(cache: Path, mode: Mode) -> Iterator[list[Comparison]]:
    """Measure batches of both backends, and the server."""
    with signing_service() as service:
        yield _batches(cache, mode, service)
        yield [_in_flight(cache, service)]


def _batches(cache: Path, mode: Mode, service: Service) -> list[Comparison]:
    with ExitStack() as stack:
        one, fifty = (
            stack.enter_context(Worker(_command(service.environment(fresh_folder(cache / f"distant-{name}"), name))))
            for name in ("sixteen", "batch")
        )
        sides = {
            "near, none": partial(_seconds, service, one, NO_DISTANCE),
            "near": partial(_seconds, service, one, NEAR),
            "fifty, none": partial(_seconds, service, fifty, NO_DISTANCE),
            "fifty": partial(_seconds, service, fifty, NEAR),
            "far": partial(_seconds, service, one, FAR),
        }
        measured = alternately(sides, mode.pairs)
    by_one = tuple(seconds + 1.5 * ROUNDS * NEAR for seconds in measured["near, none"])
    by_fifty = tuple(seconds + 4 * NEAR for seconds in measured["fifty, none"])
    what = f"{CERTIFICATES} certificates, seconds"
    return [
        _line((what, "20 ms"), "0 ms and 1.5 times 12.5 round trips", measured["near"], by_one),
        _line((what, "20 ms, 50 by a request"), "0 ms and 4 round trips", measured["fifty"], by_fifty),
        _line((what, "200 ms"), "3.5 seconds", measured["far"], (3.5,) * mode.pairs),
    ]


def _line(labels: tuple[str, ...], against: str, ours: tuple[float, ...], theirs: tuple[float, ...]) -> Comparison:
    return Comparison(labels=labels, against=against, ours=ours, theirs=theirs, target=LIMIT)


def _seconds(service: Service, worker: Worker, latency: float) -> float:
    service.plan(latency=latency)
    return worker.seconds("batch", CERTIFICATES)


def _command(environment: dict[str, str]) -> Command:
    variables = {"PATH": os.environ["PATH"], **environment}
    return Command((sys.executable, "-m", "bench.distant.ours"), variables, REPOSITORY)


def _in_flight(cache: Path, service: Service) -> Comparison:
    """How many signatures the server has under way while many clients ask, each for one of its own."""
    folder = fresh_folder(cache / "distant-serve")
    house = _house(folder, service)
    _, asking = requests_for(house.leaf, house.issuer, folder)
    request = asking.read_bytes()
    service.plan(latency=NEAR, seen=dict.fromkeys(service.seen(), 0))
    with running(served(house, folder, 1)) as server:
        clients = [Thread(target=_ask, args=(server.url, request)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    return Comparison(
        labels=("signatures of `serve` under way", f"{CLIENTS} clients, 20 ms"),
        against=f"{AT_ONCE} that the key takes",
        ours=(float(service.seen()["most_at_once"]),),
        theirs=(float(AT_ONCE),),
        target=Target(sign=">=", ratio=0.75),
    )


def _house(folder: Path, service: Service) -> House:
    """An authority whose keys are in the service."""
    environment = service.environment(folder, "sixteen")
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
    house = make_house(folder, environment)
    return House({**environment, **house.environment}, house.issuer, house.leaf)


def _ask(url: str, request: bytes) -> None:
    for _ in range(10):
        posted(url, request)
