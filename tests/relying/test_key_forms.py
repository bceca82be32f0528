"""Key files are read, or not, by the programs that the page names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from relying.artefacts import KINDS, command
from relying.documented import begins, table
from relying.report import REPORT, found_version
from relying.validators import Said, run, version_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.databases(because="each key is made in an installation of its own"),
    pytest.mark.slow(because="600,000 rounds are slow"),
]
PASSWORD: Final = "a password of a key"
COLUMNS: Final = {"EC": "EC P-256", "RSA": "RSA", "Ed25519": "Ed25519"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encrypted key of each kind, as a storage keeps it, such as ``EC.key``."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "password").write_text(PASSWORD)
    for column, kind in COLUMNS.items():
        place = folder / column
        place.mkdir()
        (place / "password").write_text(PASSWORD)
        command(place, "init-ca", "Root", "CN=Root", *KINDS[kind], variables={"ANCHORHOLD_PASSWORD_FILE": "password"})
        (found,) = place.glob("ca/ca/*.key")
        content = found.read_text()
        assert "BEGIN PUBLIC KEY" in content
        (folder / f"{column}.key").write_text(content)
    return folder


def _openssl(folder: Path, column: str) -> Said:
    return run(folder, "openssl", "pkey", "-in", f"{column}.key", "-passin", "file:password", "-noout", "-check")


def _gnutls(folder: Path, column: str) -> Said:
    return run(folder, "certtool", "--key-info", "--infile", f"{column}.key", "--password", PASSWORD)


def _node(folder: Path, column: str) -> Said:
    script = (
        'const [key, password] = process.argv.slice(1).map((name) => require("fs").readFileSync(name, "utf8"));'
        'require("crypto").createPrivateKey({ key, passphrase: password });'
    )
    return run(folder, "node", "-e", script, f"{column}.key", "password")


def _ssh_keygen(folder: Path, column: str) -> Said:
    (folder / f"{column}.key").chmod(0o600)
    return run(folder, "ssh-keygen", "-y", "-P", PASSWORD, "-f", f"{column}.key")


READERS: Final[dict[str, tuple[str, tuple[str, ...], Callable[[Path, str], Said]]]] = {
    "OpenSSL 3.0": ("3.0", ("openssl", "version"), _openssl),
    "GnuTLS certtool": ("3", ("certtool", "--version"), _gnutls),
    "Node": ("20", ("node", "--version"), _node),
    "`ssh-keygen` 9.2": ("9.2", ("ssh", "-V"), _ssh_keygen),
}
"""By the first cells of the rows of the page: the measured version, how it is asked, and the check."""


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", READERS)
def test_an_encrypted_key_is_read_where_the_page_says_so(name: str, column: str, keys: Path) -> None:
    series, asked, check = READERS[name]
    version = found_version(name, version_of(*asked))
    (row,) = (cells for cells in table("Key files") if cells[0] == name)
    cell = row[1 + list(COLUMNS).index(column)]
    said = check(keys, column)
    agrees = said.accepted is (cell == "yes") and all(quoted in said.output for quoted in re.findall("`([^`]*)`", cell))
    known = begins(version, series)
    verdict = ("yes" if agrees else "NO") if known else "version not measured"
    REPORT.rows.append((f"{name} ({version})", f"encrypted key, {column}", said.short, verdict))
    if known:
        assert agrees, (cell, said)
