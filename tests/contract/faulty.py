"""The contract for the backends that the variable names: the right one, or faulty ones of `contract.faults.table`."""

from __future__ import annotations

import os
from typing import Any

from anchorhold.testing.contract import contract_tests
from contract.faulting import VARIABLE, class_name, rules_for
from contract.file_contract import FileContract


def _class(backend: str) -> type[Any]:
    """The contract for a backend, without the slow rules that are not about its fault."""
    rules = rules_for(backend)
    left_out = {test: None for test, rule in contract_tests() if rule is not None and rule.id not in rules}
    return type(class_name(backend), (FileContract,), {"backend": backend, **left_out})


globals().update({class_name(name): _class(name) for name in os.environ[VARIABLE].split(",")})
