"""A session that is over is replaced once, never after a refused PIN; threads share a signer as it says they may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold.errors import SecretWrongError, SessionOverError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.installation import Installation
    from conftest import MakeCsr
    from distant.distant_fixtures import Distant

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="nothing of it depends on the database"),
]
BACKENDS = ["distant-sixteen", "distant-batch"]


@pytest.fixture
def root(request: pytest.FixtureRequest, distant: Distant) -> Iterator[Installation]:
    """An installation with an authority whose key is in the service."""
    distant.configure(request.param)
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        yield installation


def orders(make_csr: MakeCsr, count: int) -> list[Order]:
    csr = make_csr()
    return [Order(csr=csr, names=[f"h{number}.example"]) for number in range(count)]


@pytest.mark.parametrize("root", BACKENDS, indirect=True)
def test_threads_that_find_a_session_over_share_one_new_signer(
    root: Installation, distant: Distant, make_csr: MakeCsr
) -> None:
    before = distant.seen()["sessions"]
    with root.certificates.issuer("Root") as issuer:
        issuer.sign(orders(make_csr, 1)[0])
        distant.plan(latency=0.05, plan=["over"])
        assert len(issuer.sign_many(orders(make_csr, 200))) == 200
        distant.plan(plan=["over"])
        assert len(issuer.sign_many(orders(make_csr, 1))) == 1, "each session may end"
    assert distant.seen()["sessions"] == before + 3


@pytest.mark.parametrize("root", BACKENDS[:1], indirect=True)
def test_a_request_gets_one_other_signer_and_no_third(root: Installation, distant: Distant, make_csr: MakeCsr) -> None:
    before = distant.seen()["sessions"]
    distant.plan(plan=["over"] * 2)
    with root.certificates.issuer("Root") as issuer, pytest.raises(SessionOverError):
        issuer.sign(orders(make_csr, 1)[0])
    assert distant.seen()["sessions"] == before + 2


@pytest.mark.parametrize("root", BACKENDS, indirect=True)
def test_a_pin_that_is_refused_is_not_tried_again_by_any_thread(
    root: Installation, distant: Distant, make_csr: MakeCsr
) -> None:
    with root.certificates.issuer("Root") as issuer:
        issuer.sign(orders(make_csr, 1)[0])
        before = distant.seen()["sessions"]
        distant.plan(latency=0.05, plan=["over"], refuse_pin=True)
        with pytest.raises(SecretWrongError):
            issuer.sign_many(orders(make_csr, 200))
        with pytest.raises(SecretWrongError):
            issuer.sign_many(orders(make_csr, 1))
    assert distant.seen()["sessions"] == before + 1


@pytest.mark.parametrize(
    ("root", "least", "most"), [("distant-sixteen", 12, 16), ("distant-one", 1, 1)], indirect=["root"]
)
def test_as_many_threads_sign_as_the_backend_takes(
    root: Installation, distant: Distant, make_csr: MakeCsr, least: int, most: int
) -> None:
    distant.plan(latency=0.05)
    with root.certificates.issuer("Root") as issuer:
        issuer.sign_many(orders(make_csr, 40))
    assert least <= distant.seen()["most_at_once"] <= most
