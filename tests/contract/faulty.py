"""The contract for the backends that the variable names: the right one, or faulty ones of `contract.faults.table`."""

from __future__ import annotations

import os
from typing import Any

from anchorhold.testing.contract import contract_tests
from anchorhold.testing.rules import TIME_LIMIT
from contract.faulting import VARIABLE, class_name, rules_for
from contract.faults.table import FAULTS
from contract.file_contract import FileContract


def _class(backend: str) -> type[Any]:
    """The contract for a backend, without the rules that are not tried with its fault."""
    rules = rules_for(backend)
    limit = FAULTS[backend].limit if backend in FAULTS else TIME_LIMIT
    left_out = {test: None for test, rule in contract_tests() if rule is not None and rule.id not in rules}
    return type(class_name(backend), (FileContract,), {"backend": backend, "time_limit": limit, **left_out})


globals().update({class_name(name): _class(name) for name in os.environ[VARIABLE].split(",")})
