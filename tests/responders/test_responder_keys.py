"""Keys of OCSP responders: made, switched, destroyed, in the backend of the authority's choice, with nobody present."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from anchorhold import errors
from anchorhold.operations import responder_cleanup, responders
from anchorhold.plugin import Secret
from anchorhold.plugin.key_backend import KeyBackend
from anchorhold.x509.validity import now
from cli.cli_steps import good, refused
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from conftest import Command

CANARY = "canary-of-a-password"
TWO = """
[storages.default]
backend = "local"
options = { location = "ca" }
[storages.other]
backend = "local"
options = { location = "other" }
[ocsp_key_backends.default]
backend = "storages"
[ocsp_key_backends.other]
backend = "storages"
options = { storage_alias = "other", path = "responders", encrypt_private_key = false }
"""


def keys(folder: Path) -> list[str]:
    """Files of responder keys, by folder."""
    found = [*folder.glob("ca/ocsp/*.key"), *folder.glob("other/responders/*.key")]
    return sorted(path.relative_to(folder).parts[0] for path in found)


def active(installation: Installation, name: str = "Root") -> x509.Certificate:
    """The certificate of the responder that answers."""
    record = installation.ledger.responders.active(installation.authorities.get(name).record.id)
    assert record is not None
    assert record.certificate is not None
    return x509.load_der_x509_certificate(record.certificate)


@pytest.fixture(autouse=True)
def _two_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text(TWO)
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))


def passed(monkeypatch: pytest.MonkeyPatch, time: dt.timedelta) -> None:
    """Let time pass for what looks after responders."""
    for module in (responders, responder_cleanup):
        monkeypatch.setattr(module, "now", lambda: now() + time)


def test_a_delegated_certificate_is_short_lived_and_made_for_answers_only(
    anchorhold: Command, installation: Installation, tmp_path: Path
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--out=root.pem"))
    good(anchorhold("regenerate-ocsp-keys"))
    certificate = active(installation)
    extensions = certificate.extensions
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    assert not extensions.get_extension_for_class(x509.OCSPNoCheck).critical
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == dt.timedelta(days=7)
    (tmp_path / "responder.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    openssl("verify", "-x509_strict", "-purpose", "ocsphelper", "-CAfile", "root.pem", "responder.pem")


def test_one_that_is_good_stays_and_force_replaces_it(anchorhold: Command, installation: Installation) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("regenerate-ocsp-keys"))
    first = active(installation)
    assert "is not due" in good(anchorhold("generate-ocsp-keys", "Root")).talk
    assert active(installation) == first
    good(anchorhold("regenerate_ocsp_keys", "Root", "--force"))
    assert active(installation) != first


def test_the_key_is_of_the_authoritys_kind_unless_told(anchorhold: Command, installation: Installation) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--elliptic-curve=P-384"))
    good(anchorhold("regenerate-ocsp-keys"))
    assert active(installation).public_key().curve.name == "secp384r1"  # type: ignore[union-attr]
    good(anchorhold("regenerate-ocsp-keys", "--key-type=RSA", "--key-size=2048"))
    assert active(installation).public_key().key_size == 2048  # type: ignore[union-attr]


def test_a_password_meant_for_keys_of_authorities_does_not_seal_a_key_that_is_to_be_plain(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server, which does not have it, could not open that key."""
    monkeypatch.setenv("ANCHORHOLD_OTHER_PASSWORD", CANARY)
    good(anchorhold("init-ca", "Root", "CN=Root", "--ocsp-key-backend=other"))
    good(anchorhold("regenerate-ocsp-keys"))
    (key,) = tmp_path.glob("other/responders/*.key")
    assert b"BEGIN PRIVATE KEY" in key.read_bytes()


def test_the_old_key_stays_until_its_last_answer_has_run_out(
    anchorhold: Command, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("regenerate-ocsp-keys"))
    good(anchorhold("regenerate-ocsp-keys", "--force"))
    assert "Destroyed" not in good(anchorhold("regenerate-ocsp-keys")).talk
    assert keys(tmp_path) == ["ca", "ca"]
    passed(monkeypatch, responders.ANSWER_LIFETIME + dt.timedelta(minutes=1))
    assert "Destroyed 1 old responder key" in good(anchorhold("regenerate-ocsp-keys")).talk
    assert keys(tmp_path) == ["ca"]


def test_after_the_backend_was_changed_the_old_key_answers_until_the_next_and_goes(
    anchorhold: Command, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("regenerate-ocsp-keys"))
    first = active(installation)
    good(anchorhold("edit-ca", "Root", "--ocsp-key-backend=other"))
    assert active(installation) == first
    good(anchorhold("regenerate-ocsp-keys"))
    assert keys(tmp_path) == ["ca", "other"]
    passed(monkeypatch, dt.timedelta(days=2))
    good(anchorhold("regenerate-ocsp-keys"))
    assert keys(tmp_path) == ["other"]


def test_an_alias_that_is_not_configured_is_refused_at_once(anchorhold: Command) -> None:
    refused(anchorhold("init-ca", "Root", "CN=Root", "--ocsp-key-backend=hsm"), errors.UnknownAliasError, "hsm")
    assert json.loads(good(anchorhold("list-cas", "-f", "json")).data) == []


def test_it_takes_the_options_of_the_authoritys_key(anchorhold: Command, installation: Installation) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--password=secret"))
    told = anchorhold("regenerate-ocsp-keys")
    assert told.exit_code == errors.SecretMissingError.exit_code
    good(anchorhold("regenerate-ocsp-keys", "--password=secret"))
    assert active(installation).issuer.rfc4514_string() == "CN=Root"


def test_one_authority_that_fails_does_not_keep_others_from_theirs(
    anchorhold: Command, installation: Installation
) -> None:
    good(anchorhold("init-ca", "Locked", "CN=Locked", "--password=secret"))
    good(anchorhold("init-ca", "Root", "CN=Root"))
    told = anchorhold("regenerate-ocsp-keys")
    assert told.exit_code == errors.SecretMissingError.exit_code
    assert "Locked: " in told.talk
    assert active(installation, "Root").issuer.rfc4514_string() == "CN=Root"


@pytest.mark.parametrize("hook", ["create_key", "load_signer"])
def test_what_fails_is_taken_back_and_the_old_one_answers_on(
    anchorhold: Command, installation: Installation, tmp_path: Path, hook: str
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("regenerate-ocsp-keys"))
    first = active(installation)
    with pytest.MonkeyPatch.context() as patched:
        real = getattr(KeyBackend, hook)

        def fail(self: KeyBackend, request: Any, secrets: Any) -> Any:
            if self.role == "ocsp":
                raise errors.BackendFailedError("store: is away", hint="repeat")
            return real(self, request, secrets)

        patched.setattr(KeyBackend, hook, fail)
        told = anchorhold("regenerate-ocsp-keys", "--force")
    assert told.exit_code == errors.BackendFailedError.exit_code
    assert active(installation) == first
    assert keys(tmp_path) == ["ca"]


def test_a_key_whose_making_died_is_found_by_its_id_and_destroyed(
    anchorhold: Command, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dead(BaseException):
        """The process is gone."""

    good(anchorhold("init-ca", "Root", "CN=Root"))
    with pytest.MonkeyPatch.context() as patched:
        real = KeyBackend.create_key

        def die(self: KeyBackend, request: Any, secrets: Any) -> Any:
            real(self, request, secrets)
            raise Dead

        patched.setattr(KeyBackend, "create_key", die)
        with pytest.raises(Dead):
            installation.responders.renew("Root")
    assert keys(tmp_path) == ["ca"]
    passed(monkeypatch, dt.timedelta(minutes=11))
    good(anchorhold("regenerate-ocsp-keys"))
    assert keys(tmp_path) == ["ca"]
    (responder,) = installation.ledger.responders.of(installation.authorities.get("Root").record.id)
    assert responder.status == "active"


def test_the_generated_password_is_in_the_ledger_only_and_goes_with_the_key(
    anchorhold: Command, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Secret, "generate", lambda: Secret(CANARY))
    good(anchorhold("init-ca", "Root", "CN=Root"))
    talk = [
        anchorhold("--debug", "regenerate-ocsp-keys", "--force"),
        anchorhold("view-ca", "Root"),
        anchorhold("backends"),
    ]
    assert all(CANARY not in outcome.talk + outcome.text for outcome in talk)
    (responder,) = installation.ledger.responders.of(installation.authorities.get("Root").record.id)
    assert CANARY not in repr(responder)
    assert installation.ledger.responders.secrets(responder.id)["password"].reveal() == CANARY
    good(anchorhold("regenerate-ocsp-keys", "--force"))
    passed(monkeypatch, dt.timedelta(days=2))
    good(anchorhold("regenerate-ocsp-keys"))
    assert installation.ledger.responders.secrets(responder.id) == {}
