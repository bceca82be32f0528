"""The CRL part: lists of many entries beside ``openssl ca -gencrl``, and the next list beside the first one.

The whole command is measured on both sides, from start to exit: ``anchorhold generate-crls`` records the list durably,
``openssl ca -gencrl`` writes it to a file. The making alone, as `anchorhold maintain` does it, is measured in a process
that has started already, beside a loop that only does the work (see `bench.revocation.bare`).
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509

import anchorhold
from bench.anchorhold_setup import EXECUTABLE
from bench.command import BenchError, Command, bare_environment, run
from bench.folders import REPOSITORY, fresh_folder
from bench.openssl import openssl
from bench.results import Comparison, Target
from bench.revocation.filled import expire, fill_ledger, forget_lists, write_index
from bench.revocation.measured import Measured, measured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from bench.modes import Mode

CONFIGURATION = """\
[ca]
default_ca = bench
[bench]
database = index.txt
certificate = authority.pem
private_key = authority.key
crlnumber = crlnumber
default_md = sha256
default_crl_days = 7
crl_extensions = list
[list]
authorityKeyIdentifier = keyid
"""
MILLION = 1_000_000
MORE = 100
"""Revocations between the first list and the next one."""
ROUNDS = 5
"""Of all sides in turn, after one to warm up."""
OPENSSL = "openssl ca -gencrl"
FIRST, NEXT, EXPIRED = "the first list", f"after {MORE} more", f"after {MORE} have expired"
BARE = "bare loop"
GIB = 1024**3 / 1e6
"""In millions of octets."""
ENOUGH = 200.0
"""What a list of a million may take, in the same unit."""


@dataclass(slots=True)
class Runs:
    """What one side measured, round by round.

    Attributes:
        seconds: Each run.
        megabytes: Peak resident size of each.
    """

    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def add(self, one: Measured, seconds: float | None = None) -> None:
        """One more run."""
        self.seconds.append(one.seconds if seconds is None else seconds)
        self.megabytes.append(one.megabytes)


def crl_lines(cache: Path, mode: Mode) -> Iterator[list[Comparison]]:
    """Measure each size, and what an entry takes at the largest one beside the smallest."""
    each: dict[int, tuple[float, ...]] = {}
    for size in mode.revoked:
        runs = _measured(fresh_folder(cache / "revocation"), size)
        each[size] = tuple(1e6 * seconds / size for seconds in runs[f"{FIRST}, made"].seconds)
        yield _lines(runs, size)
    small, large = mode.revoked[0], mode.revoked[-1]
    if small != large:
        linear = Target(sign="<=", ratio=1.25)
        labels = ("an entry of the first list, µs", f"{large:,}")
        yield [
            Comparison(labels=labels, against=f"{small:,} entries", ours=each[large], theirs=each[small], target=linear)
        ]


def _lines(runs: dict[str, Runs], size: int) -> list[Comparison]:
    is_long = size >= MILLION  # of fewer, the first takes a moment only
    next_list, memory, near_bare = (Target(sign="<=", ratio=ratio) if is_long else None for ratio in (0.2, 1.0, 1.25))
    first, openssl = runs[FIRST], runs[OPENSSL]
    rounds, made = len(first.megabytes), runs[f"{FIRST}, made"].seconds
    sides = (
        ("the first list, s", OPENSSL, first.seconds, openssl.seconds, Target(sign="<=", ratio=2.0)),
        (f"{NEXT}, s", OPENSSL, runs[NEXT].seconds, openssl.seconds, None),
        (f"{EXPIRED}, s", OPENSSL, runs[EXPIRED].seconds, openssl.seconds, None),
        ("memory, MB", OPENSSL, first.megabytes, openssl.megabytes, None),
        ("memory, MB", "1 GiB", first.megabytes, (GIB,) * rounds, Target(sign="<=", ratio=1.0)),
        ("memory, MB", f"{ENOUGH:.0f} MB", first.megabytes, (ENOUGH,) * rounds, memory),
        (f"{FIRST}, made in s", BARE, made, runs[BARE].seconds, near_bare),
        *(
            (f"{name}, made in s", FIRST, runs[f"{name}, made"].seconds, made, target)
            for name, target in ((NEXT, next_list), (EXPIRED, None))
        ),
    )
    return [
        Comparison(labels=(label, f"{size:,}"), against=against, ours=tuple(ours), theirs=tuple(theirs), target=target)
        for label, against, ours, theirs, target in sides
    ]


def _measured(folder: Path, size: int) -> dict[str, Runs]:
    """All sides in turn; the first round warms up."""
    theirs = _openssl(folder, size)
    environment = bare_environment(folder, ANCHORHOLD_CA_DIR=str(folder / "ca"))
    command = Command((str(EXECUTABLE), "generate-crls", "Bench"), environment, folder)
    making = Command((sys.executable, "-m", "bench.revocation.making"), environment, REPOSITORY)
    files = (str(folder / "ca" / "ledger.sqlite3"), str(folder / "bare.sqlite3"))
    bare = Command((sys.executable, "-m", "bench.revocation.bare", *files), environment, REPOSITORY)
    lists = (f"{name}{how}" for name in (FIRST, NEXT, EXPIRED) for how in _HOW)
    runs = {name: Runs() for name in (OPENSSL, BARE, *lists)}
    with _filled(environment, size) as filled:
        for number in range(ROUNDS + 1):
            there = measured(theirs)
            limit = measured(bare)
            ours = {how: filled.lists(command if not how else making) for how in _HOW}
            if number == 0:
                continue
            runs[OPENSSL].add(there)
            runs[BARE].add(limit, float(limit.said.split()[0]))
            for how, made in ours.items():
                for name, one in made.items():
                    runs[f"{name}{how}"].add(one, float(one.said.split()[0]) if how else None)
        filled.check(size)
    return runs


_HOW = ("", ", made")
"""The whole command, and the making alone."""


@dataclass(slots=True)
class _Filled:
    """An installation with revoked certificates."""

    installation: Installation
    authority_id: int
    count: int

    def lists(self, command: Command) -> dict[str, Measured]:
        """Make the first list, the next one, and one after some have expired."""
        forget_lists(self.installation)
        first = measured(command)
        fill_ledger(self.installation, self.authority_id, MORE, first=self.count)
        self.count += MORE
        time.sleep(1)  # lists of the same second see nothing expire
        following = measured(command)
        expire(self.installation, MORE)
        return {FIRST: first, NEXT: following, EXPIRED: measured(command)}

    def check(self, count: int) -> None:
        """A list that is made fast because something is missing would otherwise pass for a fast one."""
        made = self.installation.crls.latest("Bench")
        if made is None or len(x509.load_der_x509_crl(made.der)) != count:
            raise BenchError(f"the list has not the {count:,} entries that it must have")


@contextmanager
def _filled(environment: dict[str, str], size: int) -> Iterator[_Filled]:
    with anchorhold.open_installation(environment=environment) as installation:
        authority_id = installation.authorities.create("Bench", "CN=Bench").record.id
        fill_ledger(installation, authority_id, size)
        yield _Filled(installation, authority_id, size)


def _openssl(folder: Path, size: int) -> Command:
    (folder / "ca.cnf").write_text(CONFIGURATION)
    (folder / "crlnumber").write_text("01\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "authority.key")
    run(openssl(folder, "req", "-x509", *key, "-subj", "/CN=Bench", "-days", "3650", "-out", "authority.pem"))
    write_index(folder / "index.txt", size)
    return openssl(folder, "ca", "-config", "ca.cnf", "-gencrl", "-out", "openssl.pem")
