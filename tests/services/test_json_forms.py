"""What services return has a JSON form that says what it is, and holds no key and no handle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold import Order
from anchorhold.errors import KeyMissingError
from anchorhold.operations.key_check import KeyStatus
from anchorhold.operations.maintenance import MaintenanceResult
from anchorhold.operations.responder_cleanup import CleanupResult

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import MakeCsr

MISSING = KeyMissingError("key: is gone", hint="bring it back")


def read_back(value: Any) -> dict[str, Any]:
    """What a program at the other end reads."""
    read: dict[str, Any] = json.loads(json.dumps(value.to_json()))
    assert "handle" not in read
    return read


def test_an_authority_and_what_it_publishes(installation: Installation) -> None:
    authority = installation.authorities.create("Root", "CN=Root")
    read = read_back(authority)
    assert (read["name"], read["status"], read["subject"]) == ("Root", "active", "CN=Root")
    (crl,) = installation.crls.generate(authority)
    assert read_back(crl) == {
        "number": crl.number,
        "shard": None,
        "this_update": crl.this_update.isoformat(),
        "next_update": crl.next_update.isoformat(),
    }
    installation.responders.renew(authority)
    responder = installation.responders.active(authority)
    assert responder is not None
    assert read_back(responder)["serial"] == responder.serial


def test_a_certificate_comes_in_pem(installation: Installation, make_csr: MakeCsr) -> None:
    installation.authorities.create("Root", "CN=Root")
    issued = installation.certificates.sign("Root", Order(csr=make_csr(), names=["www.example.com"]))
    read = read_back(issued)
    assert x509.load_pem_x509_certificate(read["certificate"].encode()) == issued.certificate
    assert (read["serial"], read["not_granted"]) == (issued.serial, [])


def test_what_waits_names_authorities(installation: Installation) -> None:
    authority = installation.authorities.create("Root", "CN=Root")
    assert read_back(installation.recovery.pending())["authorities"] == []
    with installation.ledger.transaction():
        installation.ledger.key_copies.add(
            authority.record.id, key_backend="old", backend_type="storages", key_id=b"\x01" * 20, handle={"name": "x"}
        )
    (copy,) = read_back(installation.recovery.pending())["copies"]
    assert (copy["key_backend"], copy["key_id"]) == ("old", "01" * 20)


def test_what_became_of_pre_signed_responses(installation: Installation, tmp_path: Path) -> None:
    installation.authorities.create("Root", "CN=Root")
    installation.responders.renew("Root")
    made = installation.ocsp_responses.generate("Root", tmp_path / "www")
    read = read_back(made)
    assert (read["written"], read["removed"], read["until"]) == (4, 0, made.until.isoformat())


@pytest.mark.parametrize(
    ("value", "failures"),
    [
        (CleanupResult(destroyed=1, forgotten=0, failures=(MISSING,)), ["key-missing"]),
        (MaintenanceResult(done=("made a CRL",), failures=(MISSING,)), ["key-missing"]),
    ],
)
def test_failures_are_errors_by_code(value: Any, failures: list[str]) -> None:
    assert [each["code"] for each in read_back(value)["failures"]] == failures


def test_a_checked_key_says_what_is_wrong() -> None:
    assert read_back(KeyStatus("usable")) == {"condition": "usable", "problem": None}
    assert read_back(KeyStatus("unusable", MISSING))["problem"]["code"] == "key-missing"
