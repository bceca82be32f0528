"""The contract of key backends, with the server of VAULT_ADDR and VAULT_TOKEN; it has two transit engines mounted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.testing import BackendContract

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import CreatedKey


class TestTransit(BackendContract):
    """Two mounts are two places."""

    backend = "vault-transit"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"address": os.environ["VAULT_ADDR"]}

    @pytest.fixture
    def other_options(self) -> dict[str, Any]:
        return {"address": os.environ["VAULT_ADDR"], "mount": "team/transit"}

    @pytest.fixture
    def unreachable_options(self) -> dict[str, Any]:
        return {"address": "http://127.0.0.1:1"}

    @pytest.fixture
    def ocsp_options(self) -> dict[str, Any]:
        return {"address": os.environ["VAULT_ADDR"], "token": {"env": "VAULT_TOKEN"}}

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        return {"token": os.environ["VAULT_TOKEN"]}

    @pytest.fixture
    def adoption(self) -> Callable[[CreatedKey], dict[str, Any]]:
        return lambda created: {"key-name": created.handle.data["name"]}
