"""Many threads sign at once in a fresh process, and in a forked child of one: no crash, no wrong signature."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hsm.softhsm import SoftHsm

_PROGRAM = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from anchorhold.algorithms import key_spec
from anchorhold.public_keys import is_signed_by
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
    from anchorhold_hsm import module_registry
    from hsm.test_lost_sessions import Saboteur
    from hsm.softhsm import SoftHsm
    from pathlib import Path
    (running,) = module_registry._registry.values()
    saboteur = Saboteur(SoftHsm(Path("/"), library))
    while not done.wait(0.25):
        if mode == "renewed":
            running.reinitialise(running.generation, "test")
        else:
            with running.lock:
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

_FORKING = """
import os, sys, threading, time
from anchorhold.algorithms import key_spec
from anchorhold.public_keys import is_signed_by
from hsm.softhsm import Bench

library, kind, forks = sys.argv[1:]
spec = key_spec(kind, 2048 if kind == "RSA" else None)
bench = Bench({"library_path": library, "token": "one"})
created = bench.create(spec)
signer = bench.signer(created)

def sign():
    return is_signed_by(created.public_key, signer.sign(b"m", spec.algorithm()), b"m", spec.algorithm())

def work():
    while not done.is_set():
        signer.sign(b"m", spec.algorithm())  # verifying in threads would leave locks of cryptography to the child

def ended(child):
    for _ in range(300):
        if (found := os.waitpid(child, os.WNOHANG))[0]:
            return found[1]
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "it hung"

def fork():
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if sign() else 1)
        finally:
            os._exit(2)
    return child

done = threading.Event()
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
states = [ended(fork()) for _ in range(int(forks))]
done.set()
[thread.join() for thread in threads]
assert sign()
assert set(states) == {0}, states
"""

_ENDING = """
import ctypes, os, sys, threading
from pathlib import Path
from hsm.softhsm import Bench
from hsm.test_lost_sessions import EC, signs

bench = Bench({"library_path": sys.argv[1], "token": "one"})
created = bench.create(EC)
signer = bench.signer(created)
libc, key = ctypes.CDLL(None), ctypes.c_uint()
assert libc.pthread_key_create(ctypes.byref(key), libc.usleep) == 0  # called when a thread ends

def work():
    signs(signer, created)
    assert libc.pthread_setspecific(key, ctypes.c_void_p(300_000)) == 0

thread = threading.Thread(target=work)
thread.start()
thread.join()
task = Path(f"/proc/self/task/{thread.native_id}")
assert task.exists() or sys.version_info >= (3, 13)  # since then Python's join waits for it as well
child = os.fork()
if child == 0:
    os._exit(0)
assert not task.exists()
os.waitpid(child, 0)
"""

_HANGING = """
import os, sys, time
from anchorhold import errors
from anchorhold_hsm import module
from anchorhold_hsm.cryptoki import CryptokiModule
from hsm.softhsm import Bench
from hsm.test_lost_sessions import EC, signs

bench = Bench({"library_path": sys.argv[1], "token": "one"})
created = bench.create(EC)
signer = bench.signer(created)
child = os.fork()
if child == 0:
    CryptokiModule.finalise = lambda self: time.sleep(600)
    module.INHERITED_TIMEOUT = 0.2
    for _ in range(2):
        try:
            signs(signer, created)
        except errors.BackendFailedError as error:
            print(error)
    sys.stdout.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
signs(signer, created)
"""


def run(softhsm: SoftHsm, *arguments: str, timeout: int = 60, program: str = _PROGRAM) -> str:
    """Run the program; it must end well, and complain of nothing. Its output."""
    environment = {**softhsm.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
    forking = "ignore:This process"  # Python 3.12 may still count threads that have just been joined
    command = [sys.executable, "-W", forking, "-c", program, softhsm.library, *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=timeout)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.parametrize("mode", ["fresh", "forked"])
@pytest.mark.parametrize(("kind", "signatures"), [("EC", "100"), ("RSA", "40")])
def test_eight_threads_sign_at_once(softhsm: SoftHsm, kind: str, signatures: str, mode: str) -> None:
    run(softhsm, kind, signatures, mode, "0")


def test_eight_threads_sign_one_at_a_time_where_the_module_wants_it(softhsm: SoftHsm) -> None:
    run(softhsm, "EC", "50", "fresh", "1")


@pytest.mark.parametrize("mode", ["renewed", "logged out"])
def test_eight_threads_go_on_signing_while_the_ground_shakes(softhsm: SoftHsm, mode: str) -> None:
    run(softhsm, "EC", "200", mode, "0")


@pytest.mark.parametrize(("kind", "forks"), [("EC", "20"), ("RSA", "10")])
def test_a_child_forked_while_threads_sign_signs_too(softhsm: SoftHsm, kind: str, forks: str) -> None:
    run(softhsm, kind, forks, timeout=400, program=_FORKING)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system does not show its threads")
def test_a_fork_waits_for_a_thread_that_was_joined_and_is_still_ending(softhsm: SoftHsm) -> None:
    run(softhsm, program=_ENDING)


def test_a_module_that_hangs_in_a_forked_child_is_one_clear_line(softhsm: SoftHsm) -> None:
    lines = run(softhsm, program=_HANGING).splitlines()
    assert len(lines) == 2
    assert all("does not answer in this process, which was forked" in line for line in lines)
