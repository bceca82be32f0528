"""The backend ``aws-kms`` against moto's server: keys are made, found, used, adopted and given up."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest

from anchorhold.algorithms import key_spec
from anchorhold.errors import AnchorholdError, InputError, KeyExistsError, KeyMissingError, KeyUnsupportedError
from anchorhold.public_keys import is_signed_by, spec_of, spki
from examples.kms_places import CREDENTIALS, KmsBench

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.algorithms import KeySpec

pytest_plugins = ["examples.kms_fixtures"]

MESSAGE = b"a message"
KINDS = [
    *(key_spec("EC", curve=curve) for curve in ("P-256", "P-384", "P-521", "secp256k1")),
    key_spec("RSA", 2048),
    key_spec("RSA", 3072),
]


def kms(bench: KmsBench) -> Any:
    """A client of the test's own."""
    options = bench.options
    return boto3.client("kms", region_name=options["region"], endpoint_url=options["endpoint_url"])


@pytest.mark.parametrize("spec", KINDS, ids=str)
def test_each_kind_of_key_is_made_and_signs(in_moto: KmsBench, spec: KeySpec) -> None:
    created = in_moto.create(spec)
    signer = in_moto.signer(created)
    signature = signer.sign(MESSAGE, spec.algorithm())
    signer.close()
    assert spec_of(created.public_key) == spec
    assert spki(signer.public_key) == spki(created.public_key)
    assert is_signed_by(created.public_key, signature, MESSAGE, spec.algorithm())


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("spec", [key_spec("RSA", 2056), key_spec("RSA", 8192), key_spec("Ed25519")], ids=str)
def test_what_kms_does_not_make_is_refused_before_it_is_asked(spec: KeySpec) -> None:
    nowhere = KmsBench({"region": "eu-central-1", "endpoint_url": "http://127.0.0.1:1"})
    with pytest.raises(KeyUnsupportedError, match="EC on P-256, P-384, P-521 or secp256k1, or RSA with 2048"):
        nowhere.create(spec)


def test_the_handle_is_the_arn_and_the_key_says_what_it_is_for(in_moto: KmsBench) -> None:
    created = in_moto.create(key_spec("EC"))
    metadata = kms(in_moto).describe_key(KeyId=created.handle.data["arn"])["KeyMetadata"]
    assert created.handle.data == {"arn": metadata["Arn"]}
    assert metadata["Description"] == "anchorhold: ca key of Test"


def test_a_key_is_found_by_its_id_among_others_and_only_it(in_moto: KmsBench) -> None:
    key_id = os.urandom(20)
    in_moto.create(key_spec("EC"))
    created = in_moto.create(key_spec("EC"), key_id)
    in_moto.create(key_spec("EC"))
    (found,) = in_moto.find(key_id)
    assert found.handle == created.handle
    assert spki(found.public_key) == spki(created.public_key)
    assert in_moto.find(os.urandom(20)) == ()


def test_a_second_key_with_the_same_id_is_refused(in_moto: KmsBench) -> None:
    key_id = os.urandom(20)
    in_moto.create(key_spec("EC"), key_id)
    with pytest.raises(KeyExistsError, match=key_id.hex()):
        in_moto.create(key_spec("EC"), key_id)
    assert len(in_moto.find(key_id)) == 1


def test_an_alias_is_given_once_and_is_free_again_after_deletion(in_moto: KmsBench) -> None:
    before = len(list(kms(in_moto).list_keys()["Keys"]))
    created = in_moto.create(key_spec("EC"), alias="ca/root-1")
    assert kms(in_moto).describe_key(KeyId="alias/ca/root-1")["KeyMetadata"]["Arn"] == created.handle.data["arn"]
    with pytest.raises(KeyExistsError, match="alias/ca/root-1 is taken; choose another --key-alias"):
        in_moto.create(key_spec("EC"), alias="ca/root-1")
    assert len(list(kms(in_moto).list_keys()["Keys"])) == before + 1
    assert in_moto.delete(created)
    in_moto.create(key_spec("EC"), alias="ca/root-1")


@pytest.mark.parametrize("name", ["id", "arn", "alias"])
def test_a_key_made_by_others_is_adopted_by_id_arn_or_alias(in_moto: KmsBench, name: str) -> None:
    client = kms(in_moto)
    made = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    alias = f"alias/elsewhere-{made['KeyId']}"
    client.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
    (found,) = in_moto.find(None, {"key-id": {"id": made["KeyId"], "arn": made["Arn"], "alias": alias}[name]})
    assert found.handle.data == {"arn": made["Arn"]}
    algorithm = key_spec("EC").algorithm()
    assert is_signed_by(found.public_key, in_moto.signer(found).sign(MESSAGE, algorithm), MESSAGE, algorithm)


def test_only_signing_keys_are_adopted_and_only_those_that_are_named(in_moto: KmsBench) -> None:
    made = kms(in_moto).create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
    with pytest.raises(KeyUnsupportedError, match="not one for signatures; use a key with the usage SIGN_VERIFY"):
        in_moto.find(None, {"key-id": made["KeyId"]})
    with pytest.raises(InputError, match="give --key-id"):
        in_moto.find(None)
    assert in_moto.find(None, {"key-id": "alias/not-there"}) == ()


def test_deletion_is_scheduled_and_says_so_and_the_key_is_gone_from_then_on(
    in_moto: KmsBench, caplog: pytest.LogCaptureFixture
) -> None:
    bench = KmsBench(in_moto.options | {"deletion_window_days": 8})
    key_id = os.urandom(20)
    created = bench.create(key_spec("EC"), key_id)
    arn = created.handle.data["arn"]
    with caplog.at_level(logging.WARNING):
        assert bench.delete(created)
    assert f"key backend 'kms': KMS destroys {arn} in 8 days" in caplog.text
    assert kms(bench).describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert not bench.delete(created)
    assert bench.find(key_id) == ()
    with pytest.raises(KeyMissingError, match="scheduled for deletion; if that was a mistake: aws kms cancel-key"):
        bench.signer(created)


def test_a_disabled_key_says_how_to_enable_it(in_moto: KmsBench) -> None:
    created = in_moto.create(key_spec("EC"))
    kms(in_moto).disable_key(KeyId=created.handle.data["arn"].rpartition("/")[2])
    with pytest.raises(AnchorholdError, match="the key is disabled; enable it: aws kms enable-key --key-id"):
        in_moto.signer(created)


def test_another_region_is_another_place(in_moto: KmsBench) -> None:
    key_id = os.urandom(20)
    created = in_moto.create(key_spec("EC"), key_id)
    elsewhere = KmsBench(in_moto.options | {"region": "eu-west-1"})
    assert elsewhere.find(key_id) == ()
    with pytest.raises(KeyMissingError, match="check region and profile of the alias"):
        elsewhere.signer(created)


def test_profiles_make_several_accounts_several_aliases(
    in_moto: KmsBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, accounts = in_moto.options["endpoint_url"], ("222233334444", "333344445555")
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    lines = ["[profile base]", "aws_access_key_id = AKIDEXAMPLE", "aws_secret_access_key = hunter2hunter2"]
    for account in accounts:
        role = f"role_arn = arn:aws:iam::{account}:role/ca"
        lines += [f"[profile {account}]", role, "source_profile = base", "region = eu-central-1"]
    (tmp_path / "aws").write_text("\n".join(lines))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
    one, other = (KmsBench({"profile": account, "endpoint_url": url}) for account in accounts)
    key_id = os.urandom(20)
    created = one.create(key_spec("EC"), key_id)
    assert created.handle.data["arn"].startswith(f"arn:aws:kms:eu-central-1:{accounts[0]}:key/")
    assert len(one.find(key_id)) == 1
    assert other.find(key_id) == ()
    with pytest.raises(KeyMissingError):
        other.signer(created)
