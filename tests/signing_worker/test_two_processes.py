"""One process reserves, another one signs: what they share is the ledger, and what travels is a few values."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from anchorhold.operations.order import Order
from anchorhold.public_keys import is_signed_by, spki

if TYPE_CHECKING:
    from anchorhold.installation import Installation
    from conftest import MakeCsr

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="the processes share it")

WORKER = """
import json, sys
from anchorhold.algorithms import Algorithm
from anchorhold.audit import Actor
from anchorhold.errors import AnchorholdError
from anchorhold.installation import open_installation
from anchorhold.plugin import WantedSignature

with open_installation() as installation:
    signing = installation.as_actor(Actor("peer", "web")).signing
    for line in sys.stdin:
        sent = json.loads(line)
        wanted = WantedSignature(
            purpose="certificate",
            public_key_info=bytes.fromhex(sent["key"]),
            algorithm=Algorithm(**sent["algorithm"]),
            digest=bytes.fromhex(sent["digest"]),
            serial=sent["serial"],
        )
        try:
            (signature,) = signing.sign_intended([signing.find_intended(wanted)])
        except AnchorholdError as error:
            print(error.code)
        else:
            print(signature.hex())
"""


def test_a_child_signs_what_this_process_has_reserved_and_nothing_else(
    installation: Installation, make_csr: MakeCsr
) -> None:
    root = installation.authorities.create("Root", "CN=Root")
    kept = installation.requests.submit("Root", Order(csr=make_csr(), names=["a.example"]))
    serial = installation.requests.reserve(kept.id).serial or ""
    (record,) = installation.ledger.certificates.find(serial)
    sent = {
        "key": spki(root.public_key).hex(),
        "algorithm": {"scheme": root.algorithm.scheme, "hash": root.algorithm.hash},
        "digest": sha256(record.tbs or b"").hexdigest(),
        "serial": serial,
    }
    forged = {**sent, "digest": bytes(32).hex()}
    child = subprocess.run(
        [sys.executable, "-c", WORKER],
        input=f"{json.dumps(sent)}\n{json.dumps(forged)}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert child.stderr == ""
    signature, refused = child.stdout.split()
    assert is_signed_by(root.public_key, bytes.fromhex(signature), record.tbs or b"", root.algorithm)
    assert refused == "signature-not-intended"
    (event,) = [each for each in installation.ledger.events.history() if each.kind == "signature-refused"]
    assert (event.serial, event.detail["reason"]) == (serial, "other-content")
    assert str(event.audit and event.audit.actor) == "peer web"
    assert installation.requests.get(kept.id).status == "reserved"
