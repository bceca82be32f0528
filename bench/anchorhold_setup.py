"""Our side: a scratch folder with a certificate authority ``Bench``, and the commands that are measured."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.command import BenchError, Command, bare_environment, run
from bench.folders import fresh_folder
from bench.openssl import HOST, check_certificate

EXECUTABLE = Path(sys.executable).parent / "anchorhold"
"""The command as pip installs it: beside the interpreter that runs the benchmark."""


@dataclass(frozen=True)
class Anchorhold:
    """An anchorhold of its own below a folder."""

    folder: Path

    def command(self, *arguments: str, output: Path | None = None) -> Command:
        """Return an anchorhold command."""
        return Command((str(EXECUTABLE), *arguments), self._environment(), self.folder, output)

    def python(self, statement: str) -> Command:
        """Return an interpreter that runs one statement."""
        return Command((sys.executable, "-c", statement), self._environment(), self.folder)

    def sign(self, request: Path) -> Command:
        """Return the command that signs the request into a fresh file."""
        certificate = self.folder / "certificate.pem"
        files = ("--csr", str(request), "--out", str(certificate))
        return self.command("sign-cert", "--ca", "Bench", "--alt", f"DNS:{HOST}", *files, output=certificate)

    def measured(self, request: Path) -> dict[str, Command]:
        """Return the commands that are measured, by name."""
        return {
            "--help": self.command("--help"),
            "init-ca --help": self.command("init-ca", "--help"),
            "list-cas": self.command("list-cas"),
            "view-ca": self.command("view-ca", "Bench"),
            "sign-cert": self.sign(request),
        }

    def _environment(self) -> dict[str, str]:
        return bare_environment(self.folder, ANCHORHOLD_CA_DIR=str(self.folder / "ca"))


def prepare(cache: Path, request: Path) -> Anchorhold:
    """Make the certificate authority in a fresh folder, and check that it signs for the host's name."""
    if not EXECUTABLE.exists():
        raise BenchError(f"anchorhold is not installed in the environment of this Python: there is no {EXECUTABLE}.")
    ours = Anchorhold(fresh_folder(cache / "anchorhold"))
    root = ours.folder / "root.pem"
    run(ours.command("init-ca", "Bench", "CN=Bench", "--out", str(root)))
    sign = ours.sign(request)
    run(sign)
    if sign.output is not None:
        check_certificate(sign.output, trusted=root)
    return ours
