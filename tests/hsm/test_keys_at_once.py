"""Processes that make keys with one id at the same moment: one of them has it, and the others say so."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from anchorhold_hsm.creation_turn import creation_turn

if TYPE_CHECKING:
    from pathlib import Path

    from hsm.softhsm import SoftHsm

PROCESSES: Final = 4
IDS: Final = 12
CONTEST: Final = """
import os, sys
from anchorhold.algorithms import key_spec
from anchorhold.errors import KeyExistsError
from hsm.softhsm import Bench

bench = Bench({"library_path": sys.argv[1], "token": "one"})
bench.signer(bench.create(key_spec("EC"), str(os.getpid()))).close()
print("ready", flush=True)
for key_id in map(bytes.fromhex, sys.stdin.readline().split()):
    try:
        bench.create(key_spec("EC"), f"{key_id.hex()} {os.getpid()}", key_id)
        print(key_id.hex(), flush=True)
    except KeyExistsError:
        pass
"""

pytestmark = pytest.mark.databases(because="no ledger is opened")


def test_of_processes_that_make_keys_with_one_id_one_has_it(softhsm: SoftHsm) -> None:
    ids = " ".join(os.urandom(8).hex() for _ in range(IDS))
    environment = {**softhsm.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", CONTEST, softhsm.library]
    processes = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(f"{ids}\n")
        process.stdin.flush()
    made = [line for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in processes] == [0] * PROCESSES
    assert Counter(made) == dict.fromkeys(ids.split(), 1)
    in_token = [label.partition(" ")[0] for label in softhsm.private_labels() if " " in label]
    assert in_token == sorted(made)


def test_who_waits_for_the_turn_has_it_as_soon_as_it_is_free(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with creation_turn(tmp_path):
            order.append("second")

    with creation_turn(tmp_path):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.2)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]


def test_a_turn_that_does_not_end_and_a_folder_that_is_not_there_keep_nobody(tmp_path: Path) -> None:
    hanging = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(hanging, fcntl.LOCK_EX)
    with creation_turn(tmp_path, patience=0.1), creation_turn(tmp_path / "nowhere"):
        os.close(hanging)
