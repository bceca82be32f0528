"""Programs that validate chains: their versions, and how each is asked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cryptography
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from guide.blocks import blocks
from guide.running import DOCS
from programs import find_program
from relying.artefacts import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE: Final = Path(__file__).parent
NEWER: Final = os.environ.get("ANCHORHOLD_RELYING_NEWER", "")
"""Folder with a newer ``openssl`` beside that of the system."""


@dataclass(frozen=True)
class Said:
    """Whether a program accepts something, and all that it prints."""

    accepted: bool
    output: str

    @property
    def short(self) -> str:
        """The line of its output that tells most, as a table shows it."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        told = [line for line in lines if re.search(r"NOT trusted|not trusted|revoked|Caused by", line)]
        told += [line for line in lines if re.search(r"error|fail|invalid|Exception|panic|Forbid", line)]
        return "accepted" if self.accepted else ([*told, *lines] or ["refused"])[0][:90]


@dataclass(frozen=True)
class Validator:
    """A program.

    Attributes:
        name: As the page has it.
        version: Its version; None if it is not there.
        check: Validates ``www.pem`` in a folder.
        package: What is missing if it is not there.
    """

    name: str
    version: Callable[[], str | None]
    check: Callable[[Path], Said]
    package: str = ""


def run(folder: Path, *argv: str | Path, more: dict[str, str] | None = None) -> Said:
    """Run a program in a folder."""
    done = subprocess.run(
        [*map(str, argv)],
        cwd=folder,
        env={**os.environ, **(more or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    return Said(done.returncode == 0, done.stdout)


@cache
def version_of(*argv: str) -> str | None:
    """The first version number that a program prints; None if the program is not there."""
    if find_program(argv[0]) is None:
        return None
    found = re.search(r"(?<![\d.])\d+(?:\.\d+)+", run(Path.cwd(), *argv).output)
    return found[0] if found else None


def newer_openssl() -> str:
    """The path of the newer ``openssl``, which need not be there."""
    return str(Path(NEWER or "/nowhere") / "openssl")


@cache
def compiled(title: str, *argv: str) -> Path:
    """The folder with a program that was compiled once: one that a page shows, or one beside these tests."""
    folder = Path(os.environ.get("ANCHORHOLD_RELYING", "/tmp")).resolve()
    folder.mkdir(exist_ok=True)
    page = (DOCS / "how-to" / "ml-dsa.md").read_text()
    shown = [block.body for block in blocks(page) if block.title == title]
    (folder / title).write_text(shown[0] if shown else (HERE / title).read_text())
    done = run(folder, *argv, title)
    assert done.accepted, done.output
    return folder


def java_revocation(folder: Path, leaf: str, evidence: str) -> Said:
    """Ask Java whether a certificate is valid, given CRLs (``.crl``) or an OCSP response."""
    classes = compiled("CheckRevocation.java", "javac", "-d", ".")
    return run(folder, "java", "-cp", classes, "CheckRevocation", leaf, evidence)


def _openssl(program: str) -> Callable[[Path], Said]:
    def check(folder: Path) -> Said:
        trust = ("-CAfile", "root.pem", "-untrusted", "issuing.pem")
        return run(folder, program, "verify", "-x509_strict", *trust, "-verify_hostname", HOST, "www.pem")

    return check


def _gnutls(folder: Path) -> Said:
    trust = ("--load-ca-certificate", "root.pem", "--infile", "chain.pem")
    return run(folder, "certtool", "--verify", *trust, "--verify-hostname", HOST)


def nss_database(folder: Path, names: Sequence[str] = ("root", "issuing", "www")) -> Said:
    """Make a database of NSS with certificates, of which the root is trusted; what it says of the first it refuses."""
    database = f"sql:{folder / 'nss'}"
    shutil.rmtree(folder / "nss", ignore_errors=True)  # certutil asks without end about one that is there
    (folder / "nss").mkdir()
    done = run(folder, "certutil", "-N", "-d", database, "--empty-password")
    for name in names:
        trust = "C,C,C" if name == "root" else ",,"
        if done.accepted:
            done = run(folder, "certutil", "-A", "-d", database, "-n", name, "-t", trust, "-i", f"{name}.pem")
    return done


def _nss(folder: Path) -> Said:
    made = nss_database(folder)
    if not made.accepted:
        return made
    return run(folder, "certutil", "-V", "-d", f"sql:{folder / 'nss'}", "-n", "www", "-u", "V", "-e")


def _nss_version() -> str | None:
    """That of its Debian package: the programs do not tell."""
    known = find_program("certutil") and find_program("dpkg-query")
    return version_of("dpkg-query", "-W", "-f=${Version}", "libnss3-tools") if known else None


def _java(folder: Path) -> Said:
    classes = compiled("Check.java", "javac", "-d", ".")
    return run(folder, "java", "-cp", classes, "Check", "www.pem", "issuing.pem", "root.pem")


def _go(folder: Path) -> Said:
    return run(folder, compiled("check.go", "go", "build", "-o", "check") / "check")


def _node(folder: Path) -> Said:
    return run(folder, "node", HERE / "chain.cjs")


def _cryptography(folder: Path) -> Said:
    root, issuing, leaf = (
        x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes()) for name in ("root", "issuing", "www")
    )
    try:
        PolicyBuilder().store(Store([root])).build_server_verifier(x509.DNSName(HOST)).verify(leaf, [issuing])
    except (VerificationError, ValueError) as error:
        return Said(accepted=False, output=str(error))
    return Said(accepted=True, output="")


VALIDATORS: Final = (
    Validator("OpenSSL", lambda: version_of("openssl", "version"), _openssl("openssl")),
    Validator(
        "OpenSSL", lambda: version_of(newer_openssl(), "version"), _openssl(newer_openssl()), "OpenSSL 3.5 or newer"
    ),
    Validator("GnuTLS", lambda: version_of("certtool", "--version"), _gnutls),
    Validator("NSS", _nss_version, _nss),
    Validator("Java", lambda: version_of("java", "-version"), _java),
    Validator("Node", lambda: version_of("node", "--version"), _node),
    Validator("Go", lambda: version_of("go", "version"), _go),
    Validator("cryptography", lambda: cryptography.__version__, _cryptography),
)
NOT_RUN: Final = ("BouncyCastle", "mbedTLS", "wolfSSL", "Botan", "pyhanko-certvalidator", "rtls", "pkijs")
"""Programs of the page that these tests do not run."""
