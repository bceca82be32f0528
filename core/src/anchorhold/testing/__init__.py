"""The contract of a key backend as tests: authors run them all with a subclass of a few lines.

In a test module::

    import pytest
    from anchorhold.testing import BackendContract

    class TestMine(BackendContract):
        backend = "mine"

        @pytest.fixture
        def options(self, tmp_path):
            return {"folder": str(tmp_path / "keys")}

        @pytest.fixture
        def other_options(self, tmp_path):
            return {"folder": str(tmp_path / "other")}

        @pytest.fixture
        def unreachable_options(self):
            return {"folder": "/dev/null/keys"}

or without any code: ``pytest --anchorhold-backend=mine --anchorhold-options=mine.toml``; what stands in that file is in
`anchorhold.testing.toml_contract`. What may be overridden is in `anchorhold.testing.fixtures`, the rules are in
`anchorhold.testing.rules`. `anchorhold.testing.wrappers` has the same for wrappers. Needs pytest:
``pip install anchorhold[testing]``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anchorhold.testing.contract import BackendContract
    from anchorhold.testing.rules import GUIDE, RULES, Rule, RuleBrokenError
    from anchorhold.testing.wrappers.contract import WrapperContract
    from anchorhold.testing.wrappers.rules import WRAPPER_RULES

__all__ = ["GUIDE", "RULES", "WRAPPER_RULES", "BackendContract", "Rule", "RuleBrokenError", "WrapperContract"]

_HOMES = {
    "BackendContract": "contract",
    "GUIDE": "rules",
    "RULES": "rules",
    "Rule": "rules",
    "RuleBrokenError": "rules",
    "WRAPPER_RULES": "wrappers.rules",
    "WrapperContract": "wrappers.contract",
}
"""Imported when first used: pytest loads this package for everybody who has anchorhold installed."""


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"anchorhold.testing.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
