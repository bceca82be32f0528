"""The command `workers` shows who signs for others, and what was refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from anchorhold.audit import Actor
from anchorhold.cli.remedies import sentence
from anchorhold.errors import SignatureNotIntendedError
from anchorhold.installation import Installation, open_installation
from anchorhold.plugin import PROBE_PREFIX, WantedSignature
from anchorhold.public_keys import spki
from cli.cli_steps import good

if TYPE_CHECKING:
    from conftest import Command


def _refused(installation: Installation, **changes: object) -> SignatureNotIntendedError:
    root = installation.authorities.get("Root")
    values: dict[str, object] = {
        "purpose": "crl",
        "public_key_info": spki(root.public_key),
        "algorithm": root.algorithm,
        "digest": bytes(32),
        "number": 7,
        "message": PROBE_PREFIX,
    }
    wanted = WantedSignature(**{**values, **changes})  # type: ignore[arg-type]
    (found,) = installation.as_actor(Actor("peer", "web")).signing.find_all_intended([wanted])
    assert isinstance(found, SignatureNotIntendedError)
    return found


def test_workers_and_refusals_are_shown(anchorhold: Command) -> None:
    assert good(anchorhold("workers")).data == b""
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        installation.workers.begin("worker@one", ["default"])
        installation.workers.see("worker@one", signed=True)
        _refused(installation)
    known = json.loads(good(anchorhold("workers", "-f", "json")).data)
    assert [found["name"] for found in known["workers"]] == ["worker@one"]
    assert known["refusals"] == [{"peer": "peer web", "purpose": "crl", "reason": "crl-not-begun", "count": 1}]
    text = good(anchorhold("workers")).data.decode()
    assert "worker@one  running" in text
    assert "peer web     crl      crl-not-begun  1" in text
    head, *rows = good(anchorhold("history")).data.decode().splitlines()
    assert "signature-refused (crl, crl-not-begun)" in rows[0]
    assert head.startswith("TIME")


def test_the_sentence_of_a_refusal_says_where_to_look(anchorhold: Command) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        assert sentence(_refused(installation)).endswith(
            "find out who has asked for it with `anchorhold history --ca Root`"
        )
        unknown = sentence(_refused(installation, public_key_info=b"none"))
        assert unknown.endswith("find out who has asked for it with `anchorhold history`")
    line = next(line for line in good(anchorhold("history")).data.decode().splitlines() if "signature-refused" in line)
    assert line.split()[-2:] == ["-", "-"]
