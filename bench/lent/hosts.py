"""Settings of the two hosts, on one machine: one asks, and one has the keys; both use one ledger."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import tomli_w
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bench.command import BenchError, Command, bare_environment
from bench.databases import DRIVER
from bench.folders import REPOSITORY, fresh_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

READY: Final = "ready."
"""What Celery says at last when a worker has begun."""
PATIENCE: Final = 60
"""Seconds within which it has to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where keys are, on the host that has them.

    Attributes:
        backend: The section of its alias.
        variables: Of the environment, that it needs.
    """

    backend: Mapping[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)


def issuing(folder: Path, database: str, place: Place) -> Command:
    """A process that issues with a key that is at hand.

    Args:
        folder: Made empty.
        database: URL of the ledger.
        place: Of the key.
    """
    fresh_folder(folder)
    return _process(folder, {"database": database, "key_backends": {"default": dict(place.backend)}}, place.variables)


@contextmanager
def lending(folder: Path, database: str, place: Place, broker: str, results: str) -> Iterator[Command]:
    """A worker that lends a key, and the process that issues with it; as `issuing`.

    Args:
        folder: Made empty.
        database: URL of the ledger.
        place: Of the key.
        broker: URL of the broker.
        results: URL of the result backend.

    Raises:
        BenchError: The worker does not start.
    """
    front, back = fresh_folder(folder / "front"), fresh_folder(folder / "back")
    _new_key(front / "peer.pem", back / "peer.pub")
    _new_key(back / "worker.pem", front / "worker.pub")
    urls: dict[str, Any] = {"broker": {"file": "broker"}, "result_backend": {"file": "results"}}
    for host in (front, back):
        (host / "broker").write_text(broker)
        (host / "results").write_text(results)
    worker = {
        **urls,
        "name": "strongroom",
        "message_key": "worker.pem",
        "aliases": {"default": {}},
        "peers": {"web": {"keys": ["peer.pub"], "aliases": ["default"], "may_create": True}},
    }
    options = {**urls, "peer": "web", "message_key": "peer.pem", "worker_keys": ["worker.pub"]}
    asking = {"backend": "celery", "options": options}
    settings = {"database": database, "key_backends": {"default": dict(place.backend)}, "worker": worker}
    with _running(_process(back, settings, place.variables), back / "log"):
        yield _process(front, {"database": database, "key_backends": {"default": asking}}, {})


def _process(folder: Path, settings: Mapping[str, Any], variables: Mapping[str, str]) -> Command:
    (folder / "settings.toml").write_text(tomli_w.dumps({"ca_dir": "ca", **settings}))
    own = {"ANCHORHOLD_CONFIG": str(folder / "settings.toml"), "PYTHONPATH": str(DRIVER)}
    argv = (sys.executable, "-m", "bench.lent.ours", folder.name)
    return Command(argv, bare_environment(folder, **variables, **own), REPOSITORY)


@contextmanager
def _running(process: Command, log: Path) -> Iterator[None]:
    """The worker with the settings of a process."""
    with log.open("wb") as written:
        worker = subprocess.Popen(
            [sys.executable, "-m", "anchorhold", "worker"],
            env=dict(process.env),
            cwd=process.cwd,
            stdout=written,
            stderr=written,
        )
    try:
        _wait_for(worker, log)
        yield
    finally:
        worker.terminate()
        worker.wait()


def _wait_for(worker: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it says that it is ready."""
    end = time.monotonic() + PATIENCE
    while READY not in log.read_text():
        if worker.poll() is not None or time.monotonic() > end:
            raise BenchError(f"the worker does not start; see {log}")
        time.sleep(0.1)


def _new_key(private: Path, public: Path) -> None:
    key = Ed25519PrivateKey.generate()
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
