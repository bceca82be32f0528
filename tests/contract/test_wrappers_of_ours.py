"""The wrappers among our examples keep the contract: a policy, approvals and a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.plugin import WRAPPERS_GROUP
from anchorhold.testing import WrapperContract
from plugin.fake_backends import offer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.databases(because="each test has a ledger of its own")

APPROVERS = {
    "alice": "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
    "bob": "MCowBQYDK2VwAyEAO2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=",
}


class Installed(WrapperContract):
    """A wrapper of an example, from its sources."""

    target = ""

    @pytest.fixture(autouse=True)
    def example(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is installed."""
        distribution = self.target.partition(":")[0].replace("_", "-")
        offers = {self.wrapper: self.target}
        offer(monkeypatch, tmp_path / "example", WRAPPERS_GROUP, offers, distribution=distribution, version="0.1.0")


class TestSuffixPolicy(Installed):
    """Host names."""

    wrapper = "suffix-policy"
    target = "anchorhold_suffix_policy:SuffixPolicy"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"suffixes": ["example.com"]}

    @pytest.fixture
    def refused(self) -> dict[str, Any] | None:
        return {"names": ["www.example.com", "www.example.net"]}


class TestQuorum(Installed):
    """Approvals, of which certificates need none here."""

    wrapper = "quorum"
    target = "anchorhold_quorum:Quorum"

    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "approvals").mkdir()
        return {"folder": str(tmp_path / "approvals"), "approvers": APPROVERS, "exempt": ["CN=Contract"]}


class TestAuditLog(Installed):
    """A log."""

    wrapper = "audit-log"
    target = "anchorhold_audit_log:AuditLog"

    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        return {"file": str(tmp_path / "audit.jsonl")}

    @pytest.fixture
    def slowest(self) -> float:
        return 0.5  # it waits for the disk twice
