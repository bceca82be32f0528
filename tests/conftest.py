"""What the tests share: a private installation for each test, the command run in this process, requests to sign."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import software_keys
from anchorhold.algorithms import KeySpec, key_spec
from anchorhold.installation import Installation, open_installation
from anchorhold.testing.fast_kdf import fast_kdf

pytest_plugins = [
    "combinations",
    "costs",
    "held_ledgers",
    "programs",
    "postgresql_cluster",
    "databases",
    "db.database_fixtures",
    "desk_pages.desk_fixtures",
    "distant.distant_fixtures",
    "downstream.wheel_environment",
    "hsm.softhsm",
    "server.server_fixtures",
    "storages.server_fixtures",
    "backend_pairs.places",
    "interleaving.interleaving_fixtures",
    "presigned.presigned_fixtures",
    "celery_worker.celery_worker_fixtures",
    "signing_worker.signing_worker_fixtures",
    "desk.desk_fixtures",
]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; children would ignore it, too
    signal.signal(signal.SIGINT, signal.default_int_handler)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    exit_code: int
    data: bytes
    talk: str

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.data.decode()


class Command(Protocol):
    """Runs ``anchorhold`` in this process."""

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Outcome:
        """Run it with these arguments."""


class MakeCsr(Protocol):
    """Makes a request."""

    def __call__(self, spec: KeySpec | None = None, subject: str = "", alt: Sequence[x509.GeneralName] = ()) -> bytes:
        """A request for a new key, PEM."""


@pytest.fixture(autouse=True)
def _private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings, the ledger or the variables of the person who runs it."""
    for variable in [name for name in os.environ if name.startswith(("ANCHORHOLD_", "XDG_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ANCHORHOLD_CA_DIR", str(tmp_path / "ca"))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _little_stretching() -> Iterator[None]:
    """Passwords are stretched little in this process, as under the contract."""
    with fast_kdf():
        yield


@pytest.fixture
def ca_dir(tmp_path: Path) -> Path:
    """The folder that ``ANCHORHOLD_CA_DIR`` names."""
    return tmp_path / "ca"


@pytest.fixture
def installation(database: str) -> Iterator[Installation]:
    """An installation with the default settings, on each kind of database."""
    with open_installation() as opened:
        yield opened


@pytest.fixture
def anchorhold(database: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line, in this process, without a terminal, on each kind of database."""
    from anchorhold.cli import main

    def run(*arguments: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["anchorhold", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        data, talk, code = io.TextIOWrapper(io.BytesIO(), write_through=True), io.StringIO(), 0
        with contextlib.redirect_stdout(data), contextlib.redirect_stderr(talk):
            try:
                main()
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
        buffer = data.buffer
        assert isinstance(buffer, io.BytesIO)
        return Outcome(code, buffer.getvalue(), talk.getvalue())

    return run


@pytest.fixture
def make_csr() -> MakeCsr:
    """Makes certificate signing requests."""

    def make(spec: KeySpec | None = None, subject: str = "", alt: Sequence[x509.GeneralName] = ()) -> bytes:
        spec = spec or key_spec("EC")
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name.from_rfc4514_string(subject))
        if alt:
            builder = builder.add_extension(x509.SubjectAlternativeName(alt), critical=False)
        digest = None if spec.default_hash() is None else hashes.SHA256()
        return builder.sign(software_keys.generate(spec), digest).public_bytes(Encoding.PEM)

    return make


@pytest.fixture
def csr_file(tmp_path: Path, make_csr: MakeCsr) -> Path:
    """A request for an EC key in a file."""
    path = tmp_path / "example.csr"
    path.write_bytes(make_csr(subject="CN=asked for"))
    return path
