"""Keys of OCSP responders: kept by the same backends, used with nobody present."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold.algorithms import KeySpec
from anchorhold.errors import BackendContractError, SettingsError, UnknownAliasError
from anchorhold.plugin import BACKENDS_GROUP, KeyRequest, Secret
from anchorhold.plugin.secret_resolver import GeneratedSecrets, SecretResolver
from anchorhold.public_keys import is_signed_by
from cli.cli_steps import good, refused
from plugin.fake_backends import CA, MemoryBackend, configured, create_request, offer, settings_file
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command


def _generated(**secrets: str) -> GeneratedSecrets:
    alias = SecretResolver(alias="default", environment={}, section="ocsp_key_backends.default")
    return GeneratedSecrets({name: Secret(value) for name, value in secrets.items()}, alias)


def test_a_file_key_of_a_responder_is_encrypted_with_its_generated_password(ca_dir: Path) -> None:
    backend = configured().get("default", "ocsp")
    store = backend.ocsp_store()
    assert store.generated == {"password"}
    assert store.unattended == frozenset()
    secrets = _generated(password="drawn at random")
    created = backend.create_key(create_request(role="ocsp", options=store.options), secrets)
    (path,) = ca_dir.rglob("*.key")
    assert path.parent == ca_dir / "ocsp"
    assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    openssl("pkey", "-in", path, "-passin", "pass:drawn at random", "-noout")
    request = KeyRequest(handle=created.handle, public_key=created.public_key, ca=CA, role="ocsp")
    signer = backend.load_signer(request, secrets)
    algorithm = KeySpec(curve="secp256r1").algorithm()
    assert is_signed_by(created.public_key, signer.sign(b"response", algorithm), b"response", algorithm)
    signer.close()
    assert backend.delete_key(request, secrets) is True
    assert list(ca_dir.rglob("*.key")) == []


def test_a_file_key_of_a_responder_is_plain_if_the_settings_say_so(
    ca_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_file(
        tmp_path,
        monkeypatch,
        '[ocsp_key_backends.default]\nbackend = "storages"\n'
        '[ocsp_key_backends.default.options]\nencrypt_private_key = false\npath = "responders"\n',
    )
    backend = configured().get("default", "ocsp")
    store = backend.ocsp_store()
    assert store.generated == frozenset()
    backend.create_key(create_request(role="ocsp", options=store.options), _generated())
    (path,) = ca_dir.rglob("*.key")
    assert path.parent == ca_dir / "responders"
    openssl("pkey", "-in", path, "-noout")


def test_the_password_of_authorities_does_not_encrypt_the_keys_of_responders(
    monkeypatch: pytest.MonkeyPatch, ca_dir: Path
) -> None:
    monkeypatch.setenv("ANCHORHOLD_PASSWORD", "for authorities")
    backend = configured({"ANCHORHOLD_PASSWORD": "for authorities"}).get("default", "ocsp")
    backend.create_key(create_request(role="ocsp", options=backend.ocsp_store().options), _generated(password="own"))
    (path,) = ca_dir.rglob("*.key")
    openssl("pkey", "-in", path, "-passin", "pass:own", "-noout")


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    """A PIN in a file."""
    path = tmp_path / "pin"
    path.write_text("1234\n")
    return path


def _token(folder: Path, monkeypatch: pytest.MonkeyPatch, pin: str, backend: str = "PinBackend") -> None:
    offer(monkeypatch, folder / "site", BACKENDS_GROUP, {"token": f"plugin.fake_backends:{backend}"})
    options = f"[ocsp_key_backends.hsm.options]\npin = {pin}\n" if pin else ""
    settings_file(folder, monkeypatch, f'[ocsp_key_backends.hsm]\nbackend = "token"\n{options}')


@pytest.mark.parametrize("pin", ["", '"prompt"', '{ env = "NOT_SET" }', '""', '{ env = "EMPTY" }'])
def test_a_backend_that_would_have_to_ask_is_refused_when_the_settings_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, pin: str
) -> None:
    monkeypatch.setenv("EMPTY", "")
    _token(tmp_path, monkeypatch, pin)
    refused = anchorhold("config", "check")
    assert refused.exit_code == SettingsError.exit_code, refused.talk
    assert "ocsp_key_backends.hsm" in refused.talk
    assert "are used unattended" in refused.talk
    assert "ocsp_key_backends.hsm.options.pin" in refused.talk
    unset = (
        "Ocsp_key_backends.hsm.options.pin: the variable NOT_SET is not set here"  # said beside what follows from it
    )
    assert refused.talk.count("\n") == 1 + refused.talk.count(unset)


def test_the_alias_default_is_no_exception(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"token": "plugin.fake_backends:PinBackend"})
    options = '[ocsp_key_backends.default.options]\npin = "prompt"\n'
    settings_file(tmp_path, monkeypatch, f'[ocsp_key_backends.default]\nbackend = "token"\n{options}')
    for command in (("edit-ca", "Root", "--ocsp-key-backend=default"), ("init-ca", "Other", "CN=Other")):
        refused(anchorhold(*command), SettingsError, "used unattended, and pin would be prompted for")
    good(anchorhold("edit-ca", "Root", "--disable"))  # which is nothing to do with it


def test_a_default_alias_that_is_not_there_stops_only_who_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    settings_file(tmp_path, monkeypatch, '[ocsp_key_backends.rows]\nbackend = "db"\n')
    good(anchorhold("init-ca", "Root", "CN=Root"))
    refused(anchorhold("regenerate-ocsp-keys"), UnknownAliasError, "Root: ", "'default'")


@pytest.mark.parametrize("pin", ['"1234"', '{ env = "MY_PIN" }', "{ file = 'PIN_FILE' }", "variable"])
def test_a_backend_whose_secret_is_set_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, pin_file: Path, pin: str
) -> None:
    monkeypatch.setenv("ANCHORHOLD_HSM_PIN" if pin == "variable" else "MY_PIN", "1234")
    _token(tmp_path, monkeypatch, "" if pin == "variable" else pin.replace("PIN_FILE", str(pin_file)))
    checked = anchorhold("config", "check")
    assert checked.exit_code == 0, checked.talk
    assert "no problems found" in checked.talk


def test_a_backend_that_cannot_keep_responder_keys_is_refused_only_where_it_is_to_keep_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryBackend, "keys", {})
    _token(tmp_path, monkeypatch, "", backend="MemoryBackend")
    with pytest.raises(BackendContractError, match="ocsp_store and cannot keep OCSP responder keys"):
        configured().get("hsm", "ocsp")
    settings_file(tmp_path, monkeypatch, '[key_backends.hsm]\nbackend = "token"\n')
    assert configured().get("hsm", "ca").alias == "hsm"
