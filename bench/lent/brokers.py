"""The throw-away brokers of the tests, each in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.command import BenchError
from bench.folders import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: Final = {"Redis": ("redis-server", "redis-server"), "RabbitMQ": ("rabbitmq-server", "rabbitmq-server")}
"""Program and Debian package of each."""
TESTS: Final = REPOSITORY / "tests"


def missing() -> str | None:
    """Why there can be no brokers; None if there can."""
    for program, package in NAMES.values():
        if shutil.which(program) is None and not Path("/usr/sbin", program).exists():
            return f"{program} (Debian's package {package}) is not there"
    return None


@contextmanager
def running(name: str) -> Iterator[str]:
    """The URL of a broker that runs as long as it is needed.

    Args:
        name: One of `NAMES`.

    Raises:
        BenchError: It does not start.
    """
    command = [sys.executable, "-m", "celery_worker.brokers", name]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])},
    ) as process:
        url = process.stdout.readline().strip() if process.stdout is not None else ""
        if not url:
            raise BenchError(f"{name} does not start")
        yield url
        process.communicate()
