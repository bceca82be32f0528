"""A certificate that was begun and is not recorded is in the history, with its serial number and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold.errors import BackendFailedError, LedgerError, UnknownCertificateError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import WRAPPERS_GROUP
from plugin.fake_backends import offer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr
    from distant.distant_fixtures import Distant

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="nothing of it depends on the database"),
]


@pytest.fixture(params=["distant", "distant-batch"])
def root(
    request: pytest.FixtureRequest, distant: Distant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """An installation with an authority whose key is in the service, and a wrapper that refuses bad hosts."""
    offers = {"picky": "distant.distant_wrappers:Picky"}
    offer(monkeypatch, tmp_path / "picky", WRAPPERS_GROUP, offers, distribution="acme-picky")
    distant.configure(request.param, "[wrappers.picky]\n")
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        yield installation


def failures(installation: Installation) -> list[tuple[str, str]]:
    """Kind and reason of what has failed, the oldest first."""
    found = [entry for entry in installation.history.entries() if entry.kind.startswith("certificate-")]
    assert all(entry.audit and entry.authority == "Root" for entry in found)
    return [(entry.kind, entry.detail["reason"]) for entry in reversed(found) if "reason" in entry.detail]


def test_what_may_have_been_signed_is_in_the_history(
    root: Installation, distant: Distant, make_csr: MakeCsr, anchorhold: Command
) -> None:
    distant.plan(plan=["lost"])
    with root.certificates.issuer("Root") as issuer, pytest.raises(BackendFailedError):
        issuer.sign(Order(csr=make_csr(), names=["a.example"]))
    assert failures(root) == [("certificate-failed", "backend-failed")]
    (entry,) = [each for each in root.history.entries() if each.kind == "certificate-failed"]
    serial = entry.serial or ""
    with pytest.raises(UnknownCertificateError, match="a signature of it may exist"):
        root.certificates.get(serial)
    shown = anchorhold("history", "--serial", serial).text
    assert "certificate-failed (backend-failed)" in shown
    root.revocations.revoke(serial)  # it can be put on a list all the same
    (made,) = root.crls.generate("Root")
    assert x509.load_der_x509_crl(made.der).get_revoked_certificate_by_serial_number(int(serial, 16)) is not None


def test_of_many_each_that_failed_is_there(root: Installation, make_csr: MakeCsr) -> None:
    csr = make_csr()
    orders = [Order(csr=csr, subject=f"CN={name}.example", names=["a.example"]) for name in ("a", "bad", "c")]
    with root.certificates.issuer("Root") as issuer:
        list(issuer.sign_each(orders))
    assert failures(root) == [("certificate-refused", "refused-by-wrapper")]


def test_what_was_interrupted_is_there_once_it_is_closed(root: Installation, make_csr: MakeCsr) -> None:
    request = root.requests.submit(root.authorities.get("Root"), Order(csr=make_csr(), names=["a.example"]))
    serial = root.requests.reserve(request.id).serial or ""
    root.recovery.abandon_certificates(tuple(root.ledger.certificates.find(serial)))
    assert failures(root) == [("certificate-failed", "interrupted")]


def test_a_ledger_that_fails_too_does_not_hide_what_may_have_been_signed(
    root: Installation, distant: Distant, make_csr: MakeCsr
) -> None:
    root.ledger.database.execute_sql(
        "CREATE TRIGGER full BEFORE UPDATE ON anchorhold_certificate BEGIN SELECT RAISE(ABORT, 'is full'); END"
    )
    distant.plan(plan=["lost"])
    with root.certificates.issuer("Root") as issuer, pytest.raises(LedgerError) as caught:
        issuer.sign(Order(csr=make_csr(), names=["a.example"]))
    assert "is full" in str(caught.value)
    assert "before that, key backend 'default'" in str(caught.value)
