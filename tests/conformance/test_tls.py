"""Real handshakes with the files of ``quickstart``: Python's ssl, openssl's client, and cryptography's verifier."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Command


@pytest.fixture(autouse=True)
def _quickstart(_private: None, anchorhold: Command) -> None:
    """A server certificate for the local machine in the current folder."""
    made = anchorhold("quickstart", "localhost", "127.0.0.1", "*.example.com")
    assert made.exit_code == 0, made.talk


@contextmanager
def server(stem: str = "localhost") -> Iterator[int]:
    """A TLS server with these files that says hello to each client; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{stem}.chain.pem", f"{stem}.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_greet, args=(listening, context))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _greet(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:  # it was shut down
            return
        try:
            connection.settimeout(10)
            with context.wrap_socket(connection, server_side=True) as channel:
                channel.sendall(b"hello")
                channel.unwrap()
        except OSError:  # the client refused, or hung up
            connection.close()


def greeting(port: int, name: str, root: str = "root.pem") -> bytes:
    """What a strict client hears from the server under that name."""
    context = ssl.create_default_context(cafile=root)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=name) as channel,
    ):
        return channel.recv(5)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "www.example.com"])
def test_a_strict_client_of_python_accepts_the_server_under_each_of_its_names(name: str) -> None:
    with server() as port:
        assert greeting(port, name) == b"hello"


@pytest.mark.parametrize("name", ["other", "127.0.0.2", "a.www.example.com", "example.com"])
def test_the_client_refuses_the_server_under_another_name(name: str) -> None:
    with server() as port, pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        greeting(port, name)


def test_the_client_refuses_the_server_when_it_trusts_another_root(anchorhold: Command) -> None:
    assert anchorhold("init-ca", "Other", "CN=Other", "--out", "other.pem").exit_code == 0
    with server() as port, pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        greeting(port, "localhost", root="other.pem")


def test_a_second_quickstart_uses_the_same_root(anchorhold: Command) -> None:
    root = Path("root.pem").read_bytes()
    made = anchorhold("quickstart", "second.example.com")
    assert made.exit_code == 0, made.talk
    assert Path("root.pem").read_bytes() == root
    with server("second.example.com") as port:
        assert greeting(port, "second.example.com") == b"hello"


@pytest.mark.parametrize(
    ("expectation", "code"),
    [
        (("-verify_hostname", "localhost"), 0),
        (("-verify_ip", "127.0.0.1"), 0),
        (("-verify_hostname", "other"), 1),
        (("-verify_ip", "127.0.0.2"), 1),
    ],
)
def test_the_client_of_openssl_accepts_the_server_under_its_names_and_no_other(
    expectation: tuple[str, str], code: int
) -> None:
    with server() as port:
        command = [
            program("openssl"),
            "s_client",
            "-connect",
            f"127.0.0.1:{port}",
            "-CAfile",
            "root.pem",
            "-x509_strict",
        ]
        result = subprocess.run(
            [*command, "-verify_return_error", *expectation], input=b"", capture_output=True, timeout=20, check=False
        )
    assert result.returncode == code, result.stderr.decode()
    assert (b"Verify return code: 0 (ok)" in result.stdout) == (code == 0)


@pytest.mark.parametrize(
    "name",
    [x509.DNSName("localhost"), x509.DNSName("any.example.com"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
    ids=str,
)
def test_the_verifier_of_cryptography_accepts_the_chain(name: x509.DNSName | x509.IPAddress) -> None:
    """It keeps to the profile of the Web PKI, as browsers do."""
    leaf, issuing = x509.load_pem_x509_certificates(Path("localhost.chain.pem").read_bytes())
    root = x509.load_pem_x509_certificate(Path("root.pem").read_bytes())
    verifier = PolicyBuilder().store(Store([root])).build_server_verifier(name)
    assert verifier.verify(leaf, [issuing]) == [leaf, issuing, root]


def test_the_verifier_of_cryptography_accepts_a_client_and_refuses_a_server_as_one(
    anchorhold: Command, csr_file: Path
) -> None:
    server_leaf, issuing = x509.load_pem_x509_certificates(Path("localhost.chain.pem").read_bytes())
    root = x509.load_pem_x509_certificate(Path("root.pem").read_bytes())
    signing = ("sign-cert", "--ca", "Quickstart Issuing CA", "--csr", str(csr_file), "--profile", "client")
    signed = anchorhold(*signing, "--alt", "email:me@example.com")
    assert signed.exit_code == 0, signed.talk
    verifier = PolicyBuilder().store(Store([root])).build_client_verifier()
    assert verifier.verify(x509.load_pem_x509_certificate(signed.data), [issuing]).subjects == [
        x509.RFC822Name("me@example.com")
    ]
    with pytest.raises(VerificationError):
        verifier.verify(server_leaf, [issuing])


def test_client_and_server_accept_each_other_with_certificates_of_their_profiles(anchorhold: Command) -> None:
    """Mutual TLS: the server asks for a certificate of the profile `client` and trusts only the root."""
    from programs import openssl

    openssl("req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", "me.key", "-out", "me.csr", "-subj", "/")
    signing = ("sign-cert", "--ca", "Quickstart Issuing CA", "--csr", "me.csr", "--profile", "client")
    signed = anchorhold(*signing, "--subject", "CN=me", "--bundle", "--out", "me.pem")
    assert signed.exit_code == 0, signed.talk
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    asking.load_cert_chain("localhost.chain.pem", "localhost.key")
    asking.load_verify_locations("root.pem")
    asking.verify_mode = ssl.CERT_REQUIRED
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    client = ssl.create_default_context(cafile="root.pem")
    client.load_cert_chain("me.pem", "me.key")
    ours, theirs = _shake_hands(asking, client)
    assert ours is not None
    assert ours["subject"] == ((("commonName", "me"),),)
    assert theirs is not None


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[dict[str, object] | None, ...]:
    """A handshake in memory; what each side knows of the other's certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
    ]
    for _ in range(10):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return tuple(side.getpeercert() for side in sides)  # type: ignore[misc]
