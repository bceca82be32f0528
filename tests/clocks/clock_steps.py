"""What the tests of clocks share: commands and servers as processes whose clock is wrong, by libfaketime."""

from __future__ import annotations

import os
import sys
from functools import cache
from subprocess import run
from typing import TYPE_CHECKING

from cryptography import x509

from conftest import Outcome
from programs import program

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation


SLEEPING = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds)\n"
"""Python sleeps until a moment, which libfaketime turns into a span: one below zero now and then, and then it fails."""


def at(shift: str, *arguments: str) -> Outcome:
    """Run ``anchorhold`` as a process whose clock is wrong by so much, such as ``+10y``, ``-180`` (seconds)."""
    variables = {**os.environ, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    command = [program("faketime"), "-f", shift, sys.executable, "-m", "anchorhold", *arguments]
    ended = run(command, env=variables, capture_output=True, timeout=120, check=False)
    while b"sem_open: File exists" in ended.stderr:  # of a killed process that had its number; nothing was run
        ended = run(command, env=variables, capture_output=True, timeout=120, check=False)
    return Outcome(ended.returncode, ended.stdout, ended.stderr.decode())


@cache
def _library() -> str:
    """What `faketime` has the loader load, in the kind for programs with threads."""
    shown = run([program("faketime"), "-f", "+0", "printenv", "LD_PRELOAD"], capture_output=True, check=True)
    return shown.stdout.decode().strip().replace("libfaketime.so", "libfaketimeMT.so")


class Clock:
    """The clock of a server, which may be set while it runs.

    Args:
        folder: For a file that says how wrong it is.
        shift: At first.
    """

    def __init__(self, folder: Path, shift: str) -> None:
        self._file, self._site = folder / "clock", folder / "clock-site"
        self._site.mkdir()
        (self._site / "sitecustomize.py").write_text(SLEEPING)
        self.set(shift)

    def set(self, shift: str) -> None:
        """Let it be wrong by so much."""
        new = self._file.with_name("clock.new")
        new.write_text(shift)
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the server."""
        return {
            **os.environ,
            "LD_PRELOAD": _library(),
            "PYTHONPATH": str(self._site),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def newest_list(installation: Installation, name: str = "Root") -> x509.CertificateRevocationList:
    """The list that an authority has published, as another library reads it."""
    record = installation.crls.latest(name)
    assert record is not None
    return x509.load_der_x509_crl(record.der)
