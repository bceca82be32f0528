"""The order in which an authority and a certificate come into the world.

Hooks are seen by pluggy's own monitoring and by a wrapper, ledger writes by SQLite's own trace; nothing here reads
what the program says about itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.operations import parallel
from anchorhold.operations.order import Order
from anchorhold.plugin import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.installation import Installation
    from conftest import MakeCsr

pytestmark = pytest.mark.databases("sqlite", because="SQLite traces what it is told")

_WRITE = re.compile(r'(INSERT INTO|UPDATE|DELETE FROM) "anchorhold_(\w+)"(?: SET (.*?) WHERE)?')


class Recorder:
    """Writes down what happens, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def sql(self, statement: str) -> None:
        """Remember writes and the ends of transactions."""
        if statement == "COMMIT":
            self.seen.append("commit")
        elif write := _WRITE.match(statement):
            self.seen.append(f"{write[1].split()[0].lower()} {write[2]}{_columns(write[3])}")

    def hook_begins(self, name: str, implementations: Any, arguments: Any) -> None:
        """Remember the beginning of a hook call."""
        self.seen.append(f"hook {name}{_purpose(arguments)}")

    def hook_ends(self, outcome: Any, name: str, implementations: Any, arguments: Any) -> None:
        """Remember the end of a hook call."""
        self.seen.append(f"done {name}")

    @hookimpl(wrapper=True)
    def sign(self, request: Any, signer: Any) -> Any:
        """See each signature from around it."""
        self.seen.append("wrapper before")
        signature = yield
        self.seen.append("wrapper after")
        return signature


def _columns(assignments: str | None) -> str:
    if assignments is None:
        return ""
    names = re.findall(r'"?(handle|certificate|status)"? = ', assignments)
    return f" ({', '.join(sorted(set(names)))})"


def _purpose(arguments: Any) -> str:
    request = arguments.get("request")
    return f" {request.purpose}" if hasattr(request, "purpose") else ""


@pytest.fixture
def recorder(installation: Installation) -> Iterator[Recorder]:
    """Watches the default key backend and the ledger."""
    watching = Recorder()
    manager = installation.backends.get("default").manager
    manager.register(watching)
    stop = manager.add_hookcall_monitoring(watching.hook_begins, watching.hook_ends)
    installation.ledger.database.connection().set_trace_callback(watching.sql)
    yield watching
    installation.ledger.database.connection().set_trace_callback(None)
    stop()


def _signing(purpose: str) -> list[str]:
    return [f"hook sign {purpose}", "wrapper before", "wrapper after", "done sign"]


OPTIONS = ["hook add_cli_options", "done add_cli_options"]
STORE_ASKED = ["hook find_key", "done find_key"]
EVENT = ["insert event", "update epoch"]
CLAIM = ["update claim ()"]
"""Taken, confirmed within each commit, or given back."""
BEGUN = [*STORE_ASKED, "insert authority", *CLAIM, *EVENT, "commit"]
KEY = ["hook create_key", "done create_key", *CLAIM, "update authority (handle)", "commit"]
PROOF = ["hook load_signer", "done load_signer", *_signing("probe")]
RESERVED = ["insert certificate", "commit"]
RECORDED = ["update certificate (certificate, status)"]
ACTIVE = [*CLAIM, "update authority (certificate, status)", *EVENT, "commit", *CLAIM, "commit"]


def _without_options(seen: list[str]) -> list[str]:
    return [step for step in seen if step not in OPTIONS]


def test_a_root_is_recorded_before_its_key_and_active_only_after_its_verified_certificate(
    installation: Installation, recorder: Recorder
) -> None:
    installation.authorities.create("Root", "CN=Root")
    assert _without_options(recorder.seen) == [
        *BEGUN, *KEY, *PROOF, *CLAIM, *RESERVED, *_signing("certificate"), *RECORDED, *ACTIVE,
    ]  # fmt: skip


def test_the_parents_key_is_asked_for_before_anything_is_made(installation: Installation, recorder: Recorder) -> None:
    installation.authorities.create("Root", "CN=Root")
    recorder.seen.clear()
    installation.authorities.create("Issuing", "CN=Issuing", parent="Root", path_length=0)
    assert _without_options(recorder.seen) == [
        "hook load_signer", "done load_signer",
        *BEGUN, *KEY, *PROOF, *CLAIM, *RESERVED, *_signing("certificate"), *RECORDED, *ACTIVE,
    ]  # fmt: skip


def test_a_certificate_is_reserved_before_the_key_is_asked_for_and_recorded_before_it_is_returned(
    installation: Installation, recorder: Recorder, make_csr: MakeCsr
) -> None:
    installation.authorities.create("Root", "CN=Root")
    recorder.seen.clear()
    with installation.certificates.issuer("Root") as issuer:
        issuer.sign(Order(csr=make_csr(), names=["example.com"]))
        recorder.seen.append("returned")
    assert _without_options(recorder.seen) == [
        *RESERVED, "hook load_signer", "done load_signer", *_signing("certificate"), *RECORDED, "commit", "returned",
    ]  # fmt: skip


@pytest.mark.parametrize("threads", [1, 4])
def test_a_batch_commits_twice_and_each_signature_passes_the_wrapper(
    threads: int, installation: Installation, recorder: Recorder, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many threads share it, the key is touched between the two commits only."""
    monkeypatch.setattr(parallel, "MAX_WORKERS", threads)
    installation.authorities.create("Root", "CN=Root")
    recorder.seen.clear()
    csr = make_csr()
    with installation.certificates.issuer("Root") as issuer:
        issuer.sign_many(Order(csr=csr, names=[f"host{number}.example.com"]) for number in range(3))
    before = [*["insert certificate"] * 3, "commit", "hook load_signer", "done load_signer"]
    after = [*RECORDED * 3, "commit"]
    seen = _without_options(recorder.seen)
    assert (seen[: len(before)], seen[-len(after) :]) == (before, after)
    signatures = seen[len(before) : -len(after)]
    expected = _signing("certificate") * 3
    assert signatures == expected if threads == 1 else sorted(signatures) == sorted(expected)
