"""A server in processes of its own, an authority it answers for, and questions to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from anchorhold import Order, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.installation import open_installation
from anchorhold.ledger import IssuancePolicy
from anchorhold.x509.serials import format_serial
from forked import forked
from held_ledgers import held_ledgers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold.ledger.records import CrlRecord, ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.software_keys import PrivateKey

HOSTNAME = "ca.example.com"
SHA1 = hashes.SHA1()  # noqa: S303  # most clients name certificates by it, and nothing depends on it
REQUEST = {"content-type": "application/ocsp-request"}


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as asking:
        asking.bind(("127.0.0.1", 0))
        port: int = asking.getsockname()[1]
    return port


def until(what: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def command(*arguments: str) -> None:
    """Run one as a process, as people do; nothing of it is left."""
    done = subprocess.run([*forked(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def new_client(**options: Any) -> httpx.Client:
    """Trusts everybody: reading the certificates of all public CAs takes longer than most tests."""
    return httpx.Client(verify=False, timeout=20, trust_env=False, **options)  # noqa: S501


@dataclass
class Server:
    """A server that runs.

    Attributes:
        process: The one that was started; its workers are others.
        port: Where it listens.
        log_file: What it has written.
        client: For requests to it.
    """

    process: subprocess.Popen[bytes]
    port: int
    log_file: Path
    client: httpx.Client = field(repr=False)
    _closing: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def url(self) -> str:
        """Of OCSP."""
        return f"http://127.0.0.1:{self.port}/ocsp"

    def answers(self) -> bool:
        """Whether it is up."""
        assert self.process.poll() is None, self.log_file.read_text()
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def another_client(self) -> httpx.Client:
        """For a connection of its own: connections are spread over workers."""
        return self._closing.enter_context(new_client(base_url=self.client.base_url))

    def ask(self, request: bytes, client: httpx.Client | None = None) -> httpx.Response:
        """Post a request."""
        assert not held_ledgers()
        return (client or self.client).post("/ocsp", content=request, headers=REQUEST)

    def status(self, request: bytes, client: httpx.Client | None = None) -> str:
        """What it says of a certificate, or why it says nothing."""
        answer = self.ask(request, client)
        assert answer.status_code == 200
        read = ocsp.load_der_ocsp_response(answer.content)
        if read.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return read.response_status.name
        return read.certificate_status.name

    def ready(self) -> tuple[int, dict[str, Any]]:
        """What it says of itself."""
        answer = self.client.get("/readyz")
        return answer.status_code, answer.json()

    def log(self) -> list[dict[str, Any]]:
        """What it has written: each line is an object."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    def workers(self) -> list[int]:
        """Process numbers of its workers."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children) as file:  # noqa: PTH123  # of the kernel
            return [int(number) for number in file.read().split()]

    def memory(self) -> float:
        """Of its workers, MiB."""
        total = 0
        for worker in self.workers():
            with open(f"/proc/{worker}/status") as file:  # noqa: PTH123  # of the kernel
                total += next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        return total / 1024

    def kill(self) -> None:
        """End all of it at once, as a crash does."""
        for number in (*self.workers(), self.process.pid):
            os.kill(number, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """End it in order; the exit code."""
        self.process.terminate()
        return self.process.wait(60)


@contextmanager
def running(
    folder: Path,
    *options: str,
    port: int | None = None,
    scheme: str = "http",
    environment: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
) -> Iterator[Server]:
    """A server with the settings of the test, for as long as it is needed; it must not have met a defect.

    Args:
        folder: For its log.
        options: Of the command.
        port: Where it listens; by default one that is free.
        scheme: What it speaks.
        environment: Variables instead of those of the test.
        before: Options before the name of the command.
    """
    assert not held_ledgers(), "close the installation first: no user holds it open while the server runs"
    port = port or free_port()
    log_file = folder / f"server-{port}-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "anchorhold", *before, "serve", "--port", str(port), *options]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
    with new_client(base_url=f"{scheme}://127.0.0.1:{port}") as client:
        server = Server(process, port, log_file, client)
        try:
            until(server.answers)
            yield server
            assert not held_ledgers()
        finally:
            server._closing.close()
            if process.poll() is None:
                server.stop()
            print(log_file.read_text())  # shown with a test that fails
    assert not [line for line in server.log() if line["message"] == "defect"]


@dataclass
class House:
    """An authority with a responder, a CRL and a certificate.

    It holds nothing open: whatever it does, it opens its installation for that and closes it, as commands do.

    Attributes:
        authority: The authority.
        leaf: What it has signed.
        environment: Variables for servers, if not those of the test.
    """

    authority: Authority
    leaf: x509.Certificate
    environment: Mapping[str, str] | None = None

    @property
    def serial(self) -> str:
        """Of the certificate, in hex."""
        return format_serial(self.leaf.serial_number)

    def opened(self) -> Installation:
        """Its installation, for ``with``."""
        return open_installation(environment=self.environment)

    def sign(self, name: str = "www.example.com", key: PrivateKey | None = None) -> x509.Certificate:
        """Another certificate."""
        with self.opened() as installation:
            return signed(installation, self.authority, name, key)

    def revoke(self, serial: str | None = None, reason: str = "unspecified") -> None:
        """Revoke a certificate, by default the first."""
        with self.opened() as installation:
            installation.revocations.revoke(serial or self.serial, reason)

    def release(self) -> None:
        """Release the first certificate from its hold."""
        with self.opened() as installation:
            installation.revocations.release(self.serial)

    def renew_responder(self) -> None:
        """Give it a new responder."""
        with self.opened() as installation:
            installation.responders.renew(self.authority)

    def responder(self) -> ResponderRecord:
        """The record of the responder that answers."""
        with self.opened() as installation:
            found = installation.ledger.responders.active(self.authority.record.id)
        assert found is not None
        return found

    def generate_crls(self) -> list[CrlRecord]:
        """Make its lists."""
        with self.opened() as installation:
            return list(installation.crls.generate(self.authority))

    def beside(self, name: str, issuing: IssuancePolicy | None = None, *, ready: bool = False) -> House:
        """Another authority in the same installation, with a certificate.

        Args:
            name: Of the authority.
            issuing: Its defaults.
            ready: Whether it gets a responder and a CRL.
        """
        with self.opened() as installation:
            authority = installation.authorities.create(name, f"CN={name.capitalize()}", issuing=issuing)
            if ready:
                installation.responders.renew(authority)
                list(installation.crls.generate(authority))
            return House(authority, signed(installation, authority), self.environment)

    def request(
        self,
        certificate: x509.Certificate | None = None,
        nonce: bytes | None = None,
        algorithm: hashes.HashAlgorithm | None = None,
    ) -> bytes:
        """A request for a certificate, by default the first."""
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            certificate or self.leaf, self.authority.certificate, algorithm or SHA1
        )
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        return builder.build().public_bytes(Encoding.DER)

    def request_by_number(self, serial: int, issuer_key: bytes | None = None) -> bytes:
        """A request for any serial number, of this authority or of another key."""
        known = ocsp.load_der_ocsp_request(self.request())
        key = issuer_key or known.issuer_key_hash
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(known.issuer_name_hash, key, serial, SHA1)
        return builder.build().public_bytes(Encoding.DER)

    def files(self, folder: Path) -> tuple[Path, Path]:
        """The certificates of the authority and of the leaf as files."""
        paths = (folder / "issuer.pem", folder / "leaf.pem")
        for path, certificate in zip(paths, (self.authority.certificate, self.leaf), strict=True):
            path.write_bytes(certificate.public_bytes(Encoding.PEM))
        return paths


def signed(
    installation: Installation, authority: Authority, name: str = "www.example.com", key: PrivateKey | None = None
) -> x509.Certificate:
    """A certificate of an authority, for a new key unless one is given."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    csr = builder.sign(key or software_keys.generate(key_spec("EC")), hashes.SHA256())
    with installation.certificates.issuer(authority) as issuer:
        return issuer.sign(Order(csr=csr, names=[name])).certificate


def build_house(environment: Mapping[str, str] | None = None) -> House:
    """A house in an empty installation."""
    with open_installation(environment=environment) as installation:
        authority = installation.authorities.create("root", "CN=Root", issuing=IssuancePolicy(hostname=HOSTNAME))
        installation.responders.renew(authority)
        list(installation.crls.generate(authority))
        return House(authority, signed(installation, authority), environment)
