"""``python -m bench [quick|full] [--markdown FILE]``: measure start-up and issuance, and print the tables.

To be run from the repository's root, in an environment where anchorhold is installed from its wheels.
"""

import argparse
import sys
from pathlib import Path

from bench import anchorhold_setup
from bench.command import BenchError
from bench.facts import facts
from bench.folders import cache_folder, fresh_folder
from bench.issuance.rates import HEADINGS as ISSUANCE_HEADINGS
from bench.issuance.rates import issuance_rows
from bench.measure import PAIRS, measure
from bench.openssl import make_request, openssl_version
from bench.peers import django_ca, openssl_ca
from bench.report import HEADINGS, as_markdown, as_text, row
from bench.startup import startup_lines


def main() -> None:
    """Read the arguments, run the benchmark, and end with one clear sentence where it cannot go on."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure how fast anchorhold starts and issues."
    )
    parser.add_argument("mode", nargs="?", choices=PAIRS, default="full", help="how many pairs to run for a line")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables to FILE as Markdown, too")
    arguments = parser.parse_args()
    try:
        benchmark(PAIRS[arguments.mode], arguments.markdown)
    except BenchError as error:
        sys.exit(f"bench: {error}")


def benchmark(pairs: int, markdown: Path | None) -> None:
    """Set up all sides, measure every line, and report."""
    cache = cache_folder()
    request = make_request(fresh_folder(cache / "request"))
    ours = anchorhold_setup.prepare(cache, request)
    progress("preparing the peers")
    django = django_ca.prepare(cache, request)
    openssl = openssl_ca.prepare(cache, request)
    stated = facts(django.versions, openssl_version(cache), pairs)
    rows = []
    for line in startup_lines(ours, django, openssl, request):
        progress(f"measuring {line.name} against {line.against}")
        rows.append(row(line, measure(line.ours, line.peer, pairs)))
    print(as_text(stated, HEADINGS, rows))
    progress("measuring issuance against its limit")
    issued = list(issuance_rows(cache, pairs))
    print("\n" + as_text({}, ISSUANCE_HEADINGS, issued))
    if markdown is not None:
        tables = (as_markdown(stated, HEADINGS, rows), as_markdown({}, ISSUANCE_HEADINGS, issued))
        markdown.write_text("\n\n".join(tables) + "\n")


def progress(text: str) -> None:
    """Tell what is going on without mixing it into the table."""
    print(f"bench: {text}", file=sys.stderr)


if __name__ == "__main__":
    main()
