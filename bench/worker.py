"""Child processes that are set up once and then do their work whenever they are asked to.

The child's side is `serve`, which needs nothing but the standard library; the parent's side is `Worker`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Self

from bench.command import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.command import Command


TRIAL = 5
"""How often a task is done to find out how long it takes, unless told."""


def serve(tasks: Mapping[str, Callable[[int], object]]) -> None:
    """In the child: for each line ``TASK COUNT`` on standard input do the task, and print the seconds it took."""
    print("ready", flush=True)
    for line in sys.stdin:
        task, count = line.split()
        begun = time.perf_counter()
        tasks[task](int(count))
        print(time.perf_counter() - begun, flush=True)


class Worker:
    """In the parent: a child that serves, as a context manager.

    Args:
        command: The child's command line. It is set up when the context is entered.

    Raises:
        BenchError: When it is used: the child ended; with what it said.
    """

    def __init__(self, command: Command) -> None:
        self._command = command

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile("w+")  # closed with the child
        self._child = subprocess.Popen(
            self._command.argv,
            env=dict(self._command.env),
            cwd=self._command.cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        try:
            self._answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        self._child.wait()
        self._said.close()

    def seconds(self, task: str, count: int) -> float:
        """Have the task done for that many; return the seconds it took."""
        if self._child.stdin is not None and self._child.poll() is None:
            self._child.stdin.write(f"{task} {count}\n")
            self._child.stdin.flush()
        return float(self._answer())

    def fills(self, task: str, seconds: float, *, least: int = TRIAL) -> int:
        """How often the task is done in that time; `least` are done to find out, and after as many to warm up.

        The first ones do not tell: they open the key.
        """
        self.seconds(task, least)
        return max(least, round(least * seconds / self.seconds(task, least)))

    def _answer(self) -> str:
        answer = self._child.stdout.readline() if self._child.stdout is not None else ""
        if not answer:
            self._child.wait()
            self._said.seek(0)
            raise BenchError(f"`{' '.join(self._command.argv)}` ended:\n{self._said.read().rstrip()}")
        return answer.strip()
