"""What a batch has issued is never lost: not to the caller when it fails, and not to the ledger when it is killed."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from anchorhold.errors import AnchorholdError, BackendFailedError, NameForbiddenError, RefusedError, RequestInvalidError
from anchorhold.installation import open_installation
from anchorhold.ledger.certificates import CertificateFilter
from anchorhold.operations.order import Issued, Order, Refusal
from anchorhold.plugin import WRAPPERS_GROUP
from plugin.fake_backends import offer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold.operations.issuer import Issuer
    from conftest import MakeCsr
    from distant.distant_fixtures import Distant

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="nothing of it depends on the database"),
]


PICKY = "[wrappers.picky]\n"


@pytest.fixture(params=["distant", "distant-batch"])
def opened(
    request: pytest.FixtureRequest, distant: Distant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """An installation with an authority whose key is in the service, signed for one by one or many at once."""
    offers = {"picky": "distant.distant_wrappers:Picky"}
    offer(monkeypatch, tmp_path / "picky", WRAPPERS_GROUP, offers, distribution="acme-p")
    distant.configure(request.param, PICKY)
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        yield installation


def statuses(installation: Installation) -> dict[str, int]:
    """How many rows there are of each status, but for authorities."""
    found = installation.ledger.database.execute_sql(
        "SELECT status, count(*) FROM anchorhold_certificate "
        "WHERE profile NOT IN ('authority', 'ocsp-responder') AND names <> '[]' AND names <> '' GROUP BY status"
    )
    return dict(found)


def orders(make_csr: MakeCsr, *hosts: str) -> list[Order]:
    csr = make_csr()
    return [Order(csr=csr, names=[host]) for host in hosts]


def issued_serials(installation: Installation) -> list[str]:
    """What the ledger says is issued, oldest first."""
    page = installation.certificates.list("Root", CertificateFilter(), limit=5_000)
    return [record.serial for record in page if record.names]


def test_a_batch_that_fails_hands_out_what_it_has_issued(
    opened: Installation, distant: Distant, make_csr: MakeCsr
) -> None:
    distant.plan(die_after=distant.seen()["signatures"] + 120)
    with opened.certificates.issuer("Root") as issuer, pytest.raises(BackendFailedError) as caught:
        issuer.sign_many(orders(make_csr, *(f"h{number}.example" for number in range(200))))
    serials = [issued.serial for issued in caught.value.issued]
    assert 100 <= len(serials) <= 120
    assert serials == issued_serials(opened)
    assert "reserved" not in statuses(opened)


def test_what_earlier_thousands_have_issued_is_handed_out_too(opened: Installation, make_csr: MakeCsr) -> None:
    (csr,) = [order.csr for order in orders(make_csr, "x.example")]

    def failing() -> Iterator[Order]:
        yield from (Order(csr=csr, names=["a.example"]) for _ in range(1_000))
        raise KeyError("of the caller")

    with opened.certificates.issuer("Root") as issuer, pytest.raises(KeyError) as caught:
        issuer.sign_many(failing())
    assert len(vars(caught.value)["issued"]) == 1_000


def test_each_order_has_its_own_result(opened: Installation, make_csr: MakeCsr) -> None:
    mixed = orders(make_csr, "a.example", "bad.example", "b.example", "exa mple", "c.example")
    mixed.insert(1, Order(csr=b"nothing", names=["d.example"]))
    with opened.certificates.issuer("Root") as issuer:
        results = list(issuer.sign_each(mixed))
    refusals = {mixed.index(each.order): type(each.error) for each in results if isinstance(each, Refusal)}
    assert refusals == {1: RequestInvalidError, 2: RefusedError, 4: NameForbiddenError}
    assert [isinstance(each, Issued) for each in results] == [True, False, False, True, False, True]
    assert [each.serial for each in results if isinstance(each, Issued)] == issued_serials(opened)


def test_results_come_as_they_are_recorded(opened: Installation, distant: Distant, make_csr: MakeCsr) -> None:
    distant.plan(latency=1.1)
    with opened.certificates.issuer("Root") as issuer:
        results = issuer.sign_each(orders(make_csr, *(f"h{number}.example" for number in range(900))))
        first = next(results)
        assert isinstance(first, Issued)
        recorded = issued_serials(opened)
        assert first.serial in recorded
        assert len(recorded) < 900
        signed = distant.seen()["signatures"]
        time.sleep(1.5)
        assert distant.seen()["signatures"] == signed, "nothing is signed while nobody waits"
        results.close()  # type: ignore[attr-defined]  # it is a generator
    assert set(statuses(opened)) == {"issued"}
    assert len(issued_serials(opened)) == len(recorded)


def test_each_hands_out_what_was_recorded_when_the_key_fails(
    opened: Installation, distant: Distant, make_csr: MakeCsr
) -> None:
    distant.plan(die_after=distant.seen()["signatures"] + 120)
    seen: list[str] = []

    def sign(issuer: Issuer) -> None:
        for result in issuer.sign_each(orders(make_csr, *(f"h{number}.example" for number in range(200)))):
            assert isinstance(result, Issued)
            seen.append(result.serial)

    with opened.certificates.issuer("Root") as issuer, pytest.raises(AnchorholdError) as caught:
        sign(issuer)
    seen += [issued.serial for issued in caught.value.issued]
    assert seen == issued_serials(opened)
    assert len(seen) >= 100


SIGNS_SLOWLY = """
import sys, anchorhold
with anchorhold.open_installation() as installation, installation.certificates.issuer("Root") as issuer:
    csr = open(sys.argv[1], "rb").read()
    print("begin", flush=True)
    issuer.sign_many([anchorhold.Order(csr=csr, names=[f"h{n}.example"]) for n in range(200)])
"""


def test_a_slow_batch_that_is_killed_loses_at_most_two_seconds_of_signatures(distant: Distant, csr_file: Path) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        distant.plan(latency=0.1, holds=2)  # 20 a second
        before = distant.seen()["signatures"]
        process = distant.start(SIGNS_SLOWLY, str(csr_file))
        deadline = time.monotonic() + 60
        while distant.seen()["signatures"] < before + 80 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.wait()
        signed = distant.seen()["signatures"] - before
        assert signed >= 80
        assert len(issued_serials(installation)) >= signed - 2 * 20 - 2
        assert Counter(statuses(installation))["reserved"] == 200 - len(issued_serials(installation))
