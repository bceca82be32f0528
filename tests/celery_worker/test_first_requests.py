"""The first requests of a process may be asked by many threads at once, which import Celery together."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from celery_worker.brokers import Broker

pytestmark = [
    pytest.mark.databases(because="nothing is asked of a ledger"),
    pytest.mark.slow(because="each run is a process of its own, which imports Celery"),
]

RUNS = 12
"""Where the import was wrong, one process in four failed."""
PROGRAM = """
import sys
from threading import Barrier, Thread

from anchorhold_celery.client import Line, WorkerClient
from anchorhold_celery.tls import TlsFiles

client = WorkerClient("s", Line(
    broker=sys.argv[1], results=sys.argv[1], queue="q", peer="web", key=None, worker_keys=(), alias="a", role="ca",
    tls=TlsFiles(),
), None, None)
together = Barrier(8)

def connect():
    together.wait()
    client._check_line()
    print("connected")

threads = [Thread(target=connect) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_import_celery_together(redis_broker: Broker) -> None:
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, redis_broker.url], capture_output=True, text=True, check=False
        )
        assert done.stdout.count("connected") == len("12345678"), done.stderr
