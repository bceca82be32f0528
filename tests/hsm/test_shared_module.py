"""A module that other code of the same process has initialised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsm.softhsm import run_program

if TYPE_CHECKING:
    from hsm.softhsm import SoftHsm

_OTHERS = """
import ctypes, sys
from anchorhold_hsm import module_registry
from hsm.softhsm import Bench
from hsm.test_lost_sessions import EC, signs

other = ctypes.CDLL(sys.argv[1])
assert other.C_Initialize(None) == 0
bench = Bench({"library_path": sys.argv[1], "token": "one"})
created = bench.create(EC)
signs(bench.signer(created), created)
module_registry.close_modules()
assert other.C_GetInfo((ctypes.c_char * 200)()) == 0
signs(bench.signer(created), created)
(running,) = module_registry._registry.values()
assert running.lock._serialise
"""


def test_a_module_that_somebody_else_has_initialised_is_shared_and_left_to_them(softhsm: SoftHsm) -> None:
    run_program(softhsm, _OTHERS)
