"""The peer openssl: ``openssl ca`` keeps an index of what it signed, ``openssl x509 -req`` does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.command import run
from bench.folders import fresh_folder
from bench.openssl import HOST, check_certificate, openssl, openssl_version
from bench.peers.peer import Peer

if TYPE_CHECKING:
    from pathlib import Path

    from bench.command import Command

NAME = "openssl"
LINES = {
    "--help": ("openssl help",),
    "init-ca --help": ("openssl req -help",),
    "view-ca": ("openssl x509 -text",),
    "sign-cert": ("openssl ca", "openssl x509 -req"),
}
CONFIGURATION = f"""\
[ca]
default_ca = bench

[bench]
database = index.txt
new_certs_dir = issued
certificate = authority.pem
private_key = authority.key
rand_serial = yes
unique_subject = no
default_md = sha256
default_days = 100
policy = policy
x509_extensions = webserver

[policy]
commonName = supplied

[webserver]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment, keyAgreement
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:{HOST}
"""
"""The extensions of a server's certificate, so that all sides make the same one."""


def prepare(cache: Path, request: Path) -> Peer:
    """Make an EC P-256 authority in a fresh folder, and check that both commands sign."""
    folder = fresh_folder(cache / "openssl")
    (folder / "issued").mkdir()
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(CONFIGURATION)
    key_options = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "authority.key")
    certificate = ("-subj", "/CN=Bench", "-days", "3650", "-out", "authority.pem")
    run(openssl(folder, "req", "-x509", *key_options, *certificate))
    signing = {"openssl ca": _ca(folder, request), "openssl x509 -req": _x509(folder, request)}
    for command in signing.values():
        run(command)
        if command.output is not None:
            check_certificate(command.output, trusted=folder / "authority.pem")
    commands = {
        "openssl help": openssl(folder, "help"),
        "openssl req -help": openssl(folder, "req", "-help"),
        "openssl x509 -text": openssl(folder, "x509", "-in", "authority.pem", "-text"),
        **signing,
    }
    return Peer(commands=commands, versions={"openssl": openssl_version(folder)})


def _ca(folder: Path, request: Path) -> Command:
    output = folder / "ca.pem"
    files = ("-in", str(request), "-out", str(output))
    return openssl(folder, "ca", "-batch", "-notext", "-config", "ca.cnf", *files, output=output)


def _x509(folder: Path, request: Path) -> Command:
    """It takes longer than ``openssl ca``, for it reads the system's trusted certificates first."""
    output = folder / "x509.pem"
    authority = ("-CA", "authority.pem", "-CAkey", "authority.key", "-sha256", "-days", "100")
    extensions = ("-extfile", "ca.cnf", "-extensions", "webserver")
    files = ("-in", str(request), "-out", str(output))
    return openssl(folder, "x509", "-req", *authority, *extensions, *files, output=output)
