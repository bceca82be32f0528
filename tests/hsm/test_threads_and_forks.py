"""Many threads sign at once in a fresh process, and in a forked child of one: no crash, no wrong signature."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hsm.softhsm import SoftHsm

_PROGRAM = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from anchorhold.algorithms import key_spec
from anchorhold.publickeys import is_signed_by
from hsm.softhsm import Bench

library, kind, signatures, mode, serialise = sys.argv[1:]
spec = key_spec(kind, 2048 if kind == "RSA" else None)
bench = Bench({"library_path": library, "token": "one", "serialise": serialise == "1", "max_sessions": 4})
created = bench.create(spec)

def work(thread):
    signer = bench.signer(created)
    for number in range(int(signatures)):
        message = b"%d %d" % (thread, number)
        assert is_signed_by(created.public_key, signer.sign(message, spec.algorithm()), message, spec.algorithm())
    signer.close()
    return thread

def everybody():
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))

def disturb():
    from anchorhold_hsm import registry
    from hsm.test_lost_sessions import Saboteur
    from hsm.softhsm import SoftHsm
    from pathlib import Path
    (running,) = registry._registry.values()
    saboteur = Saboteur(SoftHsm(Path("/"), library))
    while not done.wait(0.25):
        if mode == "renewed":
            running.renew(running.generation, "test")
        else:
            with running.gate:
                saboteur.log_out()

if mode in ("renewed", "logged out"):
    import threading
    done = threading.Event()
    bench.signer(created).close()
    threading.Thread(target=disturb).start()
    try:
        everybody()
    finally:
        done.set()
    sys.exit()
if mode == "forked":
    everybody()
    pid = os.fork()
    everybody()  # parent and child at the same time
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
everybody()
"""


def run(softhsm: SoftHsm, *arguments: str, timeout: int = 60) -> None:
    """Run the program; it must end well, and say nothing."""
    environment = {**softhsm.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
    forking = "ignore:This process"  # Python 3.12 may still count threads that have just been joined
    command = [sys.executable, "-W", forking, "-c", _PROGRAM, softhsm.library, *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=timeout)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("mode", ["fresh", "forked"])
@pytest.mark.parametrize(("kind", "signatures"), [("EC", "100"), ("RSA", "40")])
def test_eight_threads_sign_at_once(softhsm: SoftHsm, kind: str, signatures: str, mode: str) -> None:
    run(softhsm, kind, signatures, mode, "0")


def test_eight_threads_sign_one_at_a_time_where_the_module_wants_it(softhsm: SoftHsm) -> None:
    run(softhsm, "EC", "50", "fresh", "1")


@pytest.mark.parametrize("mode", ["renewed", "logged out"])
def test_eight_threads_go_on_signing_while_the_ground_shakes(softhsm: SoftHsm, mode: str) -> None:
    run(softhsm, "EC", "200", mode, "0")
