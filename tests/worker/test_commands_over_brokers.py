"""What people do on a host without a key of an authority: the same commands as with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from programs import openssl

if TYPE_CHECKING:
    from conftest import MakeCsr
    from worker.two_hosts import TwoHosts, Worker

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")


def test_an_authority_is_made_signs_and_revokes_over_redis(
    hosts: TwoHosts, worker: Worker, make_csr: MakeCsr
) -> None:
    folder = hosts.folder
    (folder / "a.csr").write_bytes(make_csr())
    hosts.run("init-ca", "Root", "CN=Root", "--out=root.pem")
    hosts.run("sign-cert", "--ca=Root", "--csr=a.csr", "--alt=a.example", "--out=a.pem")
    hosts.run("generate-crls")
    hosts.run("revoke-cert", "--help")
    hosts.run("maintain")
    assert "a.pem: OK" in openssl("verify", "-CAfile", folder / "root.pem", folder / "a.pem").replace(str(folder) + "/", "")
