"""Key files as other programs see them, and what is said when one cannot be used."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from anchorhold.algorithms import key_spec
from anchorhold.errors import KeyExistsError, KeyInvalidError, KeyMismatchError, KeyMissingError
from anchorhold.pkcs8 import PBKDF2_ITERATIONS
from anchorhold.plugin import FindKeyRequest, ImportKeyRequest, Secret
from anchorhold.plugin.secret_resolver import SecretResolver
from anchorhold.public_keys import spki
from plugin.fake_backends import CA, NO_SECRETS, configured, create_request, key_request
from programs import openssl, program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.plugin.key_backend import KeyBackend
    from conftest import Command

PASSWORD = "pässwörd with blanks"
KINDS = {
    "EC": ("--key-type", "EC"),
    "brainpool": ("--elliptic-curve", "brainpoolP256r1"),
    "RSA": ("--key-type", "RSA", "--key-size", "2048"),
    "Ed25519": ("--key-type", "Ed25519"),
    "Ed448": ("--key-type", "Ed448"),
}


def _key(folder: Path) -> Path:
    (path,) = folder.rglob("*.key")
    return path


def _secrets(password: str | Secret | None) -> SecretResolver:
    secret = Secret(password) if isinstance(password, str) else password
    given = {} if secret is None else {"password": secret}
    return SecretResolver(alias="default", environment={}, section="key_backends.default", given=given)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("password", [PASSWORD, None], ids=["encrypted", "plain"])
def test_openssl_reads_the_key_file_and_finds_the_key_of_the_certificate(
    anchorhold: Command, ca_dir: Path, kind: str, password: str | None
) -> None:
    options = [f"--password={password}"] if password else []
    created = anchorhold("init-ca", "Root", "CN=Root", *KINDS[kind], *options, "--out", "root.pem")
    assert created.exit_code == 0, created.talk
    path = _key(ca_dir)
    label = "ENCRYPTED PRIVATE KEY" if password else "PRIVATE KEY"
    assert path.read_text().startswith(f"-----BEGIN {label}-----\n")
    given = ["-passin", f"pass:{password}"] if password else []
    public = openssl("pkey", "-in", path, "-pubout", *given)
    assert public == openssl("x509", "-in", "root.pem", "-noout", "-pubkey")
    assert openssl("pkey", "-pubin", "-in", path) == public  # the public half is in the file too


def test_an_encrypted_key_is_derived_with_600_000_rounds_of_pbkdf2_and_sealed_with_aes(
    anchorhold: Command, ca_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anchorhold.pkcs8.PBKDF2_ITERATIONS", PBKDF2_ITERATIONS)  # the tests' own are few
    anchorhold("init-ca", "Root", "CN=Root", "--password=x")
    parsed = openssl("asn1parse", "-in", _key(ca_dir))
    assert PBKDF2_ITERATIONS == 600_000
    assert f"INTEGER           :{600_000:06X}" in parsed
    for name in ("PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc"):
        assert f":{name}\n" in parsed


def test_a_random_password_is_not_stretched_and_openssl_reads_the_key_all_the_same(ca_dir: Path) -> None:
    password = Secret.generate()
    configured().get("default").create_key(create_request(options={"path": "ca"}), _secrets(password))
    parsed = openssl("asn1parse", "-in", _key(ca_dir))
    assert "INTEGER           :03E8" in parsed
    assert "BEGIN PUBLIC KEY" in openssl("pkey", "-in", _key(ca_dir), "-pubout", "-passin", f"pass:{password.reveal()}")


def test_two_keys_with_one_password_have_salts_of_their_own(anchorhold: Command, ca_dir: Path) -> None:
    salts = set()
    for name in ("One", "Two"):
        anchorhold("init-ca", name, f"CN={name}", "--password=x", "--path", name)
        parsed = openssl("asn1parse", "-in", _key(ca_dir / name))
        salts.add(next(line for line in parsed.splitlines() if "OCTET STRING" in line))
    assert len(salts) == 2


def test_openssl_refuses_another_password(anchorhold: Command, ca_dir: Path) -> None:
    anchorhold("init-ca", "Root", "CN=Root", "--password=right")
    wrong = [program("openssl"), "pkey", "-in", str(_key(ca_dir)), "-passin", "pass:wrong", "-noout"]
    assert subprocess.run(wrong, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize(
    ("options", "exit_code", "words"),
    [
        (("--password=wrong",), 21, ("'Root'", "password is wrong")),
        (("--password=Right",), 21, ("'Root'", "password is wrong")),
        ((), 20, ("password is missing", "--password", "ANCHORHOLD_PASSWORD")),
        (("--password=",), 20, ("password is empty", "--password")),
        (("--password=right",), 0, ()),
    ],
)
def test_a_wrong_missing_or_empty_password_is_told_apart(
    anchorhold: Command, csr_file: Path, options: tuple[str, ...], exit_code: int, words: tuple[str, ...]
) -> None:
    anchorhold("init-ca", "Root", "CN=Root", "--password=right")
    before = anchorhold("list-certs").text
    signed = anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", *options)
    assert signed.exit_code == exit_code, signed.talk
    for word in words:
        assert word in signed.talk
    if exit_code:
        assert "wrong;" not in signed.talk.replace("password is wrong;", "")
        assert signed.data == b""
        assert signed.talk.count("\n") == 1
        assert anchorhold("list-certs").text == before


@pytest.fixture
def backend() -> KeyBackend:
    """The default key backend."""
    return configured().get("default")


def test_a_key_is_found_by_its_id_without_its_password(backend: KeyBackend) -> None:
    key_id = bytes(range(20))
    created = backend.create_key(create_request(key_id=key_id, options={"path": "a/b"}), _secrets("x"))
    assert backend.find_key(FindKeyRequest(key_id=key_id, options={"path": "a/b"}), NO_SECRETS) == (created,)
    for elsewhere in (
        FindKeyRequest(key_id=bytes(20), options={"path": "a/b"}),
        FindKeyRequest(key_id=key_id, options={"path": "a"}),
        FindKeyRequest(key_id=key_id),
    ):
        assert backend.find_key(elsewhere, NO_SECRETS) == ()


def test_a_key_id_is_used_once(backend: KeyBackend, ca_dir: Path) -> None:
    backend.create_key(create_request(), _secrets(None))
    before = _key(ca_dir).read_bytes()
    with pytest.raises(KeyExistsError, match="exists already"):
        backend.create_key(create_request(), _secrets(None))
    assert _key(ca_dir).read_bytes() == before
    assert [path for path in ca_dir.rglob("*") if path.is_file()] == [_key(ca_dir)]


def test_the_handle_names_the_file_and_holds_no_secret(backend: KeyBackend, ca_dir: Path) -> None:
    created = backend.create_key(create_request(options={"path": "x"}), _secrets("hunter2"))
    assert created.handle.version == 1
    assert dict(created.handle.data) == {"path": f"x/{bytes(20).hex()}.key"}
    assert (ca_dir / created.handle.data["path"]).is_file()


def test_a_deleted_key_is_gone(backend: KeyBackend, ca_dir: Path) -> None:
    created = backend.create_key(create_request(), _secrets("x"))
    assert backend.delete_key(key_request(created), NO_SECRETS) is True
    assert [path for path in ca_dir.rglob("*") if path.is_file()] == []
    assert backend.delete_key(key_request(created), NO_SECRETS) is False
    with pytest.raises(KeyMissingError, match=r"key of 'Root': the file ca/0{40}\.key in storage 'default' is gone"):
        backend.load_signer(key_request(created), _secrets("x"))


@pytest.mark.parametrize("password", ["x", None])
def test_an_exported_key_is_plain_and_can_be_imported_again(
    backend: KeyBackend, ca_dir: Path, password: str | None
) -> None:
    created = backend.create_key(create_request(spec=key_spec("Ed25519")), _secrets(password))
    exported = backend.export_key(key_request(created), _secrets(password))
    key = load_pem_private_key(exported.reveal_bytes(), None)
    assert key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == spki(created.public_key)
    request = ImportKeyRequest(key_id=bytes([1] * 20), pkcs8=exported, ca=CA, options={"path": "imported"})
    imported = backend.import_key(request, _secrets("another"))
    assert spki(imported.public_key) == spki(created.public_key)
    openssl("pkey", "-in", _key(ca_dir / "imported"), "-passin", "pass:another", "-noout")


def _other_key(path: Path) -> None:
    path.write_text(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))


DAMAGE: dict[str, tuple[Callable[[Path], object], int]] = {
    "gone": (lambda path: path.unlink(), KeyMissingError.exit_code),
    "empty": (lambda path: path.write_bytes(b""), KeyInvalidError.exit_code),
    "random": (lambda path: path.write_bytes(bytes(range(256))), KeyInvalidError.exit_code),
    "text": (lambda path: path.write_text("-----BEGIN"), KeyInvalidError.exit_code),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:100]), KeyInvalidError.exit_code),
    "another key": (_other_key, KeyMismatchError.exit_code),
    "public only": (
        lambda path: path.write_bytes(path.read_bytes()[path.read_bytes().index(b"-----BEGIN PUBLIC") :]),
        KeyInvalidError.exit_code,
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("password", [("--password=x",), ()], ids=["encrypted", "plain"])
def test_a_damaged_key_file_is_one_clear_error_and_nothing_is_signed(
    anchorhold: Command, ca_dir: Path, csr_file: Path, damage: str, password: tuple[str, ...]
) -> None:
    spoil, exit_code = DAMAGE[damage]
    anchorhold("init-ca", "Root", "CN=Root", *password)
    before = anchorhold("list-certs").text
    spoil(_key(ca_dir))
    refused = anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", *password)
    assert refused.exit_code == exit_code, refused.talk
    assert "'Root'" in refused.talk
    assert refused.talk.count("\n") == 1
    assert refused.data == b""
    assert anchorhold("list-certs").text == before


def test_a_damaged_file_is_not_taken_for_the_key_that_is_looked_for(backend: KeyBackend, ca_dir: Path) -> None:
    backend.create_key(create_request(options={"path": "ca"}), _secrets(None))
    path = _key(ca_dir)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(KeyInvalidError, match="is not a complete key file"):
        backend.find_key(FindKeyRequest(key_id=bytes(20), options={"path": "ca"}), NO_SECRETS)
