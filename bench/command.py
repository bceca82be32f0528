"""Command lines and how they are run: with an environment of their own, and with the time they took."""

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class BenchError(Exception):
    """Something the benchmark cannot go on without; its text is for whoever started the benchmark."""


@dataclass(frozen=True)
class Command:
    """A command line, the whole of its environment, and the folder it starts in.

    A command that writes a file names it as ``output``: it is removed before each run, outside the time taken.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    output: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What one run gave: the seconds from start to exit, and its standard output."""

    seconds: float
    stdout: str


def bare_environment(home: Path, **extra: str) -> dict[str, str]:
    """Return an environment that holds no setting of the caller's but PATH.

    Variables such as PYTHONDONTWRITEBYTECODE would change what is measured, and files in the caller's home folder
    could as well, so every command has an empty folder as its home.
    """
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8", **extra}


def run(command: Command) -> Outcome:
    """Run the command to its end; a command that cannot start or exits non-zero is a ``BenchError``."""
    if command.output is not None:
        command.output.unlink(missing_ok=True)
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command.argv, env=command.env, cwd=command.cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise BenchError(f"{command.argv[0]} cannot be started: {error.strerror}") from error
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        line = " ".join(command.argv)
        raise BenchError(f"`{line}` exited with {done.returncode}:\n{done.stderr.decode(errors='replace').rstrip()}")
    return Outcome(seconds, done.stdout.decode(errors="replace"))
