"""The parts of a run, each of which measures and adds its lines to the results."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import anchorhold_setup
from bench.distant.lines import distant_lines
from bench.folders import fresh_folder
from bench.growth.lines import growth_lines
from bench.hsm import token
from bench.hsm.lines import token_lines
from bench.issuance.lines import issuance_lines
from bench.lent.lines import lent_lines
from bench.memory import memory_lines
from bench.ocsp.lines import ocsp_lines
from bench.peers import django_ca
from bench.results import Comparison
from bench.revocation.lines import crl_lines
from bench.serving.lines import serving_lines
from bench.startup import startup_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bench.databases import Databases
    from bench.modes import Mode
    from bench.peers.peer import Peer
    from bench.results import Results


_STARTED = time.perf_counter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What all parts share.

    Attributes:
        mode: How much to measure.
        cache: The scratch folder.
        request: A signing request.
        peers: By name; for one that could not be had, the reason.
        databases: That ledgers can be put on.
        results: Where lines are added.
    """

    mode: Mode
    cache: Path
    request: Path
    peers: Mapping[str, Peer | str]
    databases: Databases
    results: Results

    def missing(self, name: str) -> str | None:
        """Why that peer cannot be measured; None if it can."""
        peer = self.peers[name]
        return peer if isinstance(peer, str) else None


def startup(run: Run) -> None:
    """Measure how quickly commands start."""
    ours = anchorhold_setup.prepare(run.cache, run.request)
    for lines in startup_lines(ours, run.peers, run.request, run.mode.pairs):
        run.results.startup.extend(lines)
        progress("start-up", lines)


def issuance(run: Run) -> None:
    """Measure how many certificates are issued per second."""
    for lines in issuance_lines(run.cache, run.mode, run.databases, run.missing(django_ca.NAME)):
        run.results.issuance.extend(lines)
        progress("issuance", lines)


def hsm(run: Run) -> None:
    """Measure keys in a token."""
    missing = token.missing()
    if missing is not None:
        run.results.token.append(Comparison(labels=("all", ""), against="all", not_measured=missing))
        return
    made = token.make_token(fresh_folder(run.cache / "hsm-token"))
    run.results.facts["SoftHSM"] = token.version(made)
    for lines in token_lines(run.cache, run.mode, made, run.missing(django_ca.NAME)):
        run.results.token.extend(lines)
        progress("token", lines)


def crl(run: Run) -> None:
    """Measure lists of revoked certificates."""
    for lines in crl_lines(run.cache, run.mode):
        run.results.crl.extend(lines)
        progress("CRL", lines)


def ocsp(run: Run) -> None:
    """Measure the server's OCSP answers."""
    for lines in ocsp_lines(run.cache, run.request, run.mode, run.missing(django_ca.NAME)):
        run.results.ocsp.extend(lines)
        progress("OCSP", lines)


def growth(run: Run) -> None:
    """Measure the ledger as it grows."""
    for lines, plans in growth_lines(run.cache, run.mode, run.databases):
        run.results.growth.extend(lines)
        run.results.plans.extend(plans)
        progress("growth", lines)


def memory(run: Run) -> None:
    """Measure what a process that issues holds on to."""
    for line in memory_lines(run.cache, run.mode):
        run.results.memory.append(line)
        tell(f"memory, {line.how}: done")


def distant(run: Run) -> None:
    """Measure keys across a network."""
    for lines in distant_lines(run.cache, run.mode):
        run.results.distant.extend(lines)
        progress("distant keys", lines)


def lent(run: Run) -> None:
    """Measure keys on another host."""
    for lines in lent_lines(run.cache, run.mode, run.databases):
        run.results.lent.extend(lines)
        progress("lent keys", lines)


def serving(run: Run) -> None:
    """Measure the start and the memory of a server with many authorities."""
    lines = serving_lines(run.cache, run.mode)
    run.results.serving.extend(lines)
    progress("serving", lines)


PARTS: dict[str, Callable[[Run], None]] = {
    "startup": startup,
    "issuance": issuance,
    "token": hsm,
    "crl": crl,
    "ocsp": ocsp,
    "growth": growth,
    "memory": memory,
    "distant": distant,
    "lent": lent,
    "serving": serving,
}
"""By name, in the order in which they are run."""


def progress(part: str, lines: list[Comparison]) -> None:
    """Tell which lines are done."""
    for line in lines:
        what = f"{part}, {', '.join(line.labels)}, against {line.against}"
        tell(f"{what}: {'not measured' if line.not_measured else f'{line.ratio:.2f}'}")


def tell(text: str) -> None:
    """Tell what is going on, and since how many seconds, without mixing it into the tables."""
    print(f"bench: {time.perf_counter() - _STARTED:4.0f} s  {text}", file=sys.stderr, flush=True)
