"""Separate processes for the contract: what they are told, and what they answer.

A child gets all it needs as JSON on its standard input, so that no secret is ever among its arguments.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.plugin import CreatedKey, KeyHandle
from anchorhold.public_keys import spki
from anchorhold.testing.harness import environment
from anchorhold.testing.nursery import nursery
from anchorhold.testing.rules import UnmetError, expect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold.testing.harness import Harness

TIMEOUT: Final = 120
"""Seconds after which a child is given up."""
CHUNK: Final = 65536
PAUSE: Final = 0.01
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


@dataclass
class ChildProcess:
    """A running child.

    Attributes:
        pid: The number of the process and of its session.
        step: What it does, for messages.
        given: Its standard input.
        answers: What it says.
        errors: Its standard error, and what its backend prints.
        returncode: None before it has ended; a signal as a negative number.
    """

    pid: int
    step: str
    given: IO[bytes]
    answers: IO[bytes]
    errors: IO[bytes]
    returncode: int | None = None

    def say(self, line: str) -> None:
        """Write a line to its standard input."""
        with suppress(BrokenPipeError):  # it has ended, and `answer` will say how
            self.given.write(f"{line}\n".encode())

    def answer(self) -> Any:
        """Wait for what it answers.

        Raises:
            UnmetError: It failed; says how.
        """
        try:
            answered, talk = self._read(time.monotonic() + TIMEOUT)
        except TimeoutError:
            raise UnmetError(f"a process that was to {self.step} did not end within {TIMEOUT} seconds") from None
        finally:
            self.end()
        ended = f"a process that was to {self.step} ended with {self.returncode}: {_end_of(talk)}"
        expect(self.returncode == 0, ended)
        return json.loads(answered)

    def _read(self, until: float) -> tuple[str, str]:
        """All that it says until it has ended.

        Raises:
            TimeoutError: It goes on.
        """
        self.given.close()
        said = {pipe.fileno(): b"" for pipe in (self.answers, self.errors)}
        answers, errors = said
        with selectors.DefaultSelector() as waiting:
            for pipe in said:
                waiting.register(pipe, selectors.EVENT_READ)
            while waiting.get_map():
                for key, _ in waiting.select(_left(until)):
                    more = os.read(key.fd, CHUNK)
                    said[key.fd] += more
                    if not more:
                        waiting.unregister(key.fd)
        while (code := nursery().exit_code(self.pid)) is None:
            time.sleep(min(_left(until), PAUSE))
        self.returncode = code
        return said[answers].decode(), said[errors].decode(errors="replace")

    def end(self) -> None:
        """Kill it, with whatever it has forked, if it has not ended."""
        for pipe in (self.given, self.answers, self.errors):
            pipe.close()
        if self.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
        while self.returncode is None:
            time.sleep(PAUSE)
            self.returncode = nursery().exit_code(self.pid)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def start(harness: Harness, step: str, *, variables: Mapping[str, str] | None = None, **told: Any) -> ChildProcess:
    """Start a process that works with the alias of the bench, in a separate folder, environment and session.

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
    line = json.dumps({"bench": alias, "step": step, "told": told})  # a handle of a faulty backend may be no JSON
    (given, give), (hear, answers), (hear_errors, errors) = os.pipe(), os.pipe(), os.pipe()
    variables = {**environment(), **_elsewhere(own), **(variables or {})}
    pid = nursery().fork(str(_made(own / "working")), variables, (given, answers, errors))
    for descriptor in (given, answers, errors):
        os.close(descriptor)
    child = ChildProcess(pid, step, os.fdopen(give, "wb", 0), os.fdopen(hear, "rb", 0), os.fdopen(hear_errors, "rb", 0))
    child.say(line)
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
        child.answers.readline()
    for child in waiting:
        child.say("go")


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


def run(harness: Harness, step: str, *, variables: Mapping[str, str] | None = None, **told: Any) -> Any:
    """Start a process and wait for what it answers; arguments as for `start`."""
    return start(harness, step, variables=variables, **told).answer()


def _end_of(talk: str) -> str:
    """The last line of a traceback, which names the error."""
    return next((line for line in reversed(talk.splitlines()) if line.strip()), "it said nothing")
