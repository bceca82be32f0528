"""A host without a key of an authority, and one with them: two settings files, one ledger, one broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import tomli_w
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from anchorhold.installation import Installation, open_installation
from celery_worker.brokers import wait_until
from databases import new_database
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery_worker.brokers import Broker
    from postgresql_cluster import Cluster


@dataclass
class TwoHosts:
    """Both hosts.

    Attributes:
        folder: With a folder for each: ``front`` asks, ``back`` has the keys.
        database: URL of the ledger.
        broker: URL.
        results: URL of the result backend.
        deadline: Seconds for which the front waits.
        worker: What the section ``worker`` has beside the usual.
        front: What the section of the alias in front has beside the usual.
        back: What the settings of the host with the keys have beside the usual.
        aliases: That the peer may use.
        front_ocsp: Where the front has keys of responders; by default the worker lends them.
        prefixes: What commands begin with on a host, by its name.
        variables: What the environment of a host has beside the usual, by its name.
    """

    folder: Path
    database: str
    broker: str
    results: str
    deadline: float = 20
    worker: dict[str, Any] = field(default_factory=dict)
    front: dict[str, Any] = field(default_factory=dict)
    back: dict[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ("default",)
    front_ocsp: dict[str, Any] | None = None
    prefixes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("front", "back"):
            (self.folder / name).mkdir(parents=True)
        self.peer_key = new_key(self.folder / "front/peer.pem", self.folder / "back/peer.pub")
        new_key(self.folder / "back/worker.pem", self.folder / "front/worker.pub")
        for name in ("front", "back"):
            (self.folder / name / "broker").write_text(self.broker)
            (self.folder / name / "results").write_text(self.results)
        self.write()

    def write(self) -> None:
        """Write both settings files."""
        urls = {"broker": {"file": "broker"}, "result_backend": {"file": "results"}}
        asking = {**self.asking(), **urls, **self.front}
        front = {
            "ca_dir": "ca",
            "database": self.database,
            "key_backends": {"default": {"backend": "celery", "options": asking}},
            "ocsp_key_backends": {"default": self.front_ocsp or {"backend": "celery", "options": asking}},
        }
        peer = {
            "keys": ["peer.pub"],
            "aliases": list(self.aliases),
            "ocsp_aliases": ["default"],
            "may_create": True,
            "may_delete": True,
        }
        worker = {
            **urls,
            "name": "strongroom",
            "message_key": "worker.pem",
            "processes": 1,
            "aliases": {"default": {}},
            "ocsp_aliases": {"default": {}},
            "peers": {"web": peer},
        }
        ocsp = {"backend": "storages", "options": {"encrypt_private_key": False}}
        back = {
            "ca_dir": "ca",
            "database": self.database,
            "ocsp_key_backends": {"default": ocsp},
            **self.back,
            "worker": {**worker, **self.worker},
        }
        for name, settings in (("front", front), ("back", back)):
            (self.folder / name / "settings.toml").write_text(tomli_w.dumps(settings))

    def asking(self) -> dict[str, Any]:
        """Options of an alias that asks, for settings in any folder."""
        return {
            "broker": {"file": str(self.folder / "front/broker")},
            "result_backend": {"file": str(self.folder / "front/results")},
            "peer": "web",
            "message_key": str(self.folder / "front/peer.pem"),
            "worker_keys": [str(self.folder / "front/worker.pub")],
            "deadline": self.deadline,
        }

    @property
    def environment(self) -> dict[str, str]:
        """The variables of both, without any of the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANCHORHOLD_")}
        return {**kept, "HOME": str(self.folder), "PYTHONUNBUFFERED": "1"}

    def open(self, host: str = "front") -> Installation:
        """An installation, in this process."""
        return open_installation(self.folder / host / "settings.toml", environment=self.environment)

    def command(self, host: str, *arguments: str) -> list[str]:
        """A command line of a host."""
        settings = str(self.folder / host / "settings.toml")
        return [*self.prefixes.get(host, ()), sys.executable, "-m", "anchorhold", "--config", settings, *arguments]

    def run(self, *arguments: str, host: str = "front", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on a host."""
        done = subprocess.run(
            self.command(host, *arguments),
            cwd=self.folder,
            env=self.environment | self.variables.get(host, {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done


CHAIN: Final = (
    "init-ca Root CN=Root --out=root.pem",
    "init-ca Issuing CN=Issuing --parent=Root --out=issuing.pem",
    "sign-cert --ca=Issuing --csr=a.csr --alt=a.example --out=a.pem",
    "maintain",
    "generate-crls",
)
"""What people do on a host without a key."""


def run_verified(hosts: TwoHosts, csr: bytes, *more: str) -> None:
    """Run `CHAIN` in front, and more; openssl verifies the certificate."""
    (hosts.folder / "a.csr").write_bytes(csr)
    for command in (*CHAIN, *more):
        hosts.run(*command.split())
    chain = ("-CAfile", hosts.folder / "root.pem", "-untrusted", hosts.folder / "issuing.pem")
    assert "a.pem: OK" in openssl("verify", *chain, hosts.folder / "a.pem")


@contextmanager
def new_hosts(cluster: Cluster, redis: Broker, folder: Path, **others: Any) -> Iterator[TwoHosts]:
    """Two hosts over a part of a Redis, whose ledger is new and empty.

    Args:
        cluster: Where the ledger is.
        redis: Broker and result backend.
        folder: Theirs is below it.
        others: Of `TwoHosts`.
    """
    with new_database(cluster.url) as url:
        own = redis.separate()
        yield TwoHosts(folder / "hosts", url, own, own, **others)


@dataclass
class Worker:
    """A worker that runs.

    Attributes:
        process: Of the parent.
        log_file: What it has said.
    """

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """What it has said."""
        return self.log_file.read_text(errors="replace")

    def children(self) -> list[int]:
        """Its processes that sign."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout
        return [int(line) for line in found.split()]

    def kill(self) -> None:
        """End it at once, with its children."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running_worker(hosts: TwoHosts, *command: str, name: str = "worker") -> Iterator[Worker]:
    """A worker, for as long as it is needed; it is ended in good order."""
    log_file = hosts.folder / f"{name}.log"
    own = {"ANCHORHOLD_CONFIG": str(hosts.folder / "back/settings.toml"), **hosts.variables.get("back", {})}
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            command or hosts.command("back", "worker"),
            cwd=hosts.folder,
            env=hosts.environment | own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    worker = Worker(process, log_file)
    try:
        wait_until(
            lambda: "ready." in worker.log or process.poll() is not None, 30, f"the worker is not ready: {worker.log}"
        )
        assert process.poll() is None, worker.log
        yield worker
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                worker.kill()


def new_key(private: Path, public: Path) -> Ed25519PrivateKey:
    """A key of messages, in files."""
    key = Ed25519PrivateKey.generate()
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0o600)
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return key
