"""A process with everything imported, of which each command is a copy: thousands of commands, each a process.

It reads one JSON object a line from standard input and answers with one. It has no ledger open, and never had.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final

from forked.imported import import_all

PATIENCE: Final = 1
"""Seconds that commands wait for a lock: here, who has it stands still until they have ended."""
DEADLINE: Final = 60


def main() -> None:
    """Serve until standard input ends."""
    import_all("interleaving.stops")
    for line in sys.stdin:
        print(json.dumps(DEEDS[(asked := json.loads(line))["do"]](asked)), flush=True)


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Run a command; answers when it has ended or stands still."""
    child = os.fork()
    if not child:
        _be(asked)
    return _wait(child)


def resume(asked: dict[str, Any]) -> dict[str, Any]:
    """Let one go on that stands still."""
    os.kill(asked["process"], signal.SIGCONT)
    return _wait(asked["process"])


DEEDS: Final = {"run": run, "resume": resume}


def _wait(child: int) -> dict[str, Any]:
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        process, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if process and os.WIFSTOPPED(status):
            return {"process": child, "code": None}
        if process:
            return {"process": child, "code": os.waitstatus_to_exitcode(status)}
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return {"process": child, "code": "hung"}


def _be(asked: dict[str, Any]) -> None:
    """Become the command; never returns."""
    code = 70
    try:
        code = _command(asked)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def _command(asked: dict[str, Any]) -> int:
    from anchorhold.cli import main as command
    from anchorhold.databases import connect
    from anchorhold.testing.fast_kdf import fast_kdf
    from interleaving.stops import Stops

    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    talk = Path(asked["talk"])
    null, out, report = os.open(os.devnull, os.O_RDONLY), talk.with_suffix(".out"), talk.with_suffix(".steps")
    for number, descriptor in enumerate((null, _new(out), _new(talk))):
        os.dup2(descriptor, number)
    connect.BUSY_TIMEOUT = PATIENCE  # type: ignore[misc]
    Stops(asked["at"], asked["fate"], report).install()
    name, *arguments = asked["arguments"]
    sys.argv = ["anchorhold", name, *arguments]
    try:
        with fast_kdf():
            if name == "-c":
                _run_code(*arguments)
            else:
                command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _run_code(code: str, *arguments: str) -> None:
    """As ``python -c`` does."""
    sys.argv = ["-c", *arguments]
    exec(code, {})  # noqa: S102  # of a test


def _new(file: Path) -> int:
    return os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)


if __name__ == "__main__":
    main()
