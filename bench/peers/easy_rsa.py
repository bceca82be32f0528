"""The peer easy-rsa: a shell script around ``openssl ca``, from Debian's package."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench.command import Command, bare_environment, run
from bench.folders import fresh_folder
from bench.openssl import HOST, check_certificate
from bench.peers.debian import unpacked
from bench.peers.peer import Peer

if TYPE_CHECKING:
    from pathlib import Path

NAME = "easy-rsa"
LINES = {
    "--help": ("easyrsa help",),
    "init-ca --help": ("easyrsa help build-ca",),
    "view-ca": ("easyrsa show-ca",),
    "sign-cert": ("easyrsa sign-req",),
}
KEYS = {"EASYRSA_ALGO": "ec", "EASYRSA_CURVE": "prime256v1", "EASYRSA_DIGEST": "sha256", "EASYRSA_CERT_EXPIRE": "100"}
"""EC P-256, as on all sides, where easy-rsa would take RSA by default."""


def prepare(cache: Path, request: Path) -> Peer:
    """Make an authority in a fresh folder, import the request, and check that it signs."""
    root, version = unpacked("easy-rsa", cache)
    folder = fresh_folder(cache / "easy-rsa")
    shutil.copytree(root / "usr" / "share" / "easy-rsa", folder, dirs_exist_ok=True)
    certificate = folder / "pki" / "issued" / "bench.crt"
    for arguments in (("init-pki",), ("--req-cn=Bench", "build-ca", "nopass"), ("import-req", str(request), "bench")):
        run(_command(folder, "--batch", *arguments))
    sign = _command(folder, "--batch", f"--san=DNS:{HOST}", "sign-req", "server", "bench", output=certificate)
    run(sign)
    check_certificate(certificate, trusted=folder / "pki" / "ca.crt")
    commands = {
        "easyrsa help": _command(folder, "help"),
        "easyrsa help build-ca": _command(folder, "help", "build-ca"),
        "easyrsa show-ca": _command(folder, "--batch", "show-ca"),
        "easyrsa sign-req": sign,
    }
    return Peer(commands=commands, versions={"easy-rsa": version})


def _command(folder: Path, *arguments: str, output: Path | None = None) -> Command:
    return Command((str(folder / "easyrsa"), *arguments), bare_environment(folder, **KEYS), folder, output)
