"""A full disk at each of the ledger's commits: one clear error, nothing that was signed is lost, room puts it right."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from anchorhold.errors import LedgerError
from anchorhold.ledger.authorities import AuthorityRepository
from anchorhold.ledger.certificates import CertificateRepository
from anchorhold.operations.order import Order
from anchorhold.remedy import Remedy
from ledger.full_disk import full_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr
    from postgresql_cluster import Cluster

FillDisk: TypeAlias = "Callable[[type[Any], str], ExitStack]"
pytestmark = pytest.mark.usefixtures("cluster")
TABLE = {AuthorityRepository: "authority", CertificateRepository: "certificate"}
FULL = "(disk I/O error|File too large HINT: Check free disk space.); check that .* not full, and retry"
NAMES = [f"host{number}.example" for number in range(3)]


@pytest.fixture
def fill_disk_at(installation: Installation, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> FillDisk:
    """The disk becomes full when that method of the ledger is called next, until the block it is used in ends."""

    def fill(owner: type[Any], method: str) -> ExitStack:
        real, room = getattr(owner, method), ExitStack()

        def called(book: Any, *arguments: Any, **more: Any) -> Any:
            monkeypatch.setattr(owner, method, real)
            room.enter_context(full_disk(installation, cluster, TABLE[owner]))
            return real(book, *arguments, **more)

        monkeypatch.setattr(owner, method, called)
        return room

    return fill


def _statuses(installation: Installation) -> list[str]:
    query = "SELECT status FROM anchorhold_certificate WHERE subject <> 'CN=Root' ORDER BY id"
    return [status for (status,) in installation.ledger.database.execute_sql(query)]


def test_a_full_disk_at_the_reservation_is_one_clear_error_and_nothing_is_signed(
    installation: Installation, make_csr: MakeCsr, fill_disk_at: FillDisk
) -> None:
    installation.authorities.create("Root", "CN=Root")
    orders = [Order(csr=make_csr(), names=[name]) for name in NAMES]
    with installation.certificates.issuer("Root") as issuer:
        with fill_disk_at(CertificateRepository, "reserve"), pytest.raises(LedgerError, match=FULL):
            issuer.sign_many(orders)
        assert _statuses(installation) == []
        assert len(issuer.sign_many(orders)) == 3
    assert _statuses(installation) == ["issued"] * 3


@pytest.mark.parametrize("count", [1, 3])
def test_a_full_disk_after_the_signature_leaves_reservations_for_recover(
    installation: Installation, anchorhold: Command, make_csr: MakeCsr, fill_disk_at: FillDisk, count: int
) -> None:
    installation.authorities.create("Root", "CN=Root")
    orders = [Order(csr=make_csr(), names=[name]) for name in NAMES[:count]]
    with installation.certificates.issuer("Root") as issuer:
        with fill_disk_at(CertificateRepository, "complete"), pytest.raises(LedgerError, match=FULL):
            issuer.sign_many(orders)
        assert _statuses(installation) == ["reserved"] * count
        shown = anchorhold("recover", "--older-than", "0")
        assert (shown.exit_code, shown.talk.count("was never issued")) == (63, count)
        assert len(issuer.sign_many(orders)) == count
    assert anchorhold("recover", "--certificates", "--older-than", "0").exit_code == 0
    assert _statuses(installation) == ["abandoned"] * count + ["issued"] * count


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (AuthorityRepository, "begin"),
        (AuthorityRepository, "record_key"),
        (CertificateRepository, "reserve"),
        (CertificateRepository, "complete"),
        (AuthorityRepository, "activate"),
    ],
)
def test_an_authority_that_a_full_disk_interrupts_is_undone_or_left_to_recover(
    installation: Installation, anchorhold: Command, fill_disk_at: FillDisk, ca_dir: Path, owner: type[Any], method: str
) -> None:
    installation.authorities.create("Root", "CN=Root")
    with fill_disk_at(owner, method), pytest.raises(LedgerError, match=FULL) as caught:
        installation.authorities.create("Issuing", "CN=Issuing", parent="Root")
    waiting = installation.recovery.pending(dt.timedelta())
    if waiting.authorities:
        assert caught.value.remedy == Remedy("recovery.pending")
        assert anchorhold("recover", "--abandon", "Issuing").exit_code == 0
    assert len(list(ca_dir.rglob("*.key"))) == 1
    assert installation.authorities.create("Issuing", "CN=Issuing", parent="Root").record.status == "active"
