"""CRLs that cover a part of the certificates are read, or refused, by the programs that the page names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from relying.artefacts import command, issue, make_chain
from relying.documented import is_measured, table
from relying.report import REPORT, found_version
from relying.validators import VALIDATORS, Said, java_revocation, newer_openssl, nss_database, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.databases(because="the CRLs are made in an installation of their own"),
    pytest.mark.slow(because="other programs start for each CRL"),
]


@dataclass(frozen=True)
class Reader:
    """A program that reads CRLs.

    Attributes:
        version: Its version; None if it is not there.
        check: Validates a certificate, given a CRL file.
    """

    version: Callable[[], str | None]
    check: Callable[[Path, str, str], Said]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``www.pem``, ``revoked.pem`` of the same part, and CRLs by the columns of the page."""
    folder = make_chain(tmp_path_factory.mktemp("parts"), more=("--crl-shards", "2"))
    part = _part(folder, "www")
    issue(folder, "revoked", "--alt", "www.example.com")
    while _part(folder, "revoked") != part:
        issue(folder, "revoked", "--alt", "www.example.com")
    command(folder, "revoke-cert", f"{_read(folder, 'revoked').serial_number:x}")
    command(folder, "generate-crls")
    root = command(folder, "dump-crl", "Root", "--output-format", "pem")
    pem = ("--output-format", "pem")
    parts = {number: command(folder, "dump-crl", "Issuing", "--shard", str(number), *pem) for number in (0, 1)}
    for name, content in {
        "matching": parts[part],
        "both": parts[0] + parts[1],
        "wrong": parts[1 - part],
        "full": command(folder, "dump-crl", "Issuing", *pem),
    }.items():
        (folder / f"{name}.crl").write_bytes(content + root)
        (folder / f"{name}.alone").write_bytes(content)
    return folder


def _read(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())


def _part(folder: Path, name: str) -> int:
    points = _read(folder, name).extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    found = re.search(r"/([01])\.crl", str(points))
    assert found
    return int(found[1])


def _openssl(program: str) -> Callable[[Path, str, str], Said]:
    def check(folder: Path, leaf: str, evidence: str) -> Said:
        trust = ("-CAfile", "root.pem", "-untrusted", "issuing.pem", "-CRLfile", f"{evidence}.crl")
        return run(folder, program, "verify", "-crl_check", *trust, f"{leaf}.pem")

    return check


def _gnutls(folder: Path, leaf: str, evidence: str) -> Said:
    content = (folder / f"{leaf}.pem").read_bytes() + (folder / "issuing.pem").read_bytes()
    (folder / "checked.pem").write_bytes(content)
    given = ("--load-ca-certificate", "root.pem", "--load-crl", f"{evidence}.crl", "--infile", "checked.pem")
    return run(folder, "certtool", "--verify", *given)


def _nss(folder: Path, leaf: str, evidence: str) -> Said:
    nss_database(folder, ("root", "issuing", leaf))
    database = f"sql:{folder / 'nss'}"
    (folder / "one.crl").write_bytes(
        x509.load_pem_x509_crl((folder / f"{evidence}.alone").read_bytes()).public_bytes(Encoding.DER)
    )
    imported = run(folder, "crlutil", "-I", "-d", database, "-i", "one.crl")
    return imported if not imported.accepted else run(folder, "certutil", "-V", "-d", database, "-n", leaf, "-u", "V")


def _java(folder: Path, leaf: str, evidence: str) -> Said:
    return java_revocation(folder, f"{leaf}.pem", f"{evidence}.crl")


_VERSIONS: Final = [each.version for each in VALIDATORS]
READERS: Final = {
    "OpenSSL": Reader(_VERSIONS[0], _openssl("openssl")),
    "OpenSSL 3.5": Reader(_VERSIONS[1], _openssl(newer_openssl())),
    "GnuTLS": Reader(_VERSIONS[2], _gnutls),
    "NSS": Reader(_VERSIONS[3], _nss),
    "Java": Reader(_VERSIONS[4], _java),
}
COLUMNS: Final = ("matching", "both", "wrong", "full")


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", READERS)
def test_a_crl_of_a_part_is_read_where_the_page_says_so(name: str, column: str, lists: Path) -> None:
    program = name.partition(" ")[0]
    version = found_version(program, READERS[name].version(), name)
    (row,) = (cells for cells in table("Partitioned CRLs") if cells[0].partition(",")[0] == program)
    cell = "read" if column == "full" else row[1 + COLUMNS.index(column)]
    if cell == "full CRL":
        pytest.skip("the page says that it needs the full CRL")
    check = READERS[name].check
    good, revoked = check(lists, "www", column), check(lists, "revoked", column)
    agrees = not revoked.accepted and good.accepted is cell.startswith("read")
    REPORT.rows.append((f"{program} {version}", f"{column} CRL, good", good.short, "yes" if agrees else "NO"))
    REPORT.rows.append((f"{program} {version}", f"{column} CRL, revoked", revoked.short, "yes" if agrees else "NO"))
    if is_measured(program, version):
        assert agrees, (cell, good, revoked)
        assert re.search("revoked|REVOKED", revoked.output) or not good.accepted
        assert all(quoted in good.output for quoted in re.findall("`([^`]*)`", cell))
