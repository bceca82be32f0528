"""Whole journeys with keys on real servers: S3 and SFTP."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from anchorhold.errors import KeyExistsError, KeyMissingError, RecoveryNeededError, SecretWrongError
from anchorhold.plugin import FindKeyRequest
from plugin.fake_backends import NO_SECRETS, configured, create_request, key_request, settings_file
from programs import openssl

if TYPE_CHECKING:
    from conftest import Command
    from storages.servers import Bucket, Sshd


class Place(Protocol):
    """Where keys are, seen from outside."""

    def storage(self, name: str) -> str:
        """Settings of a storage in a folder of that name."""

    def files(self) -> dict[str, bytes]:
        """All files by their paths."""


@dataclass(frozen=True)
class S3Place:
    """Folders of a bucket."""

    bucket: Bucket

    def storage(self, name: str) -> str:
        return f'backend = "s3://{self.bucket.name}/{name}"\n[storages.{name}.options]\n{self.bucket.options}'

    def files(self) -> dict[str, bytes]:
        return {path: self.bucket.request("GET", path) for path in self.bucket.names()}


@dataclass(frozen=True)
class SftpPlace:
    """Folders below one on the server."""

    sshd: Sshd
    root: Path

    def storage(self, name: str) -> str:
        return f'backend = "{self.sshd.url(self.root / name)}"\n[storages.{name}.options]\n{self.sshd.options}'

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): path.read_bytes() for path in found}


@pytest.fixture(params=["s3", "sftp"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place on a server."""
    if request.param == "s3":
        return S3Place(request.getfixturevalue("bucket"))
    return SftpPlace(request.getfixturevalue("sshd"), tmp_path / "server")


@pytest.fixture
def both(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place with an alias for each of two folders: ``default`` in ``one``, ``eu`` in ``two``."""
    aliases = "".join(
        f'[key_backends.{alias}]\nbackend = "storages"\noptions = {{ storage_alias = "{name}" }}\n'
        for alias, name in (("default", "one"), ("eu", "two"))
    )
    storages = "".join(f"[storages.{name}]\n{place.storage(name)}\n" for name in ("one", "two"))
    settings_file(tmp_path, monkeypatch, storages + aliases)
    return place


def test_a_chain_in_two_aliases_signs_with_and_without_passwords(
    both: Place, anchorhold: Command, csr_file: Path
) -> None:
    for command in (
        ("init-ca", "Root", "CN=Root", "--password=x", "--path-length=1", "--out=root.pem"),
        ("init-ca", "Sub", "CN=Sub", "--key-backend=eu", "--parent=Root", "--parent-password=x", "--out=sub.pem"),
        ("sign-cert", "--ca=Sub", f"--csr={csr_file}", "--alt=a.example", "--out=cert.pem"),
        ("view-ca", "Sub"),
    ):
        outcome = anchorhold(*command)
        assert outcome.exit_code == 0, outcome.talk
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "sub.pem", "cert.pem")
    encrypted = {path.partition("/ca/")[0]: b"ENCRYPTED" in content for path, content in both.files().items()}
    assert encrypted == {"one": True, "two": False}
    wrong = anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", "--password=y")
    assert wrong.exit_code == SecretWrongError.exit_code


def test_a_key_is_found_never_replaced_and_really_deleted(both: Place) -> None:
    backends = configured()
    one, two = backends.get("default"), backends.get("eu")
    created = one.create_key(create_request(), NO_SECRETS)
    before = both.files()
    with pytest.raises(KeyExistsError, match="exists already"):
        one.create_key(create_request(), NO_SECRETS)
    assert both.files() == before
    assert one.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS) == (created,)
    assert two.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS) == ()
    with pytest.raises(KeyMissingError, match="key backend 'eu'"):
        two.load_signer(key_request(created), NO_SECRETS)
    assert [one.delete_key(key_request(created), NO_SECRETS) for _ in range(2)] == [True, False]
    assert both.files() == {}


_CREATE = """
import sys
from plugin.fake_backends import NO_SECRETS, configured, create_request
from anchorhold.errors import KeyExistsError
backend = configured().get("default")
print("ready", flush=True)
for number in sys.stdin:
    try:
        backend.create_key(create_request(key_id=int(number).to_bytes(20)), NO_SECRETS)
        print("won", flush=True)
    except KeyExistsError:
        print("lost", flush=True)
"""


def test_of_two_processes_that_write_one_path_at_once_exactly_one_wins(both: Place) -> None:
    piped: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = _finding_tests()
    with (
        subprocess.Popen([sys.executable, "-c", _CREATE], env=environment, **piped) as one,
        subprocess.Popen([sys.executable, "-c", _CREATE], env=environment, **piped) as two,
    ):
        assert one.stdin is not None and one.stdout is not None  # noqa: PT018
        assert two.stdin is not None and two.stdout is not None  # noqa: PT018
        assert [one.stdout.readline(), two.stdout.readline()] == ["ready\n", "ready\n"]
        for number in range(4):
            for process in (one, two):
                print(number, file=process.stdin, flush=True)
            assert sorted([one.stdout.readline(), two.stdout.readline()]) == ["lost\n", "won\n"]
        one.stdin.close()
        two.stdin.close()
    assert len(both.files()) == 4


def test_a_key_that_another_process_made_or_removed_is_noticed_at_once(both: Place) -> None:
    here, there = configured().get("default"), configured().get("default")
    wanted = FindKeyRequest(key_id=bytes(20))
    assert here.find_key(wanted, NO_SECRETS) == ()
    created = there.create_key(create_request(), NO_SECRETS)
    assert here.find_key(wanted, NO_SECRETS) == (created,)
    there.delete_key(key_request(created), NO_SECRETS)
    assert here.find_key(wanted, NO_SECRETS) == ()


def test_threads_use_one_backend_at_once(both: Place) -> None:
    backend = configured().get("default")

    def create(number: int) -> None:
        created = backend.create_key(create_request(key_id=number.to_bytes(20)), NO_SECRETS)
        backend.load_signer(key_request(created), NO_SECRETS).close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(create, range(4)))
    assert len(both.files()) == 4


_FORK = """
import os
from plugin.fake_backends import NO_SECRETS, configured, create_request, key_request
backend = configured().get("default")

def create(number):
    created = backend.create_key(create_request(key_id=number.to_bytes(20)), NO_SECRETS)
    backend.load_signer(key_request(created), NO_SECRETS).close()

create(0)
child = os.fork()
if child == 0:
    try:
        create(1)
    except BaseException:
        os._exit(1)
    os._exit(0)
create(2)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_child_and_its_parent_use_one_backend_at_once(both: Place) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _FORK], env=_finding_tests(), capture_output=True, check=False, timeout=50
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert len(both.files()) == 3


def _finding_tests() -> dict[str, str]:
    """An environment in which the modules of the tests are found."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


_DIE = """
import os, signal
import anchorhold
from anchorhold.ledger.authorities import AuthorityRepository
AuthorityRepository.record_key = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
with anchorhold.open_installation() as installation:
    installation.authorities.create("Root", "CN=Root", secrets={"password": "x"})
"""


@pytest.mark.parametrize(("choice", "left"), [("--finish", 1), ("--abandon", 0)])
def test_a_key_whose_maker_was_killed_is_found_again(both: Place, anchorhold: Command, choice: str, left: int) -> None:
    died = subprocess.run([sys.executable, "-c", _DIE], capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert len(both.files()) == 1
    assert anchorhold("recover").exit_code == RecoveryNeededError.exit_code
    recovered = anchorhold("recover", choice, "Root", "--password=x")
    assert recovered.exit_code == 0, recovered.talk
    assert anchorhold("recover").exit_code == 0
    assert len(both.files()) == left


@pytest.mark.databases("sqlite", because="the ledger is one of the files that are searched")
def test_nothing_that_is_written_down_has_the_key_or_a_credential_in_it(
    both: Place, ca_dir: Path, anchorhold: Command, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    created = anchorhold("--debug", "init-ca", "Root", "CN=Root")
    assert created.exit_code == 0
    assert len(caplog.records) > 10
    (key,) = both.files().values()
    written = [
        caplog.text.encode(),
        created.data,
        created.talk.encode(),
        *(path.read_bytes() for path in _below(ca_dir)),
    ]
    for secret in (b"hunter2hunter2", b"PRIVATE KEY", *key.split(b"-----END PRIVATE KEY")[0].splitlines()[1:]):
        assert not any(secret in text for text in written)


def _below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("database")
def test_the_command_ends_without_a_warning_or_a_word_from_a_library(both: Place) -> None:
    said = {
        ("init-ca", "Root", "CN=Root", "--out=root.pem"): ["Created authority Root", "Wrote root.pem."],
        ("recover",): ["No interrupted operations."],
    }
    for command, lines in said.items():
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "anchorhold", *command],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told = done.stderr.splitlines()
        assert len(told) == len(lines), done.stderr
        assert all(line.startswith(begin) for line, begin in zip(told, lines, strict=True)), done.stderr
    assert len(both.files()) == 1


def test_a_server_lists_its_key_files(both: Place) -> None:
    backend = configured().get("default")
    assert backend.list_keys(NO_SECRETS) == ()
    for number, folder in enumerate(("ca", "deep/below")):
        backend.create_key(create_request(key_id=bytes([number]) * 20, options={"path": folder}), NO_SECRETS)
    configured().get("eu").create_key(create_request(key_id=b"\7" * 20), NO_SECRETS)
    assert [(key.key_id, key.name.split()[2]) for key in backend.list_keys(NO_SECRETS)] == [
        (bytes(20), f"ca/{'00' * 20}.key"),
        (b"\1" * 20, f"deep/below/{'01' * 20}.key"),
    ]
