"""The wrapper ``quorum`` from its wheel: a root signs what two of three people have approved, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold import errors
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeCsr
    from downstream.wheel_environment import Downstream, Ended

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="no more is installed than the wheels need"),
]

in_full = pytest.mark.only_in_full(because="tests/examples/test_quorum asks the wrapper itself for the same")
PEOPLE = ("alice", "bob", "carol")
SIGN = ("sign-cert", "--ca", "Root", "--profile", "intermediate", "--csr", "issuing.csr", "--out", "issuing.pem")


@dataclass(frozen=True)
class Office:
    """A root that needs approvals, and the people who give them.

    Attributes:
        downstream: The environment.
        folder: Of the test.
    """

    downstream: Downstream
    folder: Path

    @property
    def approvals(self) -> Path:
        """What the people and the program share."""
        return self.folder / "approvals"

    def configure(self, more: str = "") -> None:
        """Write the settings; `more` are further options."""
        keys = ", ".join(f'{name} = "{self.public_key(name)}"' for name in PEOPLE)
        (self.folder / "config.toml").write_text(
            f'[wrappers.quorum.options]\nfolder = "{self.approvals}"\nrequired = 2\napprovers = {{ {keys} }}\n{more}'
        )

    def public_key(self, name: str) -> str:
        """As `openssl pkey -pubout` has it, between BEGIN and END; the private key is in a file."""
        path = self.folder / f"{name}.pem"
        if not path.exists():
            path.write_text(openssl("genpkey", "-algorithm", "ed25519"))
        return openssl("pkey", "-in", path, "-pubout").splitlines()[1]

    def run(self, *arguments: str) -> Ended:
        """Run the command."""
        return self.downstream.anchorhold(*arguments)

    def refused(self, *arguments: str) -> str:
        """Run the command, which is refused for want of approvals; the digest that it names."""
        ended = self.run(*arguments)
        assert ended.exit_code == errors.RefusedError.exit_code, ended.talk
        named = re.search(r"with the SHA-256 digest ([0-9a-f]{64}) has (\d) of 2 approvals", ended.talk)
        assert named is not None, ended.talk
        assert f"anchorhold-approve sign {self.approvals} {named[1][:16]} --name NAME --key FILE" in ended.talk
        return named[1]

    def approve(self, digest: str, name: str, key: str | None = None, *more: str) -> Ended:
        """Have somebody approve something."""
        given = ("--name", name, "--key", f"{key or name}.pem", "--yes", *more)
        return self.downstream.program("anchorhold-approve", "sign", self.approvals, digest, *given)


@pytest.fixture
def office(downstream: Downstream, tmp_path: Path, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch) -> Office:
    """With a root, and a request for its issuing CA."""
    made = Office(downstream, tmp_path)
    made.approvals.mkdir()
    made.configure()
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "issuing.csr").write_bytes(make_csr(subject="CN=Issuing"))
    assert made.run("init-ca", "Root", "CN=Root", "--path-length", "1").exit_code == 0
    return made


def test_what_two_of_three_have_approved_is_signed_when_the_command_is_given_again(office: Office) -> None:
    digest = office.refused(*SIGN, "--subject", "CN=Issuing")
    listed = office.downstream.program("anchorhold-approve", "list", office.approvals)
    assert listed.data == f"{digest[:16]}  certificate  Root: CN=Issuing\n"
    shown = office.downstream.program("anchorhold-approve", "show", office.approvals, digest[:8]).data
    for line in ("Issuer:      CN=Root", "Subject:     CN=Issuing", "critical <BasicConstraints(ca=True, path_length="):
        assert line in shown
    assert office.approve(digest[:12], "alice").exit_code == 0
    assert office.refused(*SIGN, "--subject", "CN=Issuing") == digest  # one is not enough, and nothing new is asked
    assert office.approve(digest, "carol").exit_code == 0
    signed = office.run(*SIGN, "--subject", "CN=Issuing")
    assert signed.exit_code == 0, signed.talk
    certificate = x509.load_pem_x509_certificate((office.folder / "issuing.pem").read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=Issuing"
    used = json.loads((office.approvals / "used" / digest / "signed.json").read_text())
    assert used["digest"] == hashlib.sha256(certificate.tbs_certificate_bytes).hexdigest()


@in_full
def test_an_approval_is_used_once(office: Office) -> None:
    digest = office.refused(*SIGN, "--subject", "CN=Issuing")
    for name in ("alice", "bob"):
        office.approve(digest, name)
    assert office.run(*SIGN, "--subject", "CN=Issuing").exit_code == 0
    assert office.refused(*SIGN, "--subject", "CN=Issuing") != digest


@in_full
@pytest.mark.parametrize(
    "more",
    [
        ("--subject", "CN=Other", "--expires", "5"),
        ("--subject", "CN=Issuing", "--expires", "6"),
        ("--subject", "CN=Issuing", "--expires", "4"),
        ("--subject", "CN=Issuing", "--expires", "5", "--alt", "a.example.com"),
    ],
)
def test_something_else_needs_an_approval_of_its_own(office: Office, more: tuple[str, ...]) -> None:
    digest = office.refused(*SIGN, "--subject", "CN=Issuing", "--expires", "5")
    for name in PEOPLE:
        office.approve(digest, name)
    assert office.refused(*SIGN, *more) != digest


@in_full
def test_a_key_counts_for_its_own_name_only(office: Office) -> None:
    digest = office.refused(*SIGN, "--subject", "CN=Issuing")
    assert office.approve(digest, "alice").exit_code == 0
    assert office.approve(digest, "bob", "alice").exit_code == 0  # the command cannot know; the wrapper does
    assert office.refused(*SIGN, "--subject", "CN=Issuing") == digest
    assert office.approve(digest, "bob").exit_code == 0
    assert office.run(*SIGN, "--subject", "CN=Issuing").exit_code == 0


@in_full
def test_an_approval_may_travel_as_a_file(office: Office) -> None:
    digest = office.refused(*SIGN, "--subject", "CN=Issuing")
    for name in ("alice", "bob"):
        assert office.approve(digest, name, None, "--out", f"{name}.approval").exit_code == 0
        (office.folder / f"{name}.approval").rename(office.approvals / "pending" / digest / f"{name}.approval")
    assert office.run(*SIGN, "--subject", "CN=Issuing").exit_code == 0


@in_full
def test_a_crl_is_approved_too_and_its_new_number_does_not_matter(office: Office) -> None:
    digest = office.refused("generate-crls", "Root")
    shown = office.downstream.program("anchorhold-approve", "show", office.approvals, digest).data
    assert "Purpose:     crl" in shown
    for name in ("bob", "carol"):
        office.approve(digest, name)
    made = office.run("generate-crls", "Root")
    assert made.exit_code == 0, made.talk


def test_a_command_waits_and_signs_as_soon_as_the_approvals_are_there(office: Office) -> None:
    office.configure("wait = 30\n")
    command = [str(office.downstream.folder / "bin" / "anchorhold"), "init-ca", "Issuing", "CN=Issuing"]
    waiting = subprocess.Popen([*command, "--parent", "Root", "--path-length", "0"], stdout=subprocess.DEVNULL)
    pending = office.approvals / "pending"
    try:
        while not (found := [place.name for place in pending.glob("[!.]*")]):
            assert waiting.poll() is None
            time.sleep(0.1)
        for name in ("alice", "bob"):
            office.approve(found[0], name)
        assert waiting.wait(timeout=20) == 0
    finally:
        waiting.kill()
        waiting.wait()
    assert [entry["status"] for entry in office.run("list-cas", "-f", "json").json] == ["active", "active"]


@in_full
def test_a_root_with_another_name_needs_approvals_all_the_same(office: Office) -> None:
    office.configure('exempt = ["CN=Another"]\n')
    assert office.run("edit-ca", "Root", "--rename", "Another").exit_code == 0
    assert office.refused(*[{"Root": "Another"}.get(word, word) for word in SIGN], "--subject", "CN=Issuing")


def test_a_folder_that_is_away_refuses_everything(office: Office) -> None:
    office.approvals.rmdir()
    ended = office.run(*SIGN, "--subject", "CN=Issuing")
    assert ended.exit_code == errors.RefusedError.exit_code
    assert "approvals: the folder is not there; make the folder of approvals readable" in ended.talk


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("required = 4", "4 approvals are required, and there are 3 approvers"),
        ('approvers = {{ a = "{alice}", b = "{alice}" }}', "two approvers have the same key"),
        ('approvers = {{ a = "nonsense" }}', "the line between BEGIN and END"),
        ("requird = 2", "requird is not known"),
        ('approvers = {{ "../a" = "{alice}" }}', "names of approvers are made of"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(office: Office, options: str, message: str) -> None:
    alice = office.public_key("alice")
    people = ", ".join(f'{name} = "{office.public_key(name)}"' for name in PEOPLE)
    lines = {"folder": f'"{office.approvals}"', "approvers": f"{{ {people} }}"}
    name, _, value = options.format(alice=alice).partition(" = ")
    content = "".join(f"{option} = {given}\n" for option, given in (lines | {name: value}).items())
    (office.folder / "config.toml").write_text(f"[wrappers.quorum.options]\n{content}")
    ended = office.run(*SIGN, "--subject", "CN=Issuing")
    assert ended.exit_code == errors.SettingsError.exit_code
    assert message in ended.talk
