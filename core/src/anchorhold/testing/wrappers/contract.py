"""The whole contract of a wrapper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.testing.rules import rule_of
from anchorhold.testing.wrappers.manners import MannersRules
from anchorhold.testing.wrappers.passing import PassingRules
from anchorhold.testing.wrappers.refusing import RefusingRules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.testing.rules import Rule


class WrapperContract(PassingRules, RefusingRules, MannersRules):
    """All rules as tests, for a subclass ``Test…``; see `anchorhold.testing.wrappers.fixtures.WrapperFixtures`."""


def wrapper_tests() -> Iterator[tuple[str, Rule | None]]:
    """The name of each test of the contract, and its rule."""
    for name in dir(WrapperContract):
        if name.startswith("test_"):
            yield name, rule_of(getattr(WrapperContract, name))
