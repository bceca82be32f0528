"""Pre-signed OCSP responses behind nginx: Java and a stapling nginx fetch them by GET, openssl reads them.

``ANCHORHOLD_PRESIGNED`` says for how many certificates; nothing else answers, so what is no file is an error.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.installation import open_installation
from anchorhold.ledger import Reservation
from presigned.presigned_steps import letters
from programs import program
from relying.artefacts import HOST, command, make_chain, settings_of
from relying.validators import java_revocation, run
from server.serving import free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.ledger import Ledger

pytestmark = [
    pytest.mark.databases(because="it is made in an installation of its own"),
    pytest.mark.slow(because="many responses, and other programs"),
]
MANY: Final = int(os.environ.get("ANCHORHOLD_PRESIGNED", "2000"))
AT_ONCE: Final = 10_000
NAMES: Final = ("www", "issuing")
SETTINGS: Final = '[ocsp_responses]\nfolder = "www"\n'
NGINX: Final = """
daemon off; master_process off; pid {folder}/{name}.pid; error_log {folder}/{name}-error.log;
events {{}}
http {{
    log_format asked "$request_method $status"; access_log {folder}/{name}.log asked;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ {server} }}
}}
"""
STAPLING: Final = """
listen 127.0.0.1:{port} ssl;
ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/www.key;
ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate {folder}/trusted.pem;
"""


@dataclass(frozen=True)
class Presigned:
    """Responses of the authority ``Issuing``, that for ``www.pem`` among them, served by nginx alone.

    Attributes:
        folder: Of the installation, the certificates, and nginx.
        port: Of nginx.
        seconds: How long it took to write them.
    """

    folder: Path
    port: int
    seconds: float

    def asked(self) -> list[str]:
        """What nginx was asked, and what it answered."""
        return (self.folder / "answers.log").read_text().splitlines()

    def fetched(self) -> Path:
        """The response for ``www.pem``, by GET in the spelling of Java and nginx."""
        leaf, issuer = (x509.load_pem_x509_certificate((self.folder / f"{name}.pem").read_bytes()) for name in NAMES)
        url = f"http://127.0.0.1:{self.port}/ocsp/{quote(letters(leaf, issuer), safe='')}"
        assert run(self.folder, "curl", "--silent", "--fail", url, "--output", "answer.ocsp").accepted
        return self.folder / "answer.ocsp"


@pytest.fixture(scope="module")
def presigned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Presigned]:
    """They are written once."""
    folder, port = tmp_path_factory.mktemp("presigned"), free_port()
    (folder / "config.toml").write_text(SETTINGS)
    make_chain(folder, hostname=f"127.0.0.1:{port}")
    command(folder, "maintain")
    with open_installation(environment=settings_of(folder)) as installation:
        row = installation.authorities.get("Issuing").record.id
        add_copies(installation.ledger, row, x509.load_pem_x509_certificate((folder / "www.pem").read_bytes()))
    begun = time.monotonic()
    command(folder, "generate-ocsp-responses", "Issuing", "--nginx", "ocsp.conf", variables=_settings(folder))
    seconds = time.monotonic() - begun
    with nginx(folder, "answers", f"listen 127.0.0.1:{port}; include {folder}/ocsp.conf;"):
        yield Presigned(folder, port, seconds)


def _settings(folder: Path) -> dict[str, str]:
    return {"ANCHORHOLD_CONFIG": str(folder / "config.toml")}


def add_copies(ledger: Ledger, authority_id: int, certificate: x509.Certificate) -> None:
    """Fill the ledger with copies of a certificate, as it is kept, under other serial numbers."""
    der = certificate.public_bytes(Encoding.DER)
    for begin in range(0, MANY, AT_ONCE):
        intents = [
            Reservation(
                serial=f"{(1 << 158) | secrets.randbits(158):x}",
                profile="webserver",
                subject="",
                names=(f"DNS:{HOST}",),
                not_before=certificate.not_valid_before_utc,
                not_after=certificate.not_valid_after_utc,
                tbs=der,
            )
            for _ in range(min(AT_ONCE, MANY - begin))
        ]
        with ledger.transaction():
            ledger.certificates.reserve(authority_id, intents)
            ledger.certificates.complete(authority_id, [(intent.serial, der) for intent in intents])


@contextmanager
def nginx(folder: Path, name: str, server: str) -> Iterator[None]:
    """One for as long as it is needed."""
    (folder / f"{name}.conf").write_text(NGINX.format(folder=folder, name=name, server=server))
    line = [program("nginx", "nginx"), "-c", str(folder / f"{name}.conf"), "-e", str(folder / f"{name}-error.log")]
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL)
    try:
        until((folder / f"{name}.pid").exists)
        yield
    finally:
        process.terminate()
        process.wait(10)


def stapled(presigned: Presigned, status: str) -> bool:
    """Whether a new nginx staples that status, or says in its log that it got it."""
    folder, port = presigned.folder, free_port()

    def found() -> bool:
        target = ("-connect", f"127.0.0.1:{port}", "-servername", HOST, "-CAfile", "root.pem", "-status")
        shown = run(folder, "openssl", "s_client", *target).output
        log = (folder / "stapling-error.log").read_text()
        return f"Cert Status: {status}" in shown or f'certificate status "{status}"' in log

    (folder / "trusted.pem").write_bytes((folder / "issuing.pem").read_bytes() + (folder / "root.pem").read_bytes())
    with nginx(folder, "stapling", STAPLING.format(folder=folder, port=port)):
        until(found)
    return "OCSP_basic_verify() failed" not in (folder / "stapling-error.log").read_text()


def test_each_program_takes_them_and_learns_of_a_revocation_at_once(presigned: Presigned) -> None:
    about = ("-issuer", "issuing.pem", "-cert", "www.pem", "-no_nonce", "-CAfile", "root.pem")

    def openssl() -> str:
        return run(presigned.folder, "openssl", "ocsp", *about, "-respin", presigned.fetched().name).output

    print(f"responses for {MANY} certificates, two each, in {presigned.seconds:.1f} s")
    assert "Response verify OK" in (said := openssl())
    assert "www.pem: good" in said
    assert java_revocation(presigned.folder, "www.pem", "online").accepted
    assert stapled(presigned, "good")
    before = len(presigned.asked())
    command(presigned.folder, "revoke-cert", _serial(presigned), variables=_settings(presigned.folder))
    assert "www.pem: revoked" in openssl()
    said_by_java = java_revocation(presigned.folder, "www.pem", "online")
    assert not said_by_java.accepted
    assert "revoked" in said_by_java.output.lower()
    assert stapled(presigned, "revoked")
    assert set(presigned.asked()) == {"GET 200"}
    assert before >= 3
    assert len(presigned.asked()) >= before + 3


def _serial(presigned: Presigned) -> str:
    return f"{x509.load_pem_x509_certificate((presigned.folder / 'www.pem').read_bytes()).serial_number:x}"
