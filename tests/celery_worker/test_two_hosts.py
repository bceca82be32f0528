"""A host without a key of an authority issues, revokes and maintains: openssl verifies what it has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from celery_worker.two_hosts import run_verified

if TYPE_CHECKING:
    from celery_worker.two_hosts import TwoHosts, Worker
    from conftest import MakeCsr

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")


def test_commands_do_what_they_do_with_a_key_at_hand(hosts: TwoHosts, worker: Worker, make_csr: MakeCsr) -> None:
    run_verified(hosts, make_csr())
    assert [path for path in (hosts.folder / "front").rglob("*") if path.suffix == ".key"] == []
