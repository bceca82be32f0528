"""The backend ``vault-transit`` against a stand-in that answers as Vault's API documentation says."""

from __future__ import annotations

import base64
import os
import ssl
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchorhold import errors, software_keys
from anchorhold.algorithms import Algorithm, key_spec
from anchorhold.plugin import Secret
from anchorhold.public_keys import is_signed_by, spec_of, spki
from anchorhold_vault_transit.keys import FoundKey, Keys
from anchorhold_vault_transit.options import Options
from anchorhold_vault_transit.server import Server
from examples.vault_places import Bench
from examples.vault_stand_in import ERRORS, PAIRS, SIGNATURE, TOKEN, Refusal, StoredKey, vault_stand_in
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.algorithms import KeySpec
    from examples.vault_stand_in import VaultStandIn

KINDS: Final = (
    *(key_spec("EC", curve=curve) for curve in ("P-256", "P-384", "P-521")),
    key_spec("RSA", 2048),
    key_spec("Ed25519"),
)


@pytest.fixture
def vault() -> Iterator[VaultStandIn]:
    """The stand-in."""
    with vault_stand_in() as running:
        yield running


@pytest.fixture
def bench(vault: VaultStandIn) -> Bench:
    """The backend on it."""
    return Bench({"address": vault.url})


@pytest.mark.parametrize("spec", KINDS, ids=str)
def test_each_kind_of_key_signs_with_every_hash_and_padding(bench: Bench, spec: KeySpec) -> None:
    created = bench.create(spec)
    assert spec_of(created.public_key) == spec
    signer = bench.signer(created)
    paddings = ("pkcs1v15", "pss") if spec.type == "RSA" else (None,)
    hashes = ("SHA-224", "SHA-256", "SHA-384", "SHA-512") if spec.type != "Ed25519" else (None,)
    for algorithm in [spec.algorithm(name, padding) for name in hashes for padding in paddings]:
        for length in (1, 32, 100_000):
            signature = signer.sign(bytes(length), algorithm)
            assert is_signed_by(created.public_key, signature, bytes(length), algorithm), (algorithm, length)
    signer.close()


def test_a_message_is_hashed_here_and_asked_for_as_documented(bench: Bench, vault: VaultStandIn) -> None:
    spec = key_spec("RSA", 2048)
    signer = bench.signer(bench.create(spec))
    signer.sign(bytes(100_000), spec.algorithm("SHA-384", "pss"))
    action, headers, payload = vault.asked[-1]
    assert (action, headers["x-vault-token"], headers["x-vault-request"]) == ("sign", TOKEN, "true")
    assert len(base64.b64decode(payload.pop("input"))) == 48
    assert payload == {
        "key_version": 1,
        "prehashed": True,
        "hash_algorithm": "sha2-384",
        "signature_algorithm": "pss",
        "salt_length": "hash",
        "marshaling_algorithm": "asn1",
    }


def test_the_published_sample_of_a_signature_is_read_as_der() -> None:
    class Published(Server):
        def request(self, *_: Any, **__: Any) -> dict[str, Any]:
            response = PAIRS["sign"].response
            assert response is not None
            return dict(response["data"])

    server = Published(Options.model_validate({"address": "http://127.0.0.1:1"}), "here")
    key = FoundKey("my-key", 1, public_key := software_keys.generate(key_spec("EC")).public_key())
    found = Keys(server, Secret(TOKEN)).sign(key, {}, "here")
    assert found == base64.b64decode(SIGNATURE.rpartition(":")[2])
    assert openssl("asn1parse", "-inform", "DER", stdin=found).count("INTEGER") == 2
    with pytest.raises(errors.BackendFailedError, match="a signature by another version"):
        Keys(server, Secret(TOKEN)).sign(FoundKey("my-key", 2, public_key), {}, "here")


def test_a_key_is_found_by_its_id_and_replaced_by_none(bench: Bench, vault: VaultStandIn) -> None:
    key_id = os.urandom(20)
    created = bench.create(key_spec("EC"), key_id)
    assert created.handle.data == {"name": f"anchorhold-{key_id.hex()}", "version": 1}
    (found,) = bench.find(key_id)
    assert (found.handle, spki(found.public_key)) == (created.handle, spki(created.public_key))
    assert bench.find(os.urandom(20)) == ()
    with pytest.raises(errors.KeyExistsError, match=f"has a key anchorhold-{key_id.hex()} already"):
        bench.create(key_spec("EC"), key_id)
    assert len(vault.mounts["transit"]) == 1


def test_a_rotated_key_still_signs_with_the_version_that_was_certified(bench: Bench, vault: VaultStandIn) -> None:
    created = bench.create(key_spec("EC"))
    stored = vault.mounts["transit"][created.handle.data["name"]]
    stored.versions.append(software_keys.generate(key_spec("EC")))
    algorithm = key_spec("EC").algorithm()
    assert is_signed_by(created.public_key, bench.signer(created).sign(b"message", algorithm), b"message", algorithm)


def test_the_latest_version_of_a_key_made_by_others_is_adopted(bench: Bench, vault: VaultStandIn) -> None:
    keys = [software_keys.generate(key_spec("EC")) for _ in range(2)]
    vault.mounts["transit"]["theirs"] = StoredKey("ecdsa-p256", keys)
    (found,) = bench.find(None, key_name="theirs")
    assert found.handle.data == {"name": "theirs", "version": 2}
    assert spki(found.public_key) == spki(keys[1].public_key())
    assert bench.find(None, key_name="nobodys") == ()
    vault.mounts["transit"]["sealing"] = StoredKey("aes256-gcm96", [])
    with pytest.raises(errors.KeyUnsupportedError, match="a key of the type aes256-gcm96, not one for signatures"):
        bench.find(None, key_name="sealing")
    for name in ("", "../keys", "a/b"):
        with pytest.raises(errors.InputError, match="give --key-name"):
            bench.find(None, key_name=name)


def test_deleting_allows_it_first_and_says_whether_the_key_was_there(bench: Bench, vault: VaultStandIn) -> None:
    created = bench.create(key_spec("EC"))
    signer = bench.signer(created)
    assert bench.delete(created)
    assert [action for action, _, _ in vault.asked[-2:]] == ["configure", "delete"]
    assert not bench.delete(created)
    assert vault.mounts["transit"] == {}
    with pytest.raises(errors.KeyMissingError, match=r"is not in .*; restore it from a backup, or correct address"):
        bench.signer(created)
    with pytest.raises(errors.KeyMissingError, match="is gone"):
        signer.sign(b"message", key_spec("EC").algorithm())


def test_mounts_and_namespaces_are_places_of_their_own(bench: Bench, vault: VaultStandIn) -> None:
    key_id = os.urandom(20)
    created = bench.create(key_spec("EC"), key_id)
    other = Bench({"address": f"{vault.url}/", "mount": "/team/transit/", "namespace": "admin/"})
    assert other.find(key_id) == ()
    assert vault.asked[-1][1]["x-vault-namespace"] == "admin"
    with pytest.raises(errors.KeyMissingError):
        other.signer(created)
    nowhere = Bench({"address": vault.url, "mount": "elsewhere"})
    with pytest.raises(errors.BackendFailedError, match=r"404 .*no handler for route .*check the options mount"):
        nowhere.find(key_id)


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        (key_spec("EC"), Algorithm(scheme="rsa-pss", hash="SHA-256")),
        (key_spec("EC"), Algorithm(scheme="ecdsa", hash="SHA3-256")),
        (key_spec("Ed25519"), Algorithm(scheme="ecdsa", hash="SHA-256")),
        (key_spec("RSA", 2048), Algorithm(scheme="ed25519")),
    ],
    ids=str,
)
def test_what_a_key_does_not_sign_with_is_refused(bench: Bench, spec: KeySpec, algorithm: Algorithm) -> None:
    signer = bench.signer(bench.create(spec))
    with pytest.raises(errors.KeyUnsupportedError, match=r"does not sign with .*; choose "):
        signer.sign(b"message", algorithm)


@pytest.mark.parametrize("spec", [key_spec("RSA", 8192), key_spec("EC", curve="secp256k1"), key_spec("Ed448")], ids=str)
def test_what_the_engine_does_not_make_is_refused(bench: Bench, spec: KeySpec) -> None:
    with pytest.raises(errors.KeyUnsupportedError, match="choose EC on P-256, P-384 or P-521, RSA with 2048"):
        bench.create(spec)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, errors.BackendFailedError, r"answered 400 to transit/keys/anchorhold-.* \(message; another message\)"),
        (
            403,
            errors.SecretWrongError,
            "refuses the token, or its policy .*; give a valid token",
        ),
        (429, errors.BackendFailedError, "limits the rate of requests; try again in a minute"),
        (500, errors.BackendFailedError, "answered 500"),
        (503, errors.BackendFailedError, "is sealed, or down for maintenance; have it unsealed"),
    ],
)
def test_each_error_becomes_one_of_ours_that_says_what_to_do(
    bench: Bench, vault: VaultStandIn, status: int, kind: type[errors.AnchorholdError], words: str
) -> None:
    vault.refusals = [Refusal(status, *ERRORS["body"]["errors"])]  # type: ignore[index]
    with pytest.raises(kind, match=f"key backend 'vault', {vault.url}: .*{words}"):
        bench.find(os.urandom(20))
    assert bench.find(os.urandom(20)) == ()


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (None, errors.SecretMissingError),
        ("", errors.SecretMissingError),
        ("hvs.wrong-wrong-wrong", errors.SecretWrongError),
        ("hvs.wrong\x01wrong", errors.SecretWrongError),
        ("hvs.wröng-wröng", errors.SecretWrongError),
    ],
)
def test_a_token_that_is_missing_or_wrong_is_named_and_never_shown(
    vault: VaultStandIn, token: str | None, kind: type[errors.AnchorholdError]
) -> None:
    with pytest.raises(kind) as caught:
        Bench({"address": vault.url}, token).find(os.urandom(20))
    shown = f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert "token" in shown
    assert not token or token[4:] not in shown


def test_a_server_that_is_away_is_an_error_and_not_an_empty_one() -> None:
    with pytest.raises(errors.BackendFailedError, match=r"http://127\.0\.0\.1:1: cannot be reached; check the address"):
        Bench({"address": "http://127.0.0.1:1"}).find(os.urandom(20))


def test_its_certificate_is_verified_with_the_file_that_is_named(tmp_path: Path) -> None:
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "cert.pem")
    openssl("req", "-x509", *new, *subject)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain("cert.pem", "key.pem")
    with vault_stand_in(trust) as vault:
        assert Bench({"address": vault.url, "ca_file": str(tmp_path / "cert.pem")}).find(os.urandom(20)) == ()
        with pytest.raises(errors.BackendFailedError, match="its certificate is not trusted; name the authority's"):
            Bench({"address": vault.url}).find(os.urandom(20))
        with pytest.raises(errors.SettingsError, match=r"no certificates can be read from .*none\.pem"):
            Bench({"address": vault.url, "ca_file": str(tmp_path / "none.pem")}).find(os.urandom(20))


def test_every_pair_names_the_page_it_is_from() -> None:
    assert all(pair.source.startswith("https://developer.hashicorp.com/vault/api-docs") for pair in PAIRS.values())
