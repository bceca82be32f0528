"""The contract that every wrapper of anchorhold keeps."""

from __future__ import annotations

from typing import Any

import pytest

from anchorhold.testing import WrapperContract


class TestContract(WrapperContract):
    """Each rule is a test; see the page `authors/wrappers` of the guide."""

    wrapper = "example"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """Of the wrapper, as in the settings."""
        return {"suffixes": ["corp.test"]}

    @pytest.fixture
    def allowed(self) -> dict[str, Any]:
        """A certificate that it lets pass."""
        return {"names": ["corp.test", "www.corp.test"]}

    @pytest.fixture
    def refused(self) -> dict[str, Any] | None:
        """One that it refuses; leave this out if it refuses nothing."""
        return {"names": ["www.corp.test", "www.notcorp.test"]}
