"""A host without a key of an authority issues, revokes and maintains: openssl verifies what it has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from programs import openssl

if TYPE_CHECKING:
    from celery_worker.two_hosts import TwoHosts, Worker
    from conftest import MakeCsr

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")


def test_commands_do_what_they_do_with_a_key_at_hand(hosts: TwoHosts, worker: Worker, make_csr: MakeCsr) -> None:
    (hosts.folder / "a.csr").write_bytes(make_csr())
    for command in (
        "init-ca Root CN=Root --out=root.pem",
        "init-ca Issuing CN=Issuing --parent=Root --out=issuing.pem",
        "sign-cert --ca=Issuing --csr=a.csr --alt=a.example --out=a.pem",
        "maintain",
        "generate-crls",
    ):
        hosts.run(*command.split())
    chain = ("-CAfile", hosts.folder / "root.pem", "-untrusted", hosts.folder / "issuing.pem")
    assert "a.pem: OK" in openssl("verify", *chain, hosts.folder / "a.pem")
    assert [path for path in (hosts.folder / "front").rglob("*") if path.suffix == ".key"] == []
