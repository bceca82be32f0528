"""The peer cfssl: a program in Go, from Debian's package, which records what it signs in a SQLite database."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from bench.command import Command, bare_environment, run
from bench.folders import fresh_folder
from bench.openssl import HOST, check_certificate
from bench.peers.debian import unpacked
from bench.peers.peer import Peer

if TYPE_CHECKING:
    from pathlib import Path

NAME = "cfssl"
LINES = {
    "--help": ("cfssl -h",),
    "init-ca --help": ("cfssl gencert -h",),
    "view-ca": ("cfssl certinfo",),
    "sign-cert": ("cfssl sign",),
}
FILES = {
    "config.json": {"signing": {"default": {"expiry": "2400h", "usages": ["signing", "server auth"]}}},
    "database.json": {"driver": "sqlite3", "data_source": "certificates.sqlite3"},
    "authority.json": {"CN": "Bench", "key": {"algo": "ecdsa", "size": 256}},
}
TABLE = """
CREATE TABLE certificates (
    serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, ca_label blob, status blob NOT NULL,
    reason int, expiry timestamp, revoked_at timestamp, pem blob NOT NULL,
    PRIMARY KEY (serial_number, authority_key_identifier)
)
"""
"""The table it records certificates in, with the columns it writes; its package leaves out what would make it."""


def prepare(cache: Path, request: Path) -> Peer:
    """Make an authority and a database in a fresh folder, and check that it signs."""
    root, version = unpacked("golang-cfssl", cache)
    folder = fresh_folder(cache / "cfssl")
    for name, value in FILES.items():
        (folder / name).write_text(json.dumps(value))
    with closing(sqlite3.connect(folder / "certificates.sqlite3")) as database:
        database.execute(TABLE)

    def cfssl(*arguments: str) -> Command:
        return Command((str(root / "usr" / "bin" / "cfssl"), *arguments), bare_environment(folder), folder)

    made = json.loads(run(cfssl("gencert", "-initca", "authority.json")).stdout)
    (folder / "authority.pem").write_text(made["cert"])
    (folder / "authority.key").write_text(made["key"])
    authority = ("-ca", "authority.pem", "-ca-key", "authority.key", "-config", "config.json")
    sign = cfssl("sign", "-db-config", "database.json", *authority, "-hostname", HOST, str(request))
    (folder / "certificate.pem").write_text(json.loads(run(sign).stdout)["cert"])
    check_certificate(folder / "certificate.pem", trusted=folder / "authority.pem")
    commands = {
        "cfssl -h": cfssl("-h"),
        "cfssl gencert -h": cfssl("gencert", "-h"),
        "cfssl certinfo": cfssl("certinfo", "-cert", "authority.pem"),
        "cfssl sign": sign,
    }
    return Peer(commands=commands, versions={"cfssl": version})
