"""Whatever happens to sessions, login, module or token under a running process: the next signature is made."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from anchorhold.algorithms import KeySpec, key_spec
from anchorhold.public_keys import is_signed_by
from anchorhold_hsm import module, module_registry
from anchorhold_hsm.module import ModuleChoice
from anchorhold_hsm.module_registry import close_modules
from hsm.softhsm import run_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import CreatedKey, Signer
    from hsm.softhsm import Bench, SoftHsm

EC: KeySpec = key_spec("EC")


class Saboteur:
    """Another part of this process that uses the same module without regard for us."""

    def __init__(self, softhsm: SoftHsm) -> None:
        self.softhsm = softhsm
        self.native = ctypes.CDLL(softhsm.library)

    @property
    def slot(self) -> ctypes.c_ulong:
        """The slot of the first token."""
        slots, count = (ctypes.c_ulong * 8)(), ctypes.c_ulong(8)
        assert self.native.C_GetSlotList(1, slots, ctypes.byref(count)) == 0
        return ctypes.c_ulong(slots[0])

    def close_all_sessions(self) -> None:
        assert self.native.C_CloseAllSessions(self.slot) == 0

    def log_out(self) -> None:
        session = ctypes.c_ulong()
        assert self.native.C_OpenSession(self.slot, ctypes.c_ulong(4), None, None, ctypes.byref(session)) == 0
        assert self.native.C_Logout(session) == 0

    def finalise(self) -> None:
        assert self.native.C_Finalize(None) == 0

    def restart(self) -> None:
        self.finalise()
        assert self.native.C_Initialize(None) == 0

    def move_away_and_back(self) -> None:
        away = self.softhsm.folder / "away"
        self.softhsm.tokens.rename(away)
        self.close_all_sessions()
        away.rename(self.softhsm.tokens)

    def replace_by_copy(self) -> None:
        copy = self.softhsm.folder / "copy"
        shutil.copytree(self.softhsm.tokens, copy)
        shutil.rmtree(self.softhsm.tokens)
        copy.rename(self.softhsm.tokens)


def signs(signer: Signer, created: CreatedKey) -> None:
    message = os.urandom(50)
    assert is_signed_by(created.public_key, signer.sign(message, EC.algorithm()), message, EC.algorithm())


EVENTS: dict[str, Callable[[Saboteur], None]] = {
    "sessions closed": Saboteur.close_all_sessions,
    "logged out": Saboteur.log_out,
    "module finalised": Saboteur.finalise,
    "module restarted": Saboteur.restart,
    "token folder moved away and back": Saboteur.move_away_and_back,
    "token folder replaced by a copy": Saboteur.replace_by_copy,
}


@pytest.mark.parametrize("event", EVENTS)
def test_the_next_signature_is_made_after(
    event: str, bench: Bench, softhsm: SoftHsm, capfd: pytest.CaptureFixture[str]
) -> None:
    created = bench.create(EC)
    signer = bench.signer(created)
    signs(signer, created)
    for _ in range(3):  # also when it happens again and again
        EVENTS[event](Saboteur(softhsm))
        signs(signer, created)
    EVENTS[event](Saboteur(softhsm))
    assert [found.handle for found in bench.find(bytes.fromhex(created.handle.data["id"]))] == [created.handle]
    assert capfd.readouterr().err == ""


def test_a_key_that_was_destroyed_behind_our_back_is_missing_and_others_go_on(bench: Bench, softhsm: SoftHsm) -> None:
    gone, stays = bench.create(EC, "gone"), bench.create(EC, "stays")
    signer, other = bench.signer(gone), bench.signer(stays)
    signs(signer, gone)
    softhsm.tool("--delete-object", "--type", "privkey", "--label", "gone")
    for _ in range(2):
        with pytest.raises(errors.KeyMissingError, match="token 'one', key 'gone'"):
            signer.sign(b"", EC.algorithm())
        signs(other, stays)
    with pytest.raises(errors.KeyMissingError):
        bench.signer(gone)


def test_a_missing_key_does_not_restart_the_module_at_every_request(bench: Bench, softhsm: SoftHsm) -> None:
    gone = bench.create(EC, "gone")
    signer = bench.signer(gone)
    softhsm.tool("--delete-object", "--type", "privkey", "--label", "gone")
    (running,) = (each for each in module_registry._registry.values() if each.ready)
    generations = set()
    for _ in range(5):
        with pytest.raises(errors.KeyMissingError):
            signer.sign(b"", EC.algorithm())
        generations.add(running.generation)
    assert len(generations) == 1


def test_what_stays_missing_restarts_the_module_more_and_more_rarely_and_what_is_new_at_once(
    softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = module_registry.module_of(ModuleChoice(softhsm.library), "key backend 'hsm'", "key backend 'hsm'")
    restarted: list[int] = []
    for second in range(400):
        with monkeypatch.context() as moment:
            moment.setattr(time, "monotonic", partial(float, second))
            if running.may_reinitialise("key 'gone'", generation=len(restarted)):
                restarted.append(second)
    assert restarted == [0, 5, 15, 35, 75, 155, 235, 315, 395]
    assert running.may_reinitialise(
        "key 'gone'", generation=len(restarted) - 1
    )  # a thread that missed it at the same time
    assert running.may_reinitialise("key 'another'", generation=len(restarted))
    running.note_success("key 'gone'")
    assert running.may_reinitialise("key 'gone'", generation=len(restarted))


def test_a_token_that_went_away_is_one_clear_line_until_it_is_back(
    bench: Bench, softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = bench.create(EC)
    signer = bench.signer(created)
    away = softhsm.folder / "away"
    softhsm.tokens.rename(away)
    place = "key backend 'hsm', token 'one', key 'Test': the module .*"
    for words in (r"cannot be initialised \(GeneralError\)", r"a moment ago \(GeneralError\)"):
        with pytest.raises(errors.BackendFailedError, match=place + words):
            signer.sign(b"", EC.algorithm())
    away.rename(softhsm.tokens)
    monkeypatch.setattr(module, "FAILURE_PAUSE", 0)
    monkeypatch.setattr(module, "REINITIALISE_PAUSE", 0)
    signs(signer, created)


@pytest.mark.parametrize("how", ["cut", "away"])
@pytest.mark.parametrize("first", ["making", "signing", "looking"])
def test_a_token_that_another_process_is_writing_is_looked_for_again(
    how: str, first: str, bench: Bench, softhsm: SoftHsm
) -> None:
    created = bench.create(EC, "before")
    deeds: dict[str, Callable[[], object]] = {
        "making": lambda: bench.create(EC, "after"),
        "signing": lambda: signs(bench.signer(created), created),
        "looking": bench.backend.check_place,
    }
    close_modules()
    (file,) = softhsm.tokens.glob("*/token.object")
    whole = file.with_suffix(".whole")
    shutil.copy2(file, whole)
    if how == "cut":
        os.truncate(file, 20)
    else:
        file.unlink()
    with subprocess.Popen(["sh", "-c", f"sleep 0.2; mv {whole} {file}"]):
        deeds[first]()


def test_a_token_that_stays_unreadable_is_one_sentence(bench: Bench, softhsm: SoftHsm) -> None:
    close_modules()
    (file,) = softhsm.tokens.glob("*/token.object")
    os.truncate(file, 20)
    with pytest.raises(errors.BackendFailedError, match=r"there is no token with label 'one'|cannot read any token"):
        bench.create(EC)


def test_a_module_that_failed_to_initialise_is_left_alone_for_a_while(bench: Bench, softhsm: SoftHsm) -> None:
    away = softhsm.folder / "away"
    softhsm.tokens.rename(away)
    with pytest.raises(errors.BackendFailedError, match="cannot be initialised"):
        bench.create(EC)
    away.rename(softhsm.tokens)
    with pytest.raises(errors.BackendFailedError, match="a moment ago"):
        bench.create(EC)


_IDLE = """
import os, sys
from hsm.softhsm import Bench
from hsm.test_lost_sessions import EC, signs

bench = Bench({"library_path": sys.argv[1], "token": "one"})
created = bench.create(EC)
signer = bench.signer(created)
signs(signer, created)
for generation in range(2):
    pid = os.fork()
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
    else:
        signs(signer, created)  # the child, and then its child
        if generation:
            os._exit(0)
signs(signer, created)
"""


def test_a_forked_child_and_its_child_find_the_key_themselves_and_the_parent_goes_on(softhsm: SoftHsm) -> None:
    run_program(softhsm, _IDLE)


_ENDING = """
import atexit, ctypes, os, sys, threading, time

library, how = sys.argv[1:]
answer = lambda: print(hex(ctypes.CDLL(library).C_GetInfo((ctypes.c_char * 200)())), flush=True)
atexit.register(answer)  # the last one to be called

from anchorhold_hsm import module_registry
from hsm.softhsm import Bench
from hsm.test_lost_sessions import EC, signs

bench = Bench({"library_path": library, "token": "one"})
signs(bench.signer(created := bench.create(EC)), created)
(running,) = module_registry._registry.values()

def stay_inside():
    with running.lock:
        time.sleep(600)

if how == "in a child" and os.fork():
    os.wait()
if how == "while a daemon is inside":
    atexit.unregister(module_registry.close_modules)
    atexit.register(module_registry.close_modules, 0.2)
    threading.Thread(target=stay_inside, daemon=True).start()
    while not running.lock._inside:
        time.sleep(0.01)
"""

NOT_INITIALISED = "0x190"


@pytest.mark.parametrize(
    ("how", "answers"),
    [
        ("alone", [NOT_INITIALISED]),
        ("in a child", ["0x0", NOT_INITIALISED]),
        ("while a daemon is inside", ["0x0"]),
    ],
)
def test_a_process_that_ends_finalises_its_modules(softhsm: SoftHsm, how: str, answers: list[str]) -> None:
    assert run_program(softhsm, _ENDING, how).split() == answers
