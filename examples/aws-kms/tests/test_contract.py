"""The contract of key backends, with the KMS that AWS_ENDPOINT_URL_KMS names, or else with the account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.testing import BackendContract

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import CreatedKey


class TestKms(BackendContract):
    """Two regions are two places."""

    backend = "aws-kms"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"region": "eu-central-1"}

    @pytest.fixture
    def other_options(self) -> dict[str, Any]:
        return {"region": "eu-west-1"}

    @pytest.fixture
    def unreachable_options(self) -> dict[str, Any]:
        return {"region": "eu-central-1", "endpoint_url": "http://127.0.0.1:1", "max_attempts": 1}

    @pytest.fixture
    def adoption(self) -> Callable[[CreatedKey], dict[str, Any]]:
        return lambda created: {"key-id": created.handle.data["arn"]}
