"""The backend of docs/authors/distant-keys.md, as it stands there, does what the page says of it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold import errors
from anchorhold.algorithms import Algorithm
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import BACKENDS_GROUP, SignRequest
from guide.blocks import blocks
from guide.running import DOCS
from plugin.fake_backends import CA, offer, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.installation import Installation
    from conftest import MakeCsr

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="nothing of it depends on the database"),
]

STAND_IN = Path(__file__).with_name("kms_stand_in.py")
ECDSA = Algorithm(scheme="ecdsa", hash="SHA-256")


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The service; the backend of the page is installed and configured."""
    page = (DOCS / "authors" / "distant-keys.md").read_text()
    (program,) = (block.body for block in blocks(page) if block.title == "distant.py")
    for name in ("kms", "distant_of_the_page"):  # with what other tests have left in it
        monkeypatch.delitem(sys.modules, name, raising=False)
    modules = {"distant_of_the_page": program, "kms": STAND_IN.read_text()}
    offers = {"distant": "distant_of_the_page:Distant"}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, offers, modules=modules)
    settings_file(tmp_path, monkeypatch, '[key_backends.default]\nbackend = "distant"\n')
    return import_module("kms").Client


@pytest.fixture
def opened(kms: Any) -> Iterator[Installation]:
    """An installation with an authority whose key is in the service."""
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        kms.asked.clear()
        yield installation
    assert (kms.sessions, kms.closed) == (set(), 1)


def issue(installation: Installation, make_csr: MakeCsr, count: int = 3) -> list[str]:
    csr = make_csr()
    with installation.certificates.issuer("Root") as issuer:
        issued = issuer.sign_many([Order(csr=csr, names=[f"h{number}.example"]) for number in range(count)])
        return [each.serial for each in issued]


def test_a_batch_is_one_request_and_what_is_busy_is_asked_for_again(
    opened: Installation, kms: Any, make_csr: MakeCsr
) -> None:
    kms.plan[:] = [200, 429, 200]
    assert len(issue(opened, make_csr)) == 3
    assert kms.asked == [3, 1]


def test_a_session_that_is_over_is_replaced(opened: Installation, kms: Any, make_csr: MakeCsr) -> None:
    kms.plan[:] = [401, 401, 401]
    assert len(issue(opened, make_csr)) == 3
    assert kms.asked == [3, 3]


def test_one_signature_is_asked_for_within_the_deadline(opened: Installation, kms: Any, make_csr: MakeCsr) -> None:
    kms.timeouts.clear()
    assert len(issue(opened.within(20.0), make_csr, 1)) == 1
    assert len(issue(opened.within(20.0), make_csr, 2)) == 2
    *asked, _ = (seconds for seconds in kms.timeouts if seconds != 1.0)  # of the end of a session
    assert len(asked) >= 3
    assert all(0 < seconds < 20.0 for seconds in asked)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (500, errors.BackendFailedError),
        ("NotSent", errors.BackendUnreachedError),
        ("NoAnswer", errors.BackendFailedError),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_what_fails_says_whether_something_may_have_been_signed(
    opened: Installation, kms: Any, make_csr: MakeCsr, fault: int | str, kind: type[Exception], count: int
) -> None:
    kms.plan[:] = [fault if isinstance(fault, int) else getattr(import_module("kms"), fault)()]
    with pytest.raises(errors.BackendFailedError, match="key backend 'default', key of 'Root'") as raised:
        issue(opened, make_csr, count)
    assert type(raised.value) is kind


def test_a_request_that_cannot_be_signed_stops_no_other_and_a_closed_signer_signs_nothing(
    opened: Installation, kms: Any
) -> None:
    backend, authority = opened.backends.get("default"), opened.authorities.get("Root")
    requests = [
        SignRequest(message=b"message", algorithm=algorithm, purpose="certificate", ca=CA)
        for algorithm in (ECDSA, Algorithm(scheme="ed25519"), ECDSA)
    ]
    signer = backend.load_signer(authority.key_request, opened.backends.secrets("default", {}, operation="use"))
    assert [type(each) for each in backend.sign_batch(requests, signer)] == [bytes, errors.KeyUnsupportedError, bytes]
    signer.close()
    assert [type(each) for each in backend.sign_batch(requests, signer)] == [errors.BackendFailedError] * 3
    assert kms.asked == [2]


def test_after_the_deadline_nothing_is_asked(opened: Installation, kms: Any) -> None:
    backend, authority = opened.backends.get("default"), opened.authorities.get("Root")
    signer: Any = backend.load_signer(authority.key_request, opened.backends.secrets("default", {}, operation="use"))
    late = SignRequest(message=b"message", algorithm=ECDSA, purpose="crl", ca=CA, deadline=0.0)
    with pytest.raises(errors.DeadlineError):
        signer.sign_request(late)
    signer.close()
    assert kms.asked == []
