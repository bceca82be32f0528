"""Requests that are kept: submitted, approved, and signed by a process that is given only the number."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold import errors
from anchorhold.audit import Actor, AuditContext
from anchorhold.installation import open_installation
from anchorhold.ledger.audits import HistoryFilter
from anchorhold.operations import requests
from anchorhold.operations.certificate_drafter import CertificateDrafter
from anchorhold.operations.order import Order
from anchorhold.operations.signing_key import SigningKey
from anchorhold.services.context import ServiceContext
from anchorhold.x509.describe import describe
from anchorhold.x509.to_be_signed import read_draft
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import MakeCsr

_SIGN_IT = "import anchorhold, sys; anchorhold.open_installation().requests.sign(int(sys.argv[1]))"


def _order(make_csr: MakeCsr, **more: Any) -> Order:
    return Order(csr=make_csr(), names=["a.example"], **more)


@pytest.fixture
def ready(installation: Installation) -> Installation:
    """With an authority."""
    installation.authorities.create("Root", "CN=Root")
    return installation


def test_a_process_that_is_given_only_the_number_signs_it(ready: Installation, make_csr: MakeCsr) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    assert (kept.status, kept.serial, kept.names) == ("waiting", None, ("DNS:a.example",))
    reserved = ready.requests.reserve(kept.id)
    assert reserved.status == "reserved"
    subprocess.run([sys.executable, "-c", _SIGN_IT, str(kept.id)], check=True)
    issued = ready.requests.get(kept.id)
    assert issued.status == "issued"
    record = ready.certificates.get(issued.serial or "")
    certificate = x509.load_der_x509_certificate(record.certificate or b"")
    certificate.verify_directly_issued_by(ready.authorities.get("Root").certificate)


def test_the_draft_that_is_signed_is_the_one_that_was_reserved(
    ready: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    draft = CertificateDrafter.draft

    def noticed(*given: Any) -> Any:
        made.append(draft(*given))
        return made[-1]

    monkeypatch.setattr(CertificateDrafter, "draft", noticed)
    kept = ready.requests.submit("Root", _order(make_csr, subject="CN=a,O=Größe"))
    ready.requests.reserve(kept.id)
    reserved = ready.ledger.certificates.find(ready.requests.get(kept.id).serial or "")[0]
    assert read_draft(reserved.tbs or b"", "webserver") == made[-1]


def test_a_preview_tells_what_is_issued_then_and_keeps_nothing(ready: Installation, make_csr: MakeCsr) -> None:
    order = _order(make_csr)
    shown = ready.requests.preview("Root", order)
    assert (ready.requests.list(), len(ready.certificates.list())) == ([], 1)
    kept = ready.requests.submit("Root", order)
    again = ready.requests.preview_of(kept.id)
    ready.requests.reserve(kept.id)
    certificate = ready.requests.sign(kept.id).certificate
    issued = describe(certificate)
    for preview in (shown, again):
        told = preview.to_json()
        assert {name: told[name] for name in ("subject", "key", "extensions")} == {
            name: issued[name] for name in ("subject", "key", "extensions")
        }
        assert abs(preview.not_after - certificate.not_valid_after_utc) < dt.timedelta(minutes=5)
    with pytest.raises(errors.ProfileRefusedError):
        ready.requests.preview("Root", Order(csr=make_csr()))


def test_requests_come_in_pages(ready: Installation, make_csr: MakeCsr) -> None:
    numbers = [ready.requests.submit("Root", _order(make_csr)).id for _ in range(5)]
    first = ready.requests.list(limit=2)
    rest = ready.requests.list("waiting", "Root", after=first[-1].id)
    assert [kept.id for kept in (*first, *rest)] == numbers
    assert ready.requests.list(after=numbers[-1]) == ready.requests.list(after=2**70) == []


def test_what_is_not_fit_is_refused_before_it_is_kept(ready: Installation, make_csr: MakeCsr) -> None:
    with pytest.raises(errors.ProfileRefusedError):
        ready.requests.submit("Root", Order(csr=make_csr()))
    assert ready.requests.list() == []


def test_recovery_leaves_waiting_and_reserved_requests_alone(ready: Installation, make_csr: MakeCsr) -> None:
    ready.requests.submit("Root", _order(make_csr))
    kept = ready.requests.submit("Root", _order(make_csr))
    ready.requests.reserve(kept.id)
    assert ready.recovery.pending(dt.timedelta(0)).certificates == ()
    assert ready.requests.sign(kept.id).serial == ready.requests.get(kept.id).serial


@pytest.mark.parametrize("step", ["waiting", "issued", "rejected"])
def test_only_what_is_reserved_is_signed(ready: Installation, make_csr: MakeCsr, step: str) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    if step == "issued":
        ready.requests.reserve(kept.id)
        ready.requests.sign(kept.id)
    elif step == "rejected":
        ready.requests.reject(kept.id, "wrong host")
    with pytest.raises(errors.InputError, match=f"is {step}, not reserved"):
        ready.requests.sign(kept.id)


def test_a_key_that_cannot_be_opened_leaves_the_request_reserved(ready: Installation, make_csr: MakeCsr) -> None:
    ready.authorities.create("Locked", "CN=Locked", secrets={"password": "right"})
    kept = ready.requests.submit("Locked", _order(make_csr))
    ready.requests.reserve(kept.id)
    with pytest.raises(errors.SecretWrongError):
        ready.requests.sign(kept.id, {"password": "wrong"})
    assert ready.requests.get(kept.id).status == "reserved"
    assert ready.requests.sign(kept.id, {"password": "right"}).serial


def test_a_key_that_fails_while_it_signs_uses_up_the_serial_number(
    ready: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anchorhold.software_keys import SoftwareSigner

    kept = ready.requests.submit("Root", _order(make_csr))
    serial = ready.requests.reserve(kept.id).serial
    with monkeypatch.context() as broken:
        broken.setattr(SoftwareSigner, "sign", lambda *_: b"no signature")
        with pytest.raises(errors.SignatureError):
            ready.requests.sign(kept.id)
    again = ready.requests.get(kept.id)
    assert (again.status, again.serial) == ("waiting", None)
    assert "does not verify" in (again.problem or "")
    assert ready.requests.reserve(kept.id).serial != serial
    assert ready.requests.sign(kept.id).serial


def test_an_authority_that_was_disabled_meanwhile_signs_nothing(ready: Installation, make_csr: MakeCsr) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    ready.requests.reserve(kept.id)
    ready.authorities.edit("Root", enabled=False)
    with pytest.raises(errors.AuthorityNotReadyError):
        ready.requests.sign(kept.id)
    ready.authorities.edit("Root", enabled=True)
    assert ready.requests.sign(kept.id).serial


def test_what_is_rejected_says_why_and_its_serial_number_stays_used(ready: Installation, make_csr: MakeCsr) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    serial = ready.requests.reserve(kept.id).serial or ""
    assert ready.requests.reject(kept.id, "wrong host").problem == "wrong host"
    assert [record.status for record in ready.ledger.certificates.find(serial, abandoned=True)] == ["abandoned"]
    with pytest.raises(errors.InputError, match="is rejected"):
        ready.requests.reserve(kept.id)


def test_it_is_known_who_submitted_and_who_approved(ready: Installation, make_csr: MakeCsr) -> None:
    kept = ready.as_actor(Actor("user", "ann")).requests.submit("Root", _order(make_csr))
    ready.as_actor(Actor("user", "bob")).requests.reserve(kept.id)
    ready.as_actor(Actor("worker", "signer")).requests.sign(kept.id)
    assert kept.to_json()["submitted_by"] == {"kind": "user", "name": "ann", "origin": ""}
    actors = {
        entry.kind: entry.audit.actor.name
        for entry in ready.history.entries()
        if entry.audit is not None and entry.detail.get("request") == kept.id
    }
    assert actors == {"certificate-requested": "ann", "certificate-reserved": "bob", "certificate-issued": "signer"}


def test_two_processes_that_sign_one_request_make_one_certificate(ready: Installation, make_csr: MakeCsr) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    ready.requests.reserve(kept.id)
    command = [sys.executable, "-c", _SIGN_IT, str(kept.id)]
    ended = [process.wait() for process in [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(3)]]
    assert sorted(ended)[0] == 0
    assert 0 not in sorted(ended)[1:]
    issued = [found for found in ready.certificates.list("Root") if found.names]
    assert len(issued) == 1


def test_a_number_that_does_not_exist_is_refused(ready: Installation) -> None:
    with pytest.raises(errors.InputError, match="request 7: does not exist"):
        ready.requests.sign(7)


def test_a_request_is_not_signed_by_another_algorithm_than_it_was_reserved_for(
    ready: Installation, make_csr: MakeCsr
) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    ready.requests.reserve(kept.id)
    ready.authorities.edit("Root", changes={"hash": "SHA-512"})
    with pytest.raises(errors.InputError, match="another algorithm"):
        ready.requests.sign(kept.id)
    ready.authorities.edit("Root", changes={"hash": None})
    issued = ready.requests.sign(kept.id)
    issued.certificate.verify_directly_issued_by(ready.authorities.get("Root").certificate)


def test_a_certificate_that_would_have_expired_is_not_signed(
    ready: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ready.requests.submit("Root", _order(make_csr, expires=now() + dt.timedelta(days=1)))
    ready.requests.reserve(kept.id)
    monkeypatch.setattr("anchorhold.operations.requests.now", lambda: now() + dt.timedelta(days=2))
    with pytest.raises(errors.ValidityError, match="its certificate expired"):
        ready.requests.sign(kept.id)
    assert ready.requests.reject(kept.id, "too late").status == "rejected"


def test_what_a_wrapper_refused_can_be_signed_as_it_is_later(
    ready: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    serial = ready.requests.reserve(kept.id).serial
    with monkeypatch.context() as guarded:
        _sign_raises(guarded, errors.RefusedError("quorum: one approval is missing", hint="approve it"))
        with pytest.raises(errors.RefusedError):
            ready.requests.sign(kept.id)
    refused = ready.requests.get(kept.id)
    assert (refused.status, refused.serial) == ("reserved", serial)
    assert "approval is missing" in (refused.problem or "")
    assert ready.requests.sign(kept.id).serial == serial
    assert ready.requests.get(kept.id).problem is None


def test_an_interruption_leaves_a_request_reserved(
    ready: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    reserved = ready.requests.reserve(kept.id)
    with monkeypatch.context() as interrupted:
        _sign_raises(interrupted, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            ready.requests.sign(kept.id)
    assert ready.requests.get(kept.id) == reserved
    assert ready.requests.sign(kept.id).serial == reserved.serial


def test_the_text_of_a_stranger_s_error_is_not_kept(
    ready: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    ready.requests.reserve(kept.id)
    _sign_raises(monkeypatch, OSError("the PIN is 1234"))
    with pytest.raises(OSError, match="1234"):
        ready.requests.sign(kept.id)
    assert ready.requests.get(kept.id).problem == "OSError"


def _sign_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def sign(*_: object) -> bytes:
        raise error

    monkeypatch.setattr(SigningKey, "sign_draft", sign)


TWO_PLACES = """
[storages.default]
backend = "local"
options = { location = "one" }
[storages.other]
backend = "local"
options = { location = "other" }
[key_backends.default]
backend = "storages"
[key_backends.other]
backend = "storages"
options = { storage_alias = "other" }
"""


def test_the_key_of_an_authority_is_looked_for_where_it_is_now(
    database: str, make_csr: MakeCsr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text(TWO_PLACES)
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    with open_installation() as ca:
        ca.authorities.create("Root", "CN=Root")
        kept = ca.requests.reserve(ca.requests.submit("Root", _order(make_csr)).id)
        before = ServiceContext(ca.loaded, ca.access, ca.backends, AuditContext()).key_of(ca.authorities.get("Root"))
        ca.keys.move("Root", "other")
        with pytest.raises(errors.BusyError, match="was moved meanwhile"):
            requests.sign(ca.ledger, before, kept)
        assert ca.requests.get(kept.id) == kept
        assert ca.requests.sign(kept.id).serial == kept.serial


@pytest.mark.parametrize("why", ["a\nb", "\x1b[31m", "\0", "\udcff"])
def test_a_reason_is_one_printable_line(ready: Installation, make_csr: MakeCsr, why: str) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    with pytest.raises(errors.InputError, match="reason"):
        ready.requests.reject(kept.id, why)
    assert ready.requests.get(kept.id).status == "waiting"


def test_what_a_request_asked_for_and_did_not_get_is_said(ready: Installation, make_csr: MakeCsr) -> None:
    order = Order(csr=make_csr(subject="CN=other"), names=["a.example"])
    kept = ready.requests.submit("Root", order)
    ready.requests.reserve(kept.id)
    assert ready.requests.sign(kept.id).not_granted == ready.certificates.sign("Root", order).not_granted != ()


def test_each_step_of_a_request_is_in_the_history_once(
    ready: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ready.requests.submit("Root", _order(make_csr))
    ready.requests.reserve(kept.id)
    with monkeypatch.context() as broken:
        _sign_raises(broken, errors.SignatureError("key: broken", hint="repair it"))
        with pytest.raises(errors.SignatureError):
            ready.requests.sign(kept.id)
    serial = ready.requests.reserve(kept.id).serial
    ready.requests.sign(kept.id)
    entries = [entry for entry in ready.history.entries() if entry.detail.get("request") == kept.id]
    kinds = ["issued", "reserved", "failed", "reserved", "requested"]
    assert [entry.kind for entry in entries] == [f"certificate-{kind}" for kind in kinds]
    of_certificate = list(ready.history.entries(wanted=HistoryFilter(serial=serial)))
    assert [entry.kind for entry in of_certificate] == ["certificate-issued", "certificate-reserved"]
    assert of_certificate[0].detail["names"] == ["DNS:a.example"]


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63, 10**30])
@pytest.mark.databases("sqlite", "postgresql", because="their row numbers end at different ones")
def test_no_number_is_too_large_to_be_unknown(ready: Installation, number: int) -> None:
    with pytest.raises(errors.InputError, match="does not exist"):
        ready.requests.get(number)
