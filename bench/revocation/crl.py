"""``python -m bench.revocation.crl N [DATABASE]``: lists of N revoked certificates, beside ``openssl ca -gencrl``.

The whole command is measured on both sides, from start to exit: ``anchorhold generate-crls`` records the list durably,
``openssl ca -gencrl`` writes it to a file. The lines "made in" are the making alone, in a process that has started
already. DATABASE is ``SQLite`` (the default) or ``PostgreSQL``.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from cryptography import x509

import anchorhold
from bench.anchorhold_setup import EXECUTABLE
from bench.command import BenchError, Command, bare_environment, run
from bench.databases import SQLITE, open_databases
from bench.folders import REPOSITORY, cache_folder, fresh_folder
from bench.openssl import openssl
from bench.revocation.filled import expire, fill_ledger, forget_lists, write_index
from bench.revocation.measured import Measured, measured

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation

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
MORE = 100
"""Revocations between the first list and the next one."""
ROUNDS = 3
"""Runs, of which the quickest counts: what else the machine does only adds to them."""
FIRST, NEXT, EXPIRED = "generate-crls, the first", f"after {MORE} more", f"after {MORE} have expired"


def main() -> None:
    """Measure, and print a table."""
    count, database = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else SQLITE
    folder = fresh_folder(cache_folder() / "revocation")
    with open_databases() as databases, databases.new(database) as url:
        lines = {"openssl ca -gencrl": _openssl(folder, count), **_ours(folder, url, count)}
    print(f"{count:,} revoked certificates, {database}, the quickest of {ROUNDS} runs")
    for name, runs in sorted(lines.items(), key=lambda line: line[0].endswith("made in")):
        seconds, busy = min(run.seconds for run in runs), min(run.busy for run in runs)
        print(f"{name:34} {seconds:7.2f} s {busy:7.2f} s busy {max(run.megabytes for run in runs):7.0f} MB")


def _openssl(folder: Path, count: int) -> list[Measured]:
    (folder / "ca.cnf").write_text(CONFIGURATION)
    (folder / "crlnumber").write_text("01\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "authority.key")
    run(openssl(folder, "req", "-x509", *key, "-subj", "/CN=Bench", "-days", "3650", "-out", "authority.pem"))
    write_index(folder / "index.txt", count)
    command = openssl(folder, "ca", "-config", "ca.cnf", "-gencrl", "-out", "openssl.pem")
    return [measured(command) for _ in range(ROUNDS)]


def _ours(folder: Path, url: str, count: int) -> dict[str, list[Measured]]:
    environment = bare_environment(folder, ANCHORHOLD_CA_DIR=str(folder / "ca"))
    environment |= {"ANCHORHOLD_DATABASE": url} if url else {}
    command = Command((str(EXECUTABLE), "generate-crls", "Bench"), environment, folder)
    making = Command((sys.executable, "-m", "bench.revocation.making"), environment, REPOSITORY)
    lines: dict[str, list[Measured]] = {}
    with anchorhold.open_installation(environment=environment) as installation:
        authority_id = installation.create_authority("Bench", "CN=Bench").record.id
        fill_ledger(installation, authority_id, count)
        for number in range(2 * ROUNDS):
            how = ("", " made in")[number % 2]
            forget_lists(installation)
            lines.setdefault(FIRST + how, []).append(_inside(making) if how else measured(command))
            fill_ledger(installation, authority_id, MORE, first=count + number * MORE)
            time.sleep(1)  # lists of the same second see nothing expire
            lines.setdefault(NEXT + how, []).append(_inside(making) if how else measured(command))
            expire(installation, MORE)
            lines.setdefault(EXPIRED + how, []).append(_inside(making) if how else measured(command))
        _check(installation, count)
    return lines


def _inside(command: Command) -> Measured:
    """What the process says it took, instead of what it took from start to exit."""
    run = measured(command)
    seconds, busy = map(float, run.said.split())
    return Measured(seconds, busy, run.megabytes, "")


def _check(installation: Installation, count: int) -> None:
    """A list that is made fast because something is missing would otherwise pass for a fast one."""
    made = installation.crl("Bench")
    if made is None or len(x509.load_der_x509_crl(made.der)) != count:
        raise BenchError(f"the list has not the {count:,} entries that it must have")


if __name__ == "__main__":
    main()
