"""A signer or a backend that fails to close is a warning: what was made is there, and other work goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from anchorhold.errors import BackendFailedError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import hookimpl
from anchorhold.plugin.requests import SECTIONS
from plugin.fake_backends import SUBJECT, MemoryBackend, Recorder, bound

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeCsr
    from distant.distant_fixtures import Distant

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="nothing of it depends on the database"),
]

WARNING = "key backend 'default' (distant of acme-distant 1.2): a signer failed to close (RuntimeError); "


def warnings(talk: str) -> list[str]:
    return [line for line in talk.splitlines() if "failed to close" in line]


def test_commands_do_their_work_although_signers_fail_to_close(distant: Distant, csr_file: Path) -> None:
    distant.configure(bad_close=True)
    created = distant.run("init-ca", "Root", "CN=Root")
    assert created.returncode == 0, created.stderr
    (warning,) = warnings(created.stderr)
    assert warning.startswith(WARNING)
    assert "1234" not in created.stderr
    out = distant.folder / "signed.pem"
    signed = distant.run("sign-cert", "--ca", "Root", "--csr", str(csr_file), "--alt", "a.example", "--out", str(out))
    assert signed.returncode == 0, signed.stderr
    assert out.read_text().startswith("-----BEGIN CERTIFICATE")
    assert len(warnings(signed.stderr)) == 1


def test_maintenance_goes_on_with_the_other_authorities(distant: Distant) -> None:
    more = '[key_backends.other]\nbackend = "storages"\n'
    distant.configure(bad_close=True, more=more)
    assert distant.run("init-ca", "First", "CN=First").returncode == 0
    assert distant.run("init-ca", "Second", "CN=Second", "--key-backend", "other").returncode == 0
    maintained = distant.run("maintain")
    assert maintained.returncode == 0, maintained.stderr
    assert "First: CRL number 1" in maintained.stderr
    assert "Second: CRL number 1" in maintained.stderr
    assert "First: new responder" in maintained.stderr
    assert "Second: new responder" in maintained.stderr


@pytest.mark.parametrize(
    ("fault", "wrappers", "told"),
    [
        (RuntimeError("1234"), [], " (RuntimeError); what"),
        (RuntimeError("1234"), [Recorder], ": close_backend failed (RuntimeError); what"),
        (BackendFailedError("key backend 'mine': did not log out", hint=""), [], ": did not log out; what"),
        (BackendFailedError("kms: did not log out", hint=""), [], ": kms: did not log out; what"),
    ],
)
def test_a_backend_that_fails_to_close_is_named_once(
    fault: Exception, wrappers: list[type[Recorder]], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck(MemoryBackend):
        @hookimpl
        def close_backend(self) -> None:
            raise fault

    backend = bound(Stuck, wrappers)
    backend.close()
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith(f"{SUBJECT}: the backend failed to close{told}")
    assert warning.count("key backend 'mine'") == 1


def test_the_alias_for_keys_of_responders_is_named_as_such(distant: Distant) -> None:
    distant.configure()
    with open_installation() as installation:
        named = [str(installation.backends.get("default", role).identity).split(" (")[0] for role in SECTIONS]
    assert named == ["key backend 'default'", "OCSP key backend 'default'"]


FORKS = """
import os, anchorhold
with anchorhold.open_installation() as installation:
    installation.authorities.create("Root", "CN=Root")
    if os.fork() == 0:
        raise SystemExit(0)  # runs what is registered for the exit, too
    os.wait()
print(os.getpid())
"""
LEAVES_IT_OPEN = """
import os, anchorhold
anchorhold.open_installation().authorities.create("Root", "CN=Root")
print(os.getpid())
"""


@pytest.mark.parametrize("code", [FORKS, LEAVES_IT_OPEN])
def test_a_backend_is_closed_once_by_the_process_that_has_bound_it(distant: Distant, code: str) -> None:
    log = distant.folder / "log"
    distant.configure(log=str(log))
    ended = distant.run(code=code)
    assert ended.returncode == 0, ended.stderr
    closed = sorted(json.loads(line) for line in log.read_text().splitlines())
    assert closed == [["ca", int(ended.stdout)], ["ocsp", int(ended.stdout)]]


def test_an_installation_of_another_actor_leaves_the_backends_open(distant: Distant) -> None:
    log = distant.folder / "log"
    distant.configure(log=str(log))
    with open_installation() as installation:
        with installation.as_actor("clerk") as acting:
            acting.authorities.create("Root", "CN=Root")
        assert not log.exists()
    assert sorted(json.loads(line)[0] for line in log.read_text().splitlines()) == ["ca", "ocsp"]


def test_a_closed_instance_is_not_used_again(distant: Distant, make_csr: MakeCsr) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        before = installation.backends.get("default")
    with installation:
        installation.certificates.sign("Root", Order(csr=make_csr(), names=["a.example"]))
        assert installation.backends.get("default") is not before
