"""``python -m bench [quick|full|page] [--part PART] [--page]``: measure, and print the tables.

To be run in an environment where anchorhold is installed from its wheels. ``--page`` also writes the tables and plots
into the documentation, and waits for a quiet machine first; ``page`` writes them again from the results that stand
there, and measures nothing.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bench import page
from bench.command import BenchError
from bench.databases import open_databases
from bench.facts import facts, wait_for_quiet
from bench.folders import cache_folder, fresh_folder
from bench.modes import MODES, Mode
from bench.openssl import make_request
from bench.parts import PARTS, Run, tell
from bench.results import Results
from bench.startup import prepare_peers
from bench.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.peers.peer import Peer


def main() -> None:
    """Read the arguments, run the benchmark, and end with one clear sentence where it cannot go on."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure anchorhold beside its peers and its limits."
    )
    parser.add_argument("mode", nargs="?", choices=[*MODES, "page"], default="full", help="how much to measure")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part; may be given several times")
    parser.add_argument("--page", action="store_true", help="write tables and plots into the documentation")
    arguments = parser.parse_args()
    if arguments.page and arguments.part:
        parser.error("the page shows all parts of one run: leave out --part")
    try:
        results = (
            Results.read(page.RESULTS)
            if arguments.mode == "page"
            else benchmark(
                MODES[arguments.mode], arguments.part or MODES[arguments.mode].parts, published=arguments.page
            )
        )
        if arguments.page or arguments.mode == "page":
            page.write(results)
    except BenchError as error:
        sys.exit(f"bench: {error}")


def benchmark(mode: Mode, parts: Iterable[str], *, published: bool) -> Results:
    """Set up all sides, measure the parts, and print their tables; the results are kept in the scratch folder, too.

    What is published is measured on a quiet machine.
    """
    cache = cache_folder()
    tell("preparing the peers")
    request = make_request(fresh_folder(cache / "request"))
    peers = prepare_peers(cache, request)
    if published:
        tell("waiting until the machine is quiet")
        wait_for_quiet()
    with open_databases() as databases:
        results = Results(facts=facts(mode, databases.version(), _versions(peers)))
        run = Run(mode=mode, cache=cache, request=request, peers=peers, databases=databases, results=results)
        for part in parts:
            PARTS[part](run)
    results.write(cache / "results.json")
    tables = [table(results) for table in TABLES.values()]
    print("\n\n".join(table.as_text() for table in tables if table.rows))
    return results


def _versions(peers: Mapping[str, Peer | str]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for name, peer in peers.items():
        versions |= {name: f"not measured: {peer}"} if isinstance(peer, str) else peer.versions
    return versions


if __name__ == "__main__":
    main()
