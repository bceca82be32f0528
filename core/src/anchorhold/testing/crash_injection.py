"""Killing a process in the middle of `create_key`, at moments that are found by watching one that lives.

Creations run in forked copies of one process. The first is watched: each function written in C that it calls may be
where something is stored. The others are killed right after one of these calls each.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.testing.subprocess_runner import as_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from anchorhold.testing.harness import Harness

_HARMLESS: Final = ("builtins", "None", "_thread", "_asyncio")
"""Modules of functions that store nothing."""


class CallRecorder:
    """A profile function that writes down calls of C functions, and kills the process after one of them.

    Args:
        deadly: After which of these calls; None for never.
    """

    def __init__(self, deadly: int | None = None) -> None:
        self.seen: list[str] = []
        self._deadly = deadly

    def __call__(self, frame: FrameType, event: str, function: Any) -> None:
        """Called by the interpreter."""
        name = name_of(function) if event == "c_return" else None
        if name is None:
            return
        self.seen.append(name)
        if len(self.seen) - 1 == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def name_of(function: Any) -> str | None:
    """The name of a C function; None if it neither stores anything nor looks at what is stored."""
    origin = getattr(function, "__module__", None) or type(getattr(function, "__self__", None)).__module__
    return None if origin in _HARMLESS else f"{origin}.{getattr(function, '__qualname__', '?')}"


@dataclass(frozen=True)
class ForkedProcess:
    """A forked copy of this process.

    Attributes:
        pid: Its number.
        pipe: Where its answer comes from.
    """

    pid: int
    pipe: int

    def answer(self) -> Any:
        """Wait for its answer; None if it was killed.

        Raises:
            RuntimeError: It failed; says how.
        """
        with os.fdopen(self.pipe, "rb") as pipe:
            content = pipe.read()
        os.waitpid(self.pid, 0)
        if not content:
            return None
        answer = json.loads(content)
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer["value"]


def run_in_fork(work: Callable[[], Any], *, wait: bool = True) -> Any:
    """Do something in a fork of this process: its answer, or with ``wait=False`` a `ForkedProcess` to ask for it."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            answer = {"value": work()}
        except Exception as error:  # told to the parent, which raises it
            answer = {"failed": f"{type(error).__name__}: {error}"}
        os.write(theirs, json.dumps(answer).encode())
        os._exit(0)
    os.close(theirs)
    forked = ForkedProcess(pid, ours)
    return forked.answer() if wait else forked


def crash_creations(harness: Harness, most: int) -> list[dict[str, Any]]:
    """Kill creations at several moments.

    Args:
        harness: The alias; nothing of its backend is used in this process itself.
        most: How many moments at most.

    Returns:
        For each: ``moment`` (the call after which it was), ``found`` (the key that is found by its id, or None) and
        ``problem`` (what is wrong with what is left, or None). The first was only watched.
    """
    key_id = os.urandom(20)
    lived = run_in_fork(lambda: _watched(harness.fresh(), key_id, CallRecorder()))
    for name in lived["modules"]:  # forked copies need not import them each for themselves
        with suppress(ImportError):
            importlib.import_module(name)
    moments = _moments(lived["seen"], most)
    watched = {"moment": "everything", **run_in_fork(lambda: _left(harness.fresh(), key_id))}
    return [watched, *({"moment": lived["seen"][moment], **_killed_at(harness, moment)} for moment in moments)]


def _killed_at(harness: Harness, moment: int) -> dict[str, Any]:
    key_id = os.urandom(20)
    run_in_fork(lambda: _watched(harness.fresh(), key_id, CallRecorder(moment)))
    left: dict[str, Any] = run_in_fork(lambda: _left(harness.fresh(), key_id))
    return left


def _watched(harness: Harness, key_id: bytes, watch: CallRecorder) -> dict[str, Any]:
    harness.secrets("create")  # binds the backend, which is not what is watched
    before = set(sys.modules)
    sys.setprofile(watch)
    try:
        harness.create(key_id=key_id)
    finally:
        sys.setprofile(None)
    modules = [name for name in sys.modules if name not in before]  # in order: some break if their parts come first
    return {"seen": watch.seen, "modules": modules}


def _moments(seen: list[str], most: int) -> list[int]:
    """The last call of each function, evenly chosen if there are too many of them."""
    last = sorted({name: index for index, name in enumerate(seen)}.values())
    step = max(1, -(-len(last) // most))
    return last[::-1][::step]


def _left(harness: Harness, key_id: bytes) -> dict[str, Any]:
    """What is left of a creation: a whole key, or room for a new one under its id."""
    try:
        if harness.backend.supports("find_key"):
            found = harness.find(key_id)
            if found:
                works = len(found) == 1 and harness.use(found[0])
                return {"found": as_json(found[0]), "problem": None if works else "a key is found that does not sign"}
        created = harness.create(key_id=key_id)
    except Exception as error:  # told to whoever judges it
        return {"found": None, "problem": f"{type(error).__name__}: {error}"}
    return {"found": as_json(created), "problem": None}
