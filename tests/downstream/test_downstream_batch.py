"""A wrapper is asked about every single certificate of a batch, and its refusal ends the batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.operations.parallel import MAX_WORKERS

if TYPE_CHECKING:
    from pathlib import Path

    from downstream.wheel_environment import Downstream

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="no more is installed than the wheels need"),
]

COUNTER = '''
"""A wrapper that remembers what it was asked to sign."""

from anchorhold.plugin import hookimpl

asked = []


class Counter:
    """Lets everything pass."""

    anchorhold_api = 1

    def __init__(self, options, context):
        """Take nothing."""

    @hookimpl(wrapper=True)
    def sign(self, request, signer):
        """Remember, and pass on."""
        if request.purpose == "certificate" and request.draft.issuer != request.draft.subject:
            asked.append(request)
        return (yield)
'''

BATCH = """
import datetime, json, pathlib, sys
import anchorhold, counter
from anchorhold.errors import RefusedError
from cryptography import x509

settings, csr, names = map(pathlib.Path, sys.argv[1:])
names = json.loads(names.read_text())
order = csr.read_bytes()
issued, refusal = [], None
with anchorhold.open_installation(settings) as installation:
    installation.authorities.create("Root", "CN=Root")
    with installation.certificates.issuer("Root") as issuer:
        try:
            issued = issuer.sign_many(anchorhold.Order(csr=order, names=[name]) for name in names)
        except RefusedError as error:
            refusal = str(error)
    waiting = installation.recovery.pending(grace=datetime.timedelta(seconds=-5)).certificates
tbs = [x509.load_der_x509_certificate(each.der).tbs_certificate_bytes for each in issued]
print(json.dumps({
    "asked": [f"{request.draft.serial:x}" for request in counter.asked],
    "issued": [format(each.certificate.serial_number, "x") for each in issued],
    "same octets": sorted(tbs) == sorted(request.message for request in counter.asked),
    "refusal": refusal,
    "waiting": len(waiting),
}))
"""


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    """A folder with a second wrapper, as if it had been installed there."""
    folder = tmp_path / "counter"
    information = folder / "counter-1.0.dist-info"
    information.mkdir(parents=True)
    (folder / "counter.py").write_text(COUNTER)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: counter\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[anchorhold.wrappers]\ncounter = counter:Counter\n")
    return folder


def sign_batch(downstream: Downstream, tmp_path: Path, csr: Path, counter: Path, names: list[str]) -> Any:
    """Sign one request under all these names, with the counter around the policy; what the script saw."""
    settings, wanted = tmp_path / "config.toml", tmp_path / "names.json"
    settings.write_text('[wrappers.counter]\n[wrappers.suffix-policy]\noptions = { suffixes = ["example.com"] }\n')
    wanted.write_text(json.dumps(names))
    return downstream.python("-c", BATCH, settings, csr, wanted, path=counter).json


def listed(downstream: Downstream) -> list[dict[str, Any]]:
    """What the ledger has of certificates, except that of the root."""
    found = downstream.anchorhold("list-certs", "--ca", "Root", "--limit", "5000", "--output-format", "json").json
    return [entry for entry in found if entry["names"]]


def test_the_wrapper_sees_each_of_a_thousand_certificates(
    downstream: Downstream, tmp_path: Path, csr_file: Path, counter: Path
) -> None:
    names = [f"host{number}.example.com" for number in range(1_000)]
    seen = sign_batch(downstream, tmp_path, csr_file, counter, names)
    assert seen["refusal"] is None
    assert len(seen["asked"]) == len(set(seen["asked"])) == 1_000
    assert sorted(seen["asked"]) == sorted(seen["issued"])
    assert seen["same octets"]
    entries = listed(downstream)
    assert [entry["names"] for entry in entries] == [[f"DNS:{name}"] for name in names]
    assert [int(entry["serial"], 16) for entry in entries] == [int(serial, 16) for serial in seen["issued"]]


@pytest.mark.parametrize(("size", "refused"), [(100, 60), (1_050, 1_030)], ids=["first commit", "second commit"])
def test_what_was_signed_before_a_refusal_stays_and_nothing_is_begun_after_it(
    downstream: Downstream, tmp_path: Path, csr_file: Path, counter: Path, size: int, refused: int
) -> None:
    """Those before it have been begun; and a few after it, by the threads that share the batch."""
    names = [f"host{number}.example.com" for number in range(1, size + 1)]
    names[refused - 1] = "www.outside.net"
    seen = sign_batch(downstream, tmp_path, csr_file, counter, names)
    assert "www.outside.net is outside .example.com" in seen["refusal"]
    assert refused <= len(seen["asked"]) < refused + MAX_WORKERS
    assert seen["waiting"] == 0
    issued = [entry["names"] for entry in listed(downstream)]
    assert len(issued) == len(seen["asked"]) - 1
    assert issued[: refused - 1] == [[f"DNS:{name}"] for name in names[: refused - 1]]
