"""The whole contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.testing.batches import BatchRules
from anchorhold.testing.core_integration import CoreIntegrationRules
from anchorhold.testing.errors import ErrorRules
from anchorhold.testing.handles import HandleRules
from anchorhold.testing.inventory import InventoryRules
from anchorhold.testing.key_creation import KeyCreationRules
from anchorhold.testing.options import OptionRules
from anchorhold.testing.rules import rule_of
from anchorhold.testing.secrets import SecretRules
from anchorhold.testing.signatures import SignatureRules
from anchorhold.testing.surroundings import SurroundingRules
from anchorhold.testing.whole_secrets import WholeSecretRules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.testing.rules import Rule


class BackendContract(
    KeyCreationRules,
    HandleRules,
    InventoryRules,
    SignatureRules,
    BatchRules,
    SecretRules,
    WholeSecretRules,
    ErrorRules,
    OptionRules,
    SurroundingRules,
    CoreIntegrationRules,
):
    """All rules as tests, for a subclass called ``Test…``; see `anchorhold.testing.fixtures.ContractFixtures`."""


def contract_tests() -> Iterator[tuple[str, Rule | None]]:
    """The name of each test of the contract, and its rule."""
    for name in dir(BackendContract):
        if name.startswith("test_"):
            yield name, rule_of(getattr(BackendContract, name))
