"""Other people's programs get answers, verify them, and hear of a revocation."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from programs import program
from server.serving import House, Server, free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.databases("sqlite", because="clients do not see the database")


@pytest.mark.parametrize("options", [(), ("-sha256",), ("-no_nonce",)], ids=lambda options: "".join(options) or "plain")
def test_openssl_hears_good_then_revoked(
    house: House, server: Server, tmp_path: Path, options: tuple[str, ...]
) -> None:
    issuer, leaf = house.files(tmp_path)

    def ask() -> str:
        named = ("-issuer", str(issuer), "-cert", str(leaf))
        command = [program("openssl"), "ocsp", *options, *named, "-url", server.url, "-CAfile", str(issuer)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        assert done.stderr.splitlines()[-1] == "Response verify OK"
        return done.stdout

    assert f"{leaf}: good" in ask()
    house.revoke(reason="superseded")
    told = ask()
    assert f"{leaf}: revoked" in told
    assert "Reason: superseded" in told


def test_gnutls_hears_good_then_revoked(house: House, server: Server, tmp_path: Path) -> None:
    issuer, leaf = house.files(tmp_path)
    tool = program("ocsptool", "gnutls-bin")
    trusted = ("--load-cert", leaf, "--load-issuer", issuer, "--load-trust", issuer)

    def ask() -> str:
        command = [tool, f"--ask={server.url}", *map(str, trusted), "--nonce"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        return done.stdout + done.stderr

    told = ask()
    assert "Certificate Status: good" in told
    assert "Verifying OCSP Response: Success" in told
    house.revoke()
    told = ask()
    assert "Certificate Status: revoked" in told
    assert "Verifying OCSP Response: Success" in told


NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
        ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate {folder}/root.pem;
        ssl_stapling_responder {url};
    }}
}}
"""


@contextmanager
def nginx(folder: Path, configuration: str) -> Iterator[None]:
    """A web server for as long as it is needed."""
    (folder / "nginx.conf").write_text(configuration)
    command = [program("nginx", "nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def test_nginx_staples_its_answers(house: House, server: Server, tmp_path: Path) -> None:
    key = software_keys.generate(key_spec("EC"))
    made = house.sign("localhost", key)
    root = house.authority.certificate.public_bytes(Encoding.PEM)
    (tmp_path / "root.pem").write_bytes(root)
    (tmp_path / "chain.pem").write_bytes(made.public_bytes(Encoding.PEM) + root)
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    port = free_port()

    def stapled() -> str:
        target = ("-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile", tmp_path / "root.pem")
        command = [program("openssl"), "s_client", *map(str, target), "-status"]
        return subprocess.run(command, input=b"", capture_output=True, timeout=10, check=False).stdout.decode()

    def staples(status: str) -> bool:
        time.sleep(0.1)
        return f"Cert Status: {status}" in stapled()

    configuration = NGINX.format(folder=tmp_path, port=port, url=server.url)
    with nginx(tmp_path, configuration):
        until(lambda: staples("good"))
    house.revoke(f"{made.serial_number:x}")
    with nginx(tmp_path, configuration):
        until(lambda: 'certificate status "revoked"' in (tmp_path / "error.log").read_text() or staples("revoked"))
    assert "OCSP_basic_verify() failed" not in (tmp_path / "error.log").read_text()
