"""The whole contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.testing.configuring import Configuring
from anchorhold.testing.defending import Defending
from anchorhold.testing.keeping import Keeping
from anchorhold.testing.making import Making
from anchorhold.testing.refusing import Refusing
from anchorhold.testing.rules import rule_of
from anchorhold.testing.secrecy import Secrecy
from anchorhold.testing.signing import Signing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.testing.rules import Rule


class BackendContract(Making, Keeping, Signing, Secrecy, Refusing, Configuring, Defending):
    """All rules as tests, for a subclass whose name begins with ``Test``; see `anchorhold.testing.subject.Subject`."""


def contract_tests() -> Iterator[tuple[str, Rule | None]]:
    """The name of each test of the contract, and its rule."""
    for name in dir(BackendContract):
        if name.startswith("test_"):
            yield name, rule_of(getattr(BackendContract, name))
