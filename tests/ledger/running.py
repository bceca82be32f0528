"""Programs that the tests of the ledger run in processes of their own, all at once."""

from __future__ import annotations

import subprocess
import textwrap
import time
from typing import TYPE_CHECKING

from forked import forked

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = """
import sys, time
from pathlib import Path
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from anchorhold.databases import open_database
from anchorhold.ledger.migrations import MIGRATIONS

number, count = sys.argv[1:]

def meet(place):
    Path(f"{place}.{number}").touch()
    while not all(Path(f"{place}.{other}").exists() for other in range(int(count))):
        time.sleep(0.0005)

"""


def run_at_once(count: int, folder: Path, program: str) -> list[str]:
    """Run a program in several processes; what each printed.

    The program calls ``meet("name")`` where it is to wait until all of them are there. The test fails with the
    errors of those that fail.
    """
    source = _HEAD + textwrap.dedent(program)
    processes = [
        subprocess.Popen(
            [*forked(), "-W", "error", "-c", source, str(number), str(count)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    deadline = time.monotonic() + 60
    while any(process.poll() is None for process in processes):
        if any(process.poll() for process in processes) or time.monotonic() > deadline:
            for process in processes:  # the others would wait for one that has failed
                process.terminate()
        time.sleep(0.01)
    ended = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * count, "\n".join(error for _, error in ended)
    return [output for output, _ in ended]
