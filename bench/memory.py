"""The memory part: what a process that issues and issues holds on to.

``python -m bench.memory single|batch FROM TO FOLDER`` is the process itself; it prints its resident size twice, in kB.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command import Command, bare_environment, run
from bench.folders import REPOSITORY, fresh_folder
from bench.issuance.kinds import HOST
from bench.issuance.request import request
from bench.results import Memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.modes import Mode

PROCESSES = Path("/proc")
STEP = 1000
"""Certificates to a batch."""
LIMIT = 5.0
"""Megabytes by which the process may grow."""
HOW = {"single": "one at a time", "batch": f"batches of {STEP:,}"}


def memory_lines(cache: Path, mode: Mode) -> Iterator[Memory]:
    """Measure both ways of issuing, each in a process of its own; none where the system does not tell sizes."""
    if not PROCESSES.exists():
        return
    for task, how in HOW.items():
        folder = fresh_folder(cache / "memory")
        argv = (sys.executable, "-m", "bench.memory", task, *map(str, mode.memory), str(folder))
        before, after = run(Command(argv, bare_environment(folder), REPOSITORY)).stdout.split()
        yield Memory(
            how=how, certificates=mode.memory, megabytes=(int(before) * 1.024e-3, int(after) * 1.024e-3), limit=LIMIT
        )


def _main(task: str, first: int, last: int, folder: Path) -> None:
    import anchorhold

    order = anchorhold.Order(csr=request(), names=[HOST])
    environment = {"ANCHORHOLD_CA_DIR": str(folder / "ca"), "HOME": str(folder)}
    with anchorhold.open_installation(environment=environment) as installation:
        installation.authorities.create("Bench", "CN=Bench")
        with installation.certificates.issuer("Bench") as issuer:
            for issued in range(STEP, last + 1, STEP):
                if task == "batch":
                    issuer.sign_many([order] * STEP)
                else:
                    for _ in range(STEP):
                        issuer.sign(order)
                if issued in (first, last):
                    print(resident())


def resident(process: int | str = "self") -> int:
    """Resident size of a process in kB of 1,024 octets, as Linux counts."""
    status = (PROCESSES / str(process) / "status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
