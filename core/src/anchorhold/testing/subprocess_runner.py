"""Separate processes for the contract: what they are told, and what they answer.

A child gets all it needs as JSON on its standard input, so that no secret is ever among its arguments.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.plugin import CreatedKey, KeyHandle
from anchorhold.public_keys import spki
from anchorhold.testing.harness import environment
from anchorhold.testing.rules import UnmetError, expect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold.testing.harness import Harness

TIMEOUT: Final = 120
"""Seconds after which a child is given up."""
FOLDER: Final = "process-"
"""How the folders of children are called, beside the settings; each has a working and a temporary folder."""
FAR_EAST: Final = "XXX-14"
"""A time zone (POSIX.1-2017, section 8.3) in which the day is often another."""


def as_json(created: CreatedKey) -> dict[str, Any]:
    """A key as processes tell each other of it."""
    return {"handle": created.handle.to_json(), "public_key": spki(created.public_key).hex()}


def from_json(told: Mapping[str, Any]) -> CreatedKey:
    """A key that another process has told of."""
    return CreatedKey(
        handle=KeyHandle.from_json(told["handle"]),
        public_key=load_der_public_key(bytes.fromhex(told["public_key"])),  # type: ignore[arg-type]  # from a backend
    )


@dataclass(frozen=True)
class ChildProcess:
    """A running child.

    Attributes:
        process: The process.
        step: What it does, for messages.
    """

    process: subprocess.Popen[str]
    step: str

    def answer(self) -> Any:
        """Wait for what it answers.

        Raises:
            UnmetError: It failed; says how.
        """
        try:
            out, talk = self.process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            raise UnmetError(f"a process that was to {self.step} did not end within {TIMEOUT} seconds") from None
        finally:
            self.end()
        expect(
            self.process.returncode == 0,
            f"a process that was to {self.step} ended with {self.process.returncode}: {_end_of(talk)}",
        )
        return json.loads(out)

    def end(self) -> None:
        """Kill it, with whatever it has forked, if it has not ended."""
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


def start(harness: Harness, step: str, *, variables: Mapping[str, str] | None = None, **told: Any) -> ChildProcess:
    """Start a process that works with the alias of the bench, in a folder, an environment and a session of its own.

    Args:
        harness: Its settings and secrets are the child's.
        step: One of `anchorhold.testing.subprocess_main.STEPS`.
        variables: Further variables of its environment.
        told: Arguments of that step, as JSON has them.
    """
    own = Path(tempfile.mkdtemp(prefix=FOLDER, dir=harness.config.parent))
    alias = {
        "config": str(harness.config),
        "alias": harness.alias,
        "role": harness.role,
        "given": dict(harness.given_secrets),
        "key_options": dict(harness.key_options),
        "kind": {"type": harness.kind.type, "size": harness.kind.size, "curve": harness.kind.curve},
        "hashes": list(harness.offered.hashes),
        "rsa_paddings": list(harness.offered.rsa_paddings),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "anchorhold.testing.subprocess_main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_made(own / "working"),
        env={**environment(), **_elsewhere(own), **(variables or {})},
        start_new_session=True,
    )
    child = ChildProcess(process, step)
    _say(child, json.dumps({"bench": alias, "step": step, "told": told}))
    return child


def _elsewhere(own: Path) -> dict[str, str]:
    """What the environment of a child has otherwise than that of its parent."""
    path = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)  # noqa: PTH100  # links not followed
    temporary = str(_made(own / "temporary"))
    folders = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), temporary)
    return {"PYTHONPATH": path, "TZ": FAR_EAST, "LANG": "C", "LC_ALL": "C", **folders}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def release(waiting: Sequence[ChildProcess]) -> None:
    """Let children that wait go on, all at once: when each of them has said that it is ready."""
    for child in waiting:
        _heard(child)
    for child in waiting:
        _say(child, "go")


def answers_of(running: Sequence[ChildProcess]) -> list[Any]:
    """Wait for what each answers; those that are left when one has failed are ended.

    Raises:
        UnmetError: One failed; says how.
    """
    try:
        return [child.answer() for child in running]
    finally:
        for child in running:
            child.end()


def _say(child: ChildProcess, line: str) -> None:
    stdin = child.process.stdin
    if stdin is not None:
        with suppress(BrokenPipeError):  # it has ended, and `ChildProcess.answer` will say how
            stdin.write(f"{line}\n")
            stdin.flush()


def _heard(child: ChildProcess) -> str:
    return child.process.stdout.readline() if child.process.stdout is not None else ""


def run(harness: Harness, step: str, *, variables: Mapping[str, str] | None = None, **told: Any) -> Any:
    """Start a process and wait for what it answers; arguments as for `start`."""
    return start(harness, step, variables=variables, **told).answer()


def _end_of(talk: str) -> str:
    """The last line of a traceback, which names the error."""
    return next((line for line in reversed(talk.splitlines()) if line.strip()), "it said nothing")
