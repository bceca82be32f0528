"""The start-up part: each of our commands beside the commands of peers that do the same, and beside limits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.command import BenchError, run
from bench.measure import alternately
from bench.peers import cfssl, django_ca, easy_rsa, openssl_ca
from bench.results import Comparison, Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.anchorhold_setup import Anchorhold
    from bench.command import Command
    from bench.peers.peer import Peer, PeerModule

PEERS: tuple[PeerModule, ...] = (django_ca, openssl_ca, easy_rsa, cfssl)
PARSER = "import typer, cryptography.x509"
WITH_LEDGER = "import typer, cryptography.x509, sqlite3"
IDLE_COMMAND = "an idle typer command with these imports"
IDLE_HELP = "the help of an idle typer command with 40 options"
LIMITS = {
    "--help": ("import typer", PARSER),
    "init-ca --help": (PARSER, IDLE_HELP),
    "list-cas": (PARSER,),
    "view-ca": (PARSER,),
    "sign-cert": (PARSER, WITH_LEDGER, IDLE_COMMAND),
}
"""An interpreter that only imports, or that runs a command without content: typer imports pydantic to read options."""
CODE = {
    IDLE_COMMAND: f"{WITH_LEDGER}\ndef idle(name: str = ''): pass\ntyper.run(idle)",
    IDLE_HELP: f"""
import sys
{PARSER}
options = ", ".join(f"o{{n}}: str = typer.Option('', help='What it is for, in a sentence.')" for n in range(40))
exec(f"def idle({{options}}): pass")
sys.argv = ["idle", "--help"]
typer.run(idle)
""",
}
"""What is run for a limit that is not named by its code."""
TARGETS = {
    ("--help", "import typer"): Target(sign="<=", ratio=2.0),
    ("init-ca --help", PARSER): Target(sign="<=", ratio=2.2),
    ("sign-cert", "django-ca sign_cert"): Target(sign="<=", ratio=0.24),
    ("sign-cert", WITH_LEDGER): Target(sign="<=", ratio=1.9),
}


def prepare_peers(cache: Path, request: Path) -> dict[str, Peer | str]:
    """Set up all peers; for one that cannot be had, the reason."""
    prepared: dict[str, Peer | str] = {}
    for module in PEERS:
        try:
            prepared[module.NAME] = module.prepare(cache, request)
        except BenchError as error:
            first, *more = str(error).splitlines()
            prepared[module.NAME] = " ".join([first, *more[-1:]])  # a command line, and the last it said
    return prepared


def startup_lines(
    ours: Anchorhold, peers: Mapping[str, Peer | str], request: Path, pairs: int
) -> Iterator[list[Comparison]]:
    """Measure each of our commands with all others that do the same in turn, one command after the other."""
    for name, command in ours.measured(request).items():
        sides = {limit: ours.python(CODE.get(limit, limit)) for limit in LIMITS[name]}
        missing: dict[str, str] = {}
        for module in PEERS:
            peer = peers[module.NAME]
            for line in module.LINES.get(name, ()):
                if isinstance(peer, str):
                    missing[line] = peer
                else:
                    sides[line] = peer.commands[line]
        yield [
            *_measured(name, command, sides, pairs),
            *(Comparison(labels=(name,), against=line, not_measured=reason) for line, reason in missing.items()),
        ]


def _measured(name: str, command: Command, others: Mapping[str, Command], pairs: int) -> list[Comparison]:
    sides = {"": command, **others}
    times = alternately({side: partial(_milliseconds, sides[side]) for side in sides}, pairs)
    return [
        Comparison(
            labels=(name,), against=other, ours=times[""], theirs=times[other], target=TARGETS.get((name, other))
        )
        for other in others
    ]


def _milliseconds(command: Command) -> float:
    return run(command).seconds * 1000
