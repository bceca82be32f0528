"""Commands on a real pseudo-terminal, with somebody who types."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE = 30.0
INTERRUPT, END_OF_FILE = "\x03", "\x04"
QUESTION, ENDS = re.compile(rb": |:\r\n"), re.compile(rb"(: |:\r\n)$")
"""What is answered on the same line, or on those after it."""
READING = 0.05
"""Seconds until somebody who types has read a question: Python overlooks a signal that comes just before it waits."""


def at_a_terminal(arguments: Sequence[str], answers: Sequence[str]) -> tuple[int, str]:
    """Run a command on a terminal and type an answer at each question; returns the exit code and what was shown."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "anchorhold", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_own_terminal,
    )
    os.close(slave)
    waiting, shown, end = list(answers), b"", time.monotonic() + PATIENCE
    asked = 0
    try:
        while time.monotonic() < end:
            ready, _, _ = select.select([master], [], [], 0.2)
            if ready:
                try:
                    part = os.read(master, 4096)
                except OSError:  # Linux: the last process has closed the terminal
                    break
                if not part:
                    break
                shown += part
                if waiting and (questions := len(QUESTION.findall(shown))) > asked and ENDS.search(shown):
                    asked = questions
                    answer = waiting.pop(0)
                    time.sleep(READING)
                    os.write(master, answer.encode() + (b"" if answer in (INTERRUPT, END_OF_FILE) else b"\n"))
        return process.wait(timeout=5), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _own_terminal() -> None:
    """Make the terminal on standard input the controlling one, so that Ctrl-C reaches the process, and ends it.

    Whoever runs the tests in the background of a shell ignores interrupts, and children would go on doing so.
    """
    import fcntl
    import termios

    signal.signal(signal.SIGINT, signal.default_int_handler)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
