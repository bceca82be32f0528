"""Commands at random beside a server: what each one has done is asked for from outside as soon as it has ended.

Each runner has authorities and certificates of its own, so it knows what is right; a server, a `maintain --every` and
the ledger are shared by all. Every question has a connection of its own, so that each worker gets to hear some.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.errors import BusyError
from anchorhold.installation import open_installation
from anchorhold.ledger import IssuancePolicy
from anchorhold.x509.serials import format_serial
from server.serving import HOSTNAME, REQUEST, SHA1
from soak.foreign import foreign_authority, foreign_certificate

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.software_keys import PrivateKey
    from server.serving import Server

ASKS: Final = 4
"""Questions after each command; one of them in eight reaches one worker of two alone."""
BUSY: Final = 60.0
"""Seconds for which somebody else may be at work on an authority."""
MOST: Final = 12
"""Authorities of a runner: `maintain` looks at each of them."""
SPECIFIC: Final = ("unspecified", "keyCompromise", "superseded", "cessationOfOperation", "affiliationChanged")
SETTINGS: Final = """
[storages.default]
backend = "local"
options = { location = "one" }
[storages.two]
backend = "local"
options = { location = "two" }
[key_backends.default]
backend = "storages"
[key_backends.two]
backend = "storages"
options = { storage_alias = "two" }
"""


@dataclass
class Own:
    """An authority of a runner.

    Attributes:
        name: Under which it is known.
        certificate: Its own.
        place: Alias under which its key is.
        unknown: What it says of what it has not issued.
        answers: Whether it has a responder.
    """

    name: str
    certificate: x509.Certificate
    place: str = "default"
    unknown: str = "UNKNOWN"
    answers: bool = True

    @property
    def serial(self) -> str:
        """Of its certificate, in hex."""
        return format_serial(self.certificate.serial_number)


@dataclass
class Leaf:
    """A certificate, and what is right to say of it."""

    issuer: Own
    certificate: x509.Certificate
    status: str = "GOOD"

    @property
    def serial(self) -> str:
        """In hex."""
        return format_serial(self.certificate.serial_number)


@dataclass
class Runner:
    """Runs one command after the other.

    Attributes:
        number: Of the runner.
        folder: For files.
        server: Is asked.
        chance: Decides what comes next.
        foreign: An authority that also signs elsewhere, and its key.
        own: Its other authorities.
        leaves: Certificates, and what is right to say of them.
        counts: How often each kind of command was run.
        deck: Kinds that have not had their turn.
        last: The command before.
    """

    number: int
    folder: Path
    server: Server
    chance: random.Random
    foreign: tuple[Own, PrivateKey]
    own: list[Own]
    leaves: list[Leaf] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    deck: list[str] = field(default_factory=list)
    last: str = ""

    def run(self, until: Callable[[], bool]) -> None:
        """Go on until it is time."""
        while not until():
            kind = self.next_kind()
            self.counts[kind] += 1
            KINDS[kind](self)
        for leaf in self.leaves:  # nothing old has come back
            self.expect(leaf, 1)

    def next_kind(self) -> str:
        """Each has its turn before any comes again."""
        if not self.deck:
            self.deck = self.chance.sample(list(KINDS), len(KINDS))
        return self.deck.pop()

    def command(self, *arguments: str) -> str:
        """Run a command to its end, which must be good; its output. Somebody else at work is waited for."""
        self.last = " ".join(arguments)
        command, end = [sys.executable, "-m", "anchorhold", *arguments], time.monotonic() + BUSY
        while True:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode != BusyError.exit_code or time.monotonic() > end:
                break
            time.sleep(0.2)
        assert done.returncode == 0, f"{self.last}: {done.returncode} {done.stderr}"
        return done.stdout + done.stderr

    # What the commands do

    def sign(self) -> None:
        """A new certificate is good."""
        self.sign_by(self.chance.choice([one for one in self.own if one.answers]))

    def sign_by(self, issuer: Own) -> None:
        """The same, by a certain authority."""
        out = self.file("leaf")
        name = f"host{len(self.leaves)}.example.com"
        self.command("sign-cert", f"--ca={issuer.name}", f"--csr={self.csr()}", f"--alt={name}", f"--out={out}")
        self.known(issuer, x509.load_pem_x509_certificate(out.read_bytes()))

    def revoke(self) -> None:
        """A revoked certificate is revoked."""
        self.change("GOOD", "REVOKED", "--reason", self.chance.choice(SPECIFIC))

    def hold(self) -> None:
        """So is one on hold."""
        self.change("GOOD", "HELD", "--reason", "certificateHold")

    def release(self) -> None:
        """One that is released is good again."""
        self.change("HELD", "GOOD", "--release")

    def change(self, before: str, after: str, *options: str) -> None:
        """Have one certificate of that status change it."""
        fitting = [leaf for leaf in self.leaves if leaf.status == before]
        if not fitting:
            return self.sign()
        leaf = self.chance.choice(fitting)
        self.command("revoke-cert", leaf.serial, *options)
        leaf.status = after
        return self.expect(leaf)

    def new_root(self) -> None:
        """The certificate of a new authority can be fetched."""
        self.new_authority()

    def new_intermediate(self) -> None:
        """So can that of one below another."""
        self.new_authority("--parent", self.own[0].name)

    def new_authority(self, *options: str) -> None:
        """Make an authority, unless there are enough."""
        if len(self.own) >= MOST:
            return self.sign()
        name, out = f"runner{self.number}-{len(self.own)}", self.file("authority")
        self.command("init-ca", name, f"CN={name}", f"--hostname={HOSTNAME}", f"--out={out}", *options)
        made = Own(name, x509.load_pem_x509_certificate(out.read_bytes()), answers=True)
        self.own.append(made)
        for _ in range(ASKS):
            status, body = self.fetch("GET", f"/issuer/{made.serial}.der")
            assert (status, body) == (200, made.certificate.public_bytes(Encoding.DER)), self.last
        return None

    def new_responder(self) -> None:
        """A new responder answers, and nobody else."""
        one = self.chance.choice(self.own)
        told = self.command("regenerate-ocsp-keys", one.name, "--force")
        (serial,) = re.findall(r"serial ([0-9a-f]+)", told)
        one.answers = True
        for _ in range(ASKS):
            answer = self.ask(one, 4711)
            if one.unknown != "UNAUTHORIZED":
                assert [format_serial(by.serial_number) for by in answer.certificates] == [serial], self.last

    def edit(self) -> None:
        """What an authority says of what it has not issued changes at once."""
        one = self.chance.choice([one for one in self.own if one.answers])
        said = self.chance.choice(("unknown", "revoked", "unauthorized"))
        self.command("edit-ca", one.name, "--ocsp-unknown", said)
        one.unknown = said.upper()
        for _ in range(ASKS):
            assert self.said(self.ask(one, 4711)) == one.unknown, self.last

    def new_list(self) -> None:
        """The newest list is served, with all that is revoked and nothing else."""
        one = self.chance.choice(self.own)
        told = self.command("generate-crls", one.name)
        made = int(re.findall(r"up to number (\d+)", told)[0])
        for _ in range(ASKS):
            status, body = self.fetch("GET", f"/crl/{one.serial}.crl")
            assert status == 200, self.last
            crl = x509.load_der_x509_crl(body)
            assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number >= made, self.last
            listed = {format_serial(entry.serial_number) for entry in crl}
            wanted = {leaf.serial for leaf in self.leaves if leaf.issuer is one and leaf.status != "GOOD"}
            assert listed == wanted, self.last

    def import_certificate(self) -> None:
        """A certificate made elsewhere is not known before, and good afterwards."""
        issuer, key = self.foreign
        made, file = foreign_certificate(issuer.certificate, key), self.file("foreign")
        file.write_bytes(made.public_bytes(Encoding.PEM))
        assert self.said(self.ask(issuer, made.serial_number)) == "UNKNOWN"
        self.command("import-cert", f"--ca={issuer.name}", str(file))
        self.known(issuer, made)

    def move(self) -> None:
        """An authority whose key was moved signs."""
        one = self.chance.choice([one for one in self.own if one.answers])
        one.place = "two" if one.place == "default" else "default"
        self.command("move-key", one.name, "--to", one.place, "--delete-source")
        self.sign_by(one)

    def look(self) -> None:
        """What only reads leaves everything as it was."""
        one = self.chance.choice(self.own)
        looks = (("list-certs",), ("list-cas",), ("recover",), ("view-ca", one.name), ("config", "check"))
        self.command(*self.chance.choice(looks))
        if self.leaves:
            self.expect(self.chance.choice(self.leaves))

    # What is asked

    def known(self, issuer: Own, certificate: x509.Certificate) -> None:
        """Another certificate is good from now on."""
        self.leaves.append(Leaf(issuer, certificate))
        self.expect(self.leaves[-1])

    def expect(self, leaf: Leaf, asks: int = ASKS) -> None:
        """Whoever is asked says what is right."""
        for _ in range(asks):
            answer = self.ask(leaf.issuer, leaf.certificate.serial_number)
            assert self.said(answer) == leaf.status, f"{leaf.serial} after {self.last!r}: {self.said(answer)}"

    def said(self, answer: ocsp.OCSPResponse) -> str:
        """The status in an answer, or why there is none."""
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return answer.response_status.name
        held = answer.revocation_reason is x509.ReasonFlags.certificate_hold
        never = answer.revocation_time_utc is not None and answer.revocation_time_utc.year == 1970  # RFC 6960, 2.2
        return "HELD" if held and not never else answer.certificate_status.name

    def ask(self, issuer: Own, serial: int) -> ocsp.OCSPResponse:
        """Ask for a certificate, sometimes with a nonce."""
        named = issuer.certificate.subject.public_bytes(), issuer.certificate.public_key()
        key = x509.SubjectKeyIdentifier.from_public_key(named[1]).digest
        digest = hashes.Hash(SHA1)
        digest.update(named[0])
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(digest.finalize(), key, serial, SHA1)
        if self.chance.random() < 0.3:
            builder = builder.add_extension(x509.OCSPNonce(os.urandom(16)), critical=False)
        status, body = self.fetch("POST", "/ocsp", builder.build().public_bytes(Encoding.DER))
        assert status == 200
        return ocsp.load_der_ocsp_response(body)

    def fetch(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Ask on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            connection.request(method, path, body, REQUEST)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def file(self, what: str) -> Path:
        """Where a command writes, or reads from."""
        return self.folder / f"{what}-{self.number}.pem"

    def csr(self) -> Path:
        """A request, always the same."""
        file = self.file("request")
        if not file.exists():
            builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
            made = builder.sign(software_keys.generate(key_spec("EC")), hashes.SHA256())
            file.write_bytes(made.public_bytes(Encoding.PEM))
        return file


KINDS: Final[dict[str, Callable[[Runner], None]]] = {
    "sign-cert": Runner.sign,
    "revoke-cert": Runner.revoke,
    "revoke-cert --reason certificateHold": Runner.hold,
    "revoke-cert --release": Runner.release,
    "init-ca": Runner.new_root,
    "init-ca --parent": Runner.new_intermediate,
    "edit-ca": Runner.edit,
    "generate-crls": Runner.new_list,
    "regenerate-ocsp-keys": Runner.new_responder,
    "import-cert": Runner.import_certificate,
    "move-key": Runner.move,
    "list-certs, list-cas, recover, view-ca, config check": Runner.look,
}


def prepare(number: int) -> tuple[list[Own], tuple[Own, PrivateKey]]:
    """The first authorities of a runner: one of its own, and one that also signs elsewhere."""
    issuing = IssuancePolicy(hostname=HOSTNAME)
    with open_installation() as installation:
        own = installation.authorities.create(f"runner{number}", f"CN=runner{number}", issuing=issuing)
        certificate, key = foreign_authority(f"foreign{number}")
        foreign = installation.authorities.import_(f"foreign{number}", certificate, key, issuing=issuing)
        for authority in (own, foreign):
            installation.responders.renew(authority)
            list(installation.crls.generate(authority))
        return [Own(own.name, own.certificate)], (Own(foreign.name, certificate), key)


def soak(runners: list[Runner], seconds: float) -> list[str]:
    """Have all of them run at once for so long; what went wrong."""
    end, wrong = time.monotonic() + seconds, list[str]()

    def run(runner: Runner) -> None:
        try:
            runner.run(lambda: time.monotonic() > end or bool(wrong))
        except Exception as error:  # of a thread, which would be lost
            wrong.append(f"runner {runner.number}: {type(error).__name__}: {error}")

    threads = [threading.Thread(target=run, args=(runner,)) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong
