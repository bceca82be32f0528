"""An installation in which something of everything has happened, and copies of it for commands to meet in."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.installation import open_installation
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from anchorhold import Installation
    from interleaving.stops import Fate

SETTINGS: Final = """
ca_dir = "data"
[storages.default]
backend = "local"
options = { location = "one" }
[storages.other]
backend = "local"
options = { location = "two" }
[key_backends.default]
backend = "storages"
[key_backends.other]
backend = "storages"
options = { storage_alias = "other" }
[ocsp_key_backends.default]
backend = "storages"
"""
CREATED_AND_NOT_RECORDED: Final = "create_key was done"


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        arguments: Of the command.
        code: Its exit code; None while it stands still, negative if it was killed.
        talk: What it said.
        steps: Those that it reached.
        process: Its number.
        file: With what it said.
    """

    arguments: tuple[str, ...]
    code: int | str | None
    talk: str
    steps: tuple[str, ...]
    process: int
    file: Path = field(repr=False)


class Zygote:
    """Runs commands as copies of one process, which this one has started."""

    def __init__(self) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "interleaving.zygote"]
        path = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
        )

    def ask(self, **asked: Any) -> dict[str, Any]:
        """One question, one answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(asked)}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)


@dataclass
class World:
    """An installation of its own.

    Attributes:
        folder: With its settings, keys and files.
        url: Of its ledger.
        zygote: Runs its commands.
    """

    folder: Path
    url: str
    zygote: Zygote
    _runs: int = field(default=0, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """Of its commands."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "ANCHORHOLD_CONFIG": str(self.folder / "config.toml"),
            "ANCHORHOLD_DATABASE": self.url,
        }

    def run(self, *arguments: str, at: int | None = None, fate: Fate = "stopped") -> Ended:
        """Run a command to its end, or until a step."""
        self._runs += 1
        talk = self.folder / f"talk-{self._runs}.txt"
        answer = self.zygote.ask(
            do="run",
            arguments=arguments,
            environment=self.environment,
            folder=str(self.folder),
            talk=str(talk),
            at=at,
            fate=fate,
        )
        return _ended(arguments, talk, answer)

    def resume(self, stopped: Ended) -> Ended:
        """Let a command go on that stands still."""
        return _ended(stopped.arguments, stopped.file, self.zygote.ask(do="resume", process=stopped.process))

    def rehearsed(self, *arguments: str) -> tuple[str, ...]:
        """The steps of a command, which is run in a copy of its own."""
        with copied(self, self.folder.with_name("rehearsal")) as rehearsal:
            return rehearsal.run(*arguments).steps

    def good(self, *arguments: str) -> str:
        """Run a command that must work; what it wrote to standard output."""
        ended = self.run(*arguments)
        assert ended.code == 0, ended
        return (self.folder / f"talk-{self._runs}.out").read_text()

    @contextmanager
    def opened(self) -> Iterator[Installation]:
        """The installation, for as long as it is looked at and no longer."""
        with open_installation(environment=self.environment) as installation:
            yield installation

    def let_time_pass(self) -> None:
        """As if whoever stands still had done so for an hour."""
        self._tell(
            "UPDATE anchorhold_claim SET until = until - 3600 WHERE holder <> ''",
            "UPDATE anchorhold_certificate SET reserved_at = reserved_at - 3600 WHERE status = 'reserved'",
            "UPDATE anchorhold_responder SET created_at = created_at - 3600 WHERE status = 'pending'",
            "UPDATE anchorhold_authority SET created_at = created_at - 3600 WHERE status = 'pending'",
        )

    def key_files(self) -> set[str]:
        """The ids of the keys of which something is in a storage, whole or not."""
        files = [path for place in ("one", "two") for path in (self.folder / place).rglob("*") if path.is_file()]
        return {path.name.lstrip(".").partition(".")[0] for path in files}

    def _tell(self, *statements: str) -> None:
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.folder / "data" / "ledger.sqlite3", isolation_level=None)) as database:
                for statement in statements:
                    database.execute(statement)
        else:
            with psycopg.connect(self.url, autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement.encode())


def _ended(arguments: Sequence[str], file: Path, answer: dict[str, Any]) -> Ended:
    steps = file.with_suffix(".steps")
    return Ended(
        arguments=tuple(arguments),
        code=answer["code"],
        talk=file.read_text(),
        steps=tuple(steps.read_text().splitlines()) if steps.exists() else (),
        process=answer["process"],
        file=file,
    )


def build(folder: Path, url: str, zygote: Zygote) -> World:
    """The installation of which the others are copies."""
    world = World(folder, url, zygote)
    (folder / "home").mkdir(parents=True)
    (folder / "config.toml").write_text(SETTINGS)
    _make_requests(folder)
    world.good("init-ca", "Root", "CN=Root", "--path-length=2", "--hostname=ca.example.com")
    world.good("init-ca", "Sub", "CN=Sub", "--parent=Root", "--hostname=ca.example.com", "--path-length=1")
    world.good("init-ca", "Copied", "CN=Copied")
    world.good("move-key", "Copied", "--to=other")
    world.good("init-ca", "Waiting", "CN=Waiting", "--csr-out=waiting.csr")
    for name in ("leaf", "held", "revoked"):
        world.good("sign-cert", "--ca=Sub", "--csr=leaf.csr", f"--alt={name}.example.com", f"--out={name}.pem")
    world.good("revoke-cert", serial_of(folder / "held.pem"), "--reason=certificateHold")
    world.good("revoke-cert", serial_of(folder / "revoked.pem"))
    world.good("maintain")
    _sign_elsewhere(world)
    _interrupt(world, "init-ca", "Torn", "CN=Torn", at=CREATED_AND_NOT_RECORDED)
    world.good("init-ca", "Moving", "CN=Moving")
    _interrupt(world, "move-key", "Moving", "--to=other", "--delete-source", at="import_key was done")
    _interrupt(world, "sign-cert", "--ca=Sub", "--csr=leaf.csr", "--alt=cut.example.com", at="sign was done")
    return world


@contextmanager
def copied(original: World, folder: Path) -> Iterator[World]:
    """A copy of an installation, for as long as it is needed."""
    shutil.copytree(original.folder, folder, ignore=shutil.ignore_patterns("talk-*"))
    if original.url.startswith("sqlite"):
        yield World(folder, f"sqlite:///{folder}/data/ledger.sqlite3", original.zygote)
    else:
        template = urlsplit(original.url).path.removeprefix("/")
        with _copied_database(original.url, template) as url:
            yield World(folder, url, original.zygote)
    shutil.rmtree(folder)


@contextmanager
def _copied_database(url: str, template: str) -> Iterator[str]:
    server, name = urlsplit(url)._replace(path="/postgres").geturl(), f"{template}_copy"
    _postgresql(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {template}")
    yield urlsplit(url)._replace(path=f"/{name}").geturl()
    _postgresql(server, f"DROP DATABASE {name} WITH (FORCE)")


def _postgresql(server: str, *statements: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def serial_of(file: Path) -> str:
    """The serial number of a certificate, in hex."""
    return f"{x509.load_pem_x509_certificate(file.read_bytes()).serial_number:x}"


def _interrupt(world: World, *arguments: str, at: str) -> None:
    """Kill a command at the first step of that name."""
    step = world.rehearsed(*arguments).index(at)
    assert world.run(*arguments, at=step, fate="killed").code == -9


def _make_requests(folder: Path) -> None:
    """A request, and an authority of somebody else's with its key."""
    key = software_keys.generate(key_spec("EC"))
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    (folder / "leaf.csr").write_bytes(csr.public_bytes(Encoding.PEM))
    foreign = software_keys.generate(key_spec("EC"))
    certificate = _certificate("CN=Foreign", "CN=Foreign", foreign.public_key(), foreign, ca=True)
    (folder / "foreign.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "foreign.key").write_bytes(foreign.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _sign_elsewhere(world: World) -> None:
    """What the authority in the file has signed: one that waits for it, and a leaf that is recorded nowhere."""
    key: Any = software_keys.generate(key_spec("EC"))
    waiting = x509.load_pem_x509_csr((world.folder / "waiting.csr").read_bytes())
    signed = _certificate("CN=Above", "CN=Waiting", waiting.public_key(), key, ca=True)
    (world.folder / "waiting.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (path,) = (world.folder / "one" / "ca").glob(f"{_key_id(world, 'Root')}.key")
    root = _private_key(path)
    leaf = _certificate("CN=Root", "CN=unrecorded", key.public_key(), root, ca=False)
    (world.folder / "unrecorded.pem").write_bytes(leaf.public_bytes(Encoding.PEM))


def _key_id(world: World, name: str) -> str:
    with world.opened() as installation:
        return installation.authorities.get(name).record.key_id.hex()


def _private_key(path: Path) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(path.read_bytes(), None)


def _certificate(issuer: str, subject: str, public_key: Any, key: Any, *, ca: bool) -> x509.Certificate:
    start: dt.datetime = now()
    builder = x509.CertificateBuilder(
        issuer_name=x509.Name.from_rfc4514_string(issuer),
        subject_name=x509.Name.from_rfc4514_string(subject),
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=start.replace(tzinfo=None),
        not_valid_after=start.replace(tzinfo=None, year=start.year + 1, day=1),
    )
    constraints = x509.BasicConstraints(ca=ca, path_length=None)
    return builder.add_extension(constraints, critical=True).sign(key, hashes.SHA256())
