"""The contract for the wrappers that the variable names: the right one, or faulty ones of the table."""

from __future__ import annotations

import os
from typing import Any

import pytest

from anchorhold.testing import WrapperContract
from anchorhold.testing.wrappers.contract import wrapper_tests
from contract.faulting import VARIABLE, class_name
from contract.wrapper_faulting import rules_for


class RightContract(WrapperContract):
    """What is said about the right wrapper, and about its faulty variants."""

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """As in the settings."""
        return {"suffix": ".example.com"}

    @pytest.fixture
    def refused(self) -> dict[str, Any] | None:
        """A name outside."""
        return {"names": ["www.example.com", "www.example.net"]}


def _class(wrapper: str) -> type[Any]:
    """The contract for a wrapper, without the slow rules that are not about its fault."""
    rules = rules_for(wrapper)
    left_out = {test: None for test, rule in wrapper_tests() if rule is not None and rule.id not in rules}
    return type(class_name(wrapper), (RightContract,), {"wrapper": wrapper, **left_out})


globals().update({class_name(name): _class(name) for name in os.environ[VARIABLE].split(",")})
