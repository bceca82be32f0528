"""nginx and Caddy give the files to clients, however these write a request, and `serve` whatever is no file."""

from __future__ import annotations

import http.client
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from anchorhold import errors
from anchorhold.installation import open_installation
from anchorhold.operations.presigned.web_servers import configuration
from cli.cli_steps import good, refused
from presigned.presigned_steps import BOTH, SETTINGS, letters, spellings
from programs import openssl, program
from server.serving import House, Server, build_house, free_port, running, signed, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509

    from conftest import Command

pytestmark = [
    pytest.mark.databases("sqlite", because="clients do not see the database"),
    pytest.mark.slow(because="each has a server, a web server and dozens of certificates"),
]

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port};
        include {folder}/ocsp.conf;
    }}
}}
"""
CADDY = """
{{
	admin off
	auto_https off
}}
http://127.0.0.1:{port} {{
	import {folder}/ocsp.conf
}}
"""
JAVA = """
import java.io.*;
import java.net.URI;
import java.security.cert.*;
import java.util.*;

public class Check {
    public static void main(String[] files) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        Certificate root = factory.generateCertificate(new FileInputStream(files[0]));
        Certificate leaf = factory.generateCertificate(new FileInputStream(files[1]));
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOcspResponder(new URI(files[2]));
        checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
        Set<TrustAnchor> trusted = Set.of(new TrustAnchor((X509Certificate) root, null));
        PKIXParameters parameters = new PKIXParameters(trusted);
        parameters.addCertPathChecker(checker);
        try {
            validator.validate(factory.generateCertPath(List.of(leaf)), parameters);
            System.out.println("good");
        } catch (CertPathValidatorException error) {
            System.out.println(error.getReason());
        }
    }
}
"""


class Site:
    """An authority with many certificates, their responses in a folder, and a web server in front.

    Args:
        house: The authority.
        folder: For the responses, settings and logs.
        leaves: Its certificates.
        server: What the web server passes requests on to.
        port: Of the web server.
    """

    def __init__(self, house: House, folder: Path, leaves: list[x509.Certificate], server: Server, port: int) -> None:
        self.house, self.folder, self.leaves, self.server, self.port = house, folder, leaves, server, port
        self.issuer = house.authority.certificate
        self.url = f"http://127.0.0.1:{port}/ocsp"

    def get(self, path: str, method: str = "GET", body: bytes | None = None) -> http.client.HTTPResponse:
        """The response to a request whose path is sent as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {} if body is None else {"content-type": "application/ocsp-request"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.content = response.read()  # type: ignore[attr-defined]  # for the test
        connection.close()
        return response

    def status(self, response: http.client.HTTPResponse) -> str:
        """What a response says."""
        assert response.status == 200
        assert response.headers["content-type"] == "application/ocsp-response"
        return ocsp.load_der_ocsp_response(response.content).certificate_status.name.lower()  # type: ignore[attr-defined]

    def up(self) -> bool:
        """Whether the web server listens."""
        try:
            return self.get("/ocsp/").status in (400, 404)
        except OSError:
            return False


@contextmanager
def _web_server(kind: str, folder: Path, port: int) -> Iterator[None]:
    template = {"nginx": NGINX, "caddy": CADDY}[kind]
    file = folder / f"{kind}.conf"
    file.write_text(template.format(folder=folder, port=port))
    commands = {
        "nginx": ("nginx", "-c", str(file), "-e", str(folder / "error.log")),
        "caddy": ("caddy", "run", "--adapter", "caddyfile", "--config", str(file)),
    }
    command = [program(kind), *commands[kind][1:]]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)
        print((folder / "web.log").read_text())  # shown with a test that fails


@pytest.fixture(params=["nginx", "caddy"])
def site(
    request: pytest.FixtureRequest, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """The same certificates behind each of the web servers."""
    (tmp_path / "config.toml").write_text(SETTINGS)
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    house = build_house()
    with house.opened() as installation:
        leaves = [signed(installation, house.authority, f"w{number}.example.com") for number in range(40)]
        installation.ocsp_responses.generate("root")
    with running(tmp_path) as server:
        with open_installation() as installation:
            url = f"http://127.0.0.1:{server.port}"
            text = installation.ocsp_responses.web_server(request.param, serve_url=url)
        (tmp_path / "ocsp.conf").write_text(text)
        port = free_port()
        with _web_server(request.param, tmp_path, port):
            made = Site(house, tmp_path, leaves, server, port)
            until(made.up)
            yield made


def test_every_spelling_of_a_request_leads_to_the_file(site: Site) -> None:
    files = {file.read_bytes() for file in (site.folder / "www").rglob("*.ors")}
    texts = [letters(leaf, site.issuer, algorithm) for leaf in site.leaves for algorithm in BOTH]
    assert any("/" in text[-30:] for text in texts)
    assert any("+" in text[-30:] for text in texts)
    for text in texts:
        for name, path in spellings(text).items():
            response = site.get(f"/ocsp/{path}")
            assert site.status(response) == "good", name
            assert response.content in files, (name, path)  # type: ignore[attr-defined]
            assert response.headers["cache-control"] == "max-age=3600, public, no-transform, must-revalidate"
            assert response.headers["etag"]
            assert response.headers["last-modified"]


def test_whatever_is_no_file_is_passed_on_as_it_came(site: Site) -> None:
    files = {file.read_bytes() for file in (site.folder / "www").rglob("*.ors")}
    leaf = next(leaf for leaf in site.leaves if set("+/") & set(letters(leaf, site.issuer)[-28:]))
    text = letters(leaf, site.issuer)
    others = {
        "base64url": text.replace("+", "-").replace("/", "_"),
        "quoted twice": text.replace("/", "%252F").replace("+", "%252B").replace("=", "%253D"),
    }
    for name, path in others.items():
        response = site.get(f"/ocsp/{path}")
        assert site.status(response) == "good", name
        assert response.content not in files, name  # type: ignore[attr-defined]
    late = site.house.sign("late.example.com")
    assert site.status(site.get(f"/ocsp/{letters(late, site.issuer)}")) == "good"
    for path in ("/ocsp", "/ocsp/", f"/ocsp/{text}"):
        response = site.get(path, "POST", site.house.request(leaf))
        assert response.status == 404 or site.status(response) == "good"
    assert site.status(site.get("/ocsp", "POST", site.house.request(leaf, b"1" * 16))) == "good"
    assert b"layout 1" not in site.get("/ocsp/.anchorhold/layout").content  # type: ignore[attr-defined]


def test_a_revocation_is_in_the_next_answer(site: Site) -> None:
    for leaf in site.leaves[:10]:
        path = f"/ocsp/{letters(leaf, site.issuer)}"
        before = site.get(path)
        assert site.status(before) == "good"
        site.house.revoke(f"{leaf.serial_number:x}")
        assert site.status(site.get(path)) == "revoked"
    assert [site.status(site.get(f"/ocsp/{letters(leaf, site.issuer)}")) for leaf in site.leaves[10:]] == ["good"] * 30


def test_openssl_and_java_accept_the_answers(site: Site) -> None:
    (site.folder / "root.pem").write_bytes(site.issuer.public_bytes(Encoding.PEM))
    (site.folder / "Check.java").write_text(JAVA)
    java = (program("java", "default-jdk-headless"), str(site.folder / "Check.java"))
    first, second = site.leaves[:2]
    site.house.revoke(f"{second.serial_number:x}")
    for leaf, status, reason in ((first, "good", "good"), (second, "revoked", "REVOKED")):
        (site.folder / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
        named = [str(site.folder / name) for name in ("root.pem", "leaf.pem")]
        trust = ("-issuer", named[0], "-CAfile", named[0], "-cert", named[1])
        assert f"{named[1]}: {status}" in openssl("ocsp", "-url", site.url, *trust)
        told = subprocess.run([*java, *named, site.url], capture_output=True, text=True, timeout=60, check=False)
        assert told.stdout.strip() == reason, told.stderr


@pytest.mark.parametrize("folder", ['quo"te', "dol$lar", "back\\slash", "bra{ce", "new\nline"])
def test_a_folder_that_would_be_read_otherwise_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(errors.InputError, match="characters that web servers take for their own"):
        configuration("nginx", tmp_path / folder)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "http://h/path", "http://h:80;", "http://h:80 x", "ftp://h"])
def test_a_url_that_is_none_of_a_server_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(errors.InputError, match="is not that of a server"):
        configuration("caddy", tmp_path, url)


def test_the_command_writes_both_configurations(
    database: str, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text(SETTINGS)
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    good(anchorhold("generate-ocsp-responses", "--nginx", "a.conf", "--caddy", "b.conf", "--serve-url=http://[::1]:81"))
    for name in ("a.conf", "b.conf"):
        text = (tmp_path / name).read_text()
        assert str(tmp_path / "www") in text
        assert "http://[::1]:81" in text
    refused(anchorhold("generate-ocsp-responses", "--nginx", "no/such/folder"), errors.OutputError)
