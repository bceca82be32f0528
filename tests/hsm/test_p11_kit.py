"""Tokens that p11-kit hands on: its server and client module, and its proxy.

Each call of their ``C_GetFunctionList`` gives a list with an initialisation of its own.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from anchorhold.algorithms import KeySpec
from anchorhold.public_keys import is_signed_by
from anchorhold_hsm.module_registry import close_modules
from cli.cli_steps import certificate, good
from hsm.softhsm import Bench, SoftHsm, configure
from programs import program
from server.serving import SHA1, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

    from conftest import Command

SPECS = (KeySpec(type="RSA", size=2048), KeySpec(type="EC", curve="secp256r1"), KeySpec(type="EC", curve="secp384r1"))


def _module(name: str, package: str) -> str:
    found = [*Path("/usr").glob(f"lib*/*/pkcs11/{name}"), *Path("/usr").glob(f"lib*/*/{name}")]
    found += [*Path("/usr").glob(f"lib*/pkcs11/{name}"), *Path("/usr").glob(f"lib*/{name}")]
    assert found, f"this test needs {name}: as root on Debian, apt-get install {package}"
    return str(found[0])


def _socket() -> Path:
    """One for all tests of a process: the client asks for the address once."""
    return Path(tempfile.gettempdir()) / f"anchorhold-p11-kit-{os.getpid()}"


@contextmanager
def _server(softhsm: SoftHsm) -> Iterator[None]:
    """``p11-kit server`` for the token ``one``."""
    socket = _socket()
    command = (program("p11-kit", "p11-kit"), "server", "--foreground", "--name", f"unix:path={socket}")
    provider = ("--provider", softhsm.library, "pkcs11:token=one")
    server = subprocess.Popen([*command, *provider], env=softhsm.environment, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while not socket.exists() and time.monotonic() < end:
            time.sleep(0.02)
        yield
    finally:
        server.terminate()
        server.wait()
        socket.unlink(missing_ok=True)


@pytest.fixture(name="client")
def _client(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The client module, with where its server is or will be."""
    monkeypatch.setenv("P11_KIT_SERVER_ADDRESS", f"unix:path={_socket()}")
    yield _module("p11-kit-client.so", "p11-kit-modules")
    close_modules()


@pytest.fixture(name="proxy")
def _proxy(softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The proxy, which hands on to the modules of the user's folder."""
    modules = tmp_path / "config" / "pkcs11" / "modules"
    modules.mkdir(parents=True)
    (modules / "softhsm.module").write_text(f"module: {softhsm.library}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    yield _module("p11-kit-proxy.so", "libp11-kit0")
    close_modules()


def _settings(module: str, more: str = "") -> str:
    options = f'library_path = "{module}"\ntoken = "one"\n'
    ocsp = f'{options}user_pin = "1234"\n'
    return (
        f'[key_backends.default]\nbackend = "hsm"\n[key_backends.default.options]\n{options}{more}\n'
        f'[ocsp_key_backends.default]\nbackend = "hsm"\n[ocsp_key_backends.default.options]\n{ocsp}'
    )


@pytest.mark.databases("sqlite", because="it is about the token")
def test_an_authority_behind_the_server_lives_through_its_restart(
    softhsm: SoftHsm, client: str, anchorhold: Command, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, monkeypatch, _settings(client, 'user_pin = "1234"'))

    def sign(made: x509.Certificate) -> bytes:
        """Sign with the key of the token; a request for the state of what was made."""
        signed = certificate(anchorhold("sign-cert", "--ca=Root", "--alt=example.com", stdin=csr_file.read_bytes()))
        signed.verify_directly_issued_by(made)
        return ocsp.OCSPRequestBuilder().add_certificate(signed, made, SHA1).build().public_bytes(Encoding.DER)

    with ExitStack() as stack:
        with _server(softhsm):
            made = certificate(anchorhold("init-ca", "Root", "CN=Root", "--hostname=ca.example", "-f", "pem"))
            answering = stack.enter_context(running(tmp_path))
            assert answering.status(sign(made)) == "GOOD"
        with _server(softhsm):  # the processes of before go on: the one that signs, and the one that answers
            assert answering.status(sign(made)) == "GOOD"
            good(anchorhold("regenerate-ocsp-keys", "--force", "Root"))
            assert answering.status(sign(made)) == "GOOD"


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_keys_are_made_found_used_and_deleted_through_the_client(softhsm: SoftHsm, client: str, spec: KeySpec) -> None:
    with _server(softhsm):
        _life_of_a_key(Bench({"library_path": client, "token": "one"}), spec)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_keys_are_made_found_used_and_deleted_through_the_proxy(proxy: str, spec: KeySpec) -> None:
    _life_of_a_key(Bench({"library_path": proxy, "token": "one"}), spec)


def test_a_signer_goes_on_when_the_server_was_restarted(softhsm: SoftHsm, client: str) -> None:
    bench, spec = Bench({"library_path": client, "token": "one"}), SPECS[1]
    with _server(softhsm):
        created = bench.create(spec)
        signer = bench.signer(created)
        signer.sign(b"before", spec.algorithm())
    with _server(softhsm):
        signature = signer.sign(b"after", spec.algorithm())
    assert is_signed_by(created.public_key, signature, b"after", spec.algorithm())


def _life_of_a_key(bench: Bench, spec: KeySpec) -> None:
    created = bench.create(spec, "mine")
    algorithm = spec.algorithm()
    signer = bench.signer(created)
    assert is_signed_by(created.public_key, signer.sign(b"message", algorithm), b"message", algorithm)
    close_modules()
    assert is_signed_by(created.public_key, signer.sign(b"again", algorithm), b"again", algorithm)
    assert len(bench.find(key_label="mine")) == 1
    assert bench.delete(created) is True
    assert bench.find(key_label="mine") == ()
