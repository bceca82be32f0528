"""PostgreSQL's server shut down in the middle: one clear error, and what had begun is there when it is back."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.errors import LedgerError
from anchorhold.ledger.authorities import AuthorityRepository
from anchorhold.ledger.certificates import CertificateRepository
from anchorhold.operations.order import Order
from anchorhold.remedy import Remedy
from cli.cli_steps import good, listed, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases("postgresql", because="a file has no server")


@pytest.fixture(params=["fast", "immediate"])
def stop(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Callable[[], None]]:
    """Shuts the server down, in order or as in a crash; it is back after the test."""
    yield lambda: cluster.stop(request.param)
    if not cluster.is_running():
        cluster.start()


@pytest.fixture
def stop_at(stop: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Any], str], None]:
    """Shuts the server down when that method of the ledger is called next."""

    def prepare(owner: type[Any], method: str) -> None:
        real = getattr(owner, method)

        def called(*arguments: Any, **more: Any) -> Any:
            monkeypatch.setattr(owner, method, real)
            stop()
            return real(*arguments, **more)

        monkeypatch.setattr(owner, method, called)

    return prepare


def test_a_server_that_was_shut_down_is_one_clear_line_and_used_again_when_it_is_back(
    installation: Installation, anchorhold: Command, cluster: Cluster, stop: Callable[[], None]
) -> None:
    installation.authorities.create("Root", "CN=Root")
    stop()
    for command in (("list-cas",), ("init-ca", "Other", "CN=Other"), ("recover",)):
        refused(anchorhold(*command), LedgerError, "check that the database is reachable")
    for _ in range(2):
        with pytest.raises(LedgerError, match="reachable"):
            installation.authorities.list()
    cluster.start()
    assert [authority.name for authority in installation.authorities.list()] == ["Root"]
    assert [authority["name"] for authority in listed(anchorhold)] == ["Root"]


@pytest.mark.parametrize(("method", "left"), [("reserve", 0), ("complete", 3)])
def test_a_server_shut_down_while_a_batch_is_issued_loses_nothing_that_was_signed(
    installation: Installation,
    anchorhold: Command,
    cluster: Cluster,
    make_csr: MakeCsr,
    stop_at: Callable[[type[Any], str], None],
    method: str,
    left: int,
) -> None:
    installation.authorities.create("Root", "CN=Root")
    orders = [Order(csr=make_csr(), names=[f"host{number}.example"]) for number in range(3)]
    with installation.certificates.issuer("Root") as issuer:
        stop_at(CertificateRepository, method)
        with pytest.raises(LedgerError, match="reachable"):
            issuer.sign_many(orders)
        cluster.start()
        waiting = installation.recovery.pending(dt.timedelta()).certificates
        assert [record.names for record in waiting] == [(f"DNS:host{number}.example",) for number in range(left)]
        assert all(record.tbs for record in waiting)
        assert anchorhold("recover", "--older-than", "0").exit_code == (63 if left else 0)
        assert len(issuer.sign_many(orders)) == 3
    good(anchorhold("recover", "--certificates", "--older-than", "0"))


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (AuthorityRepository, "begin"),
        (AuthorityRepository, "record_key"),
        (AuthorityRepository, "get"),
        (CertificateRepository, "reserve"),
        (CertificateRepository, "complete"),
        (AuthorityRepository, "activate"),
    ],
)
def test_an_authority_whose_creation_lost_the_server_is_left_to_recover(
    installation: Installation,
    anchorhold: Command,
    cluster: Cluster,
    stop_at: Callable[[type[Any], str], None],
    ca_dir: Path,
    owner: type[Any],
    method: str,
) -> None:
    _ = installation.ledger
    stop_at(owner, method)
    with pytest.raises(LedgerError, match="reachable") as caught:
        installation.authorities.create("Root", "CN=Root")
    cluster.start()
    if method in ("begin", "get"):  # the authority is read within the transaction that begins it
        assert not installation.recovery.pending().authorities
    else:
        assert caught.value.remedy == Remedy("recovery.pending")
        good(anchorhold("recover", "--abandon", "Root"))
    assert not list(ca_dir.rglob("*.key"))
    good(anchorhold("init-ca", "Root", "CN=Root"))
