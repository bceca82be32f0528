"""Commands that start sooner: each is a process of its own, and a copy of one that has imported everything.

A third of the time of all tests went into imports of commands. What is about starting itself, about signals that nobody
can pass on, or about the server starts Python as users do.
"""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_CLIENT = Path(__file__).parent / "client.py"


def forked() -> list[str]:
    """What to put before the arguments of ``anchorhold``."""
    return [sys.executable, "-I", "-S", str(_CLIENT), _socket()]


@functools.cache
def _socket() -> str:
    """Of a server that ends with this process."""
    folder = tempfile.TemporaryDirectory(prefix="anchorhold-forked-")  # its path is short, as it must be
    path = f"{folder.name}/socket"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "forked.server", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )

    def end() -> None:
        server.communicate()
        folder.cleanup()

    atexit.register(end)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return path
