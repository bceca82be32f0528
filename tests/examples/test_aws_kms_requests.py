"""What the backend ``aws-kms`` sends where moto differs from AWS, and what it makes of errors: against a stand-in."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from anchorhold import errors
from anchorhold.algorithms import Algorithm, key_spec
from anchorhold.public_keys import is_signed_by
from examples.kms_places import CREDENTIALS, KmsBench
from examples.kms_stand_in import Fault
from storages.servers import listening

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from examples.kms_stand_in import KmsStandIn

pytest_plugins = ["examples.kms_fixtures"]

KINDS: Final = {
    "P-256": key_spec("EC"),
    "P-384": key_spec("EC", curve="P-384"),
    "P-521": key_spec("EC", curve="P-521"),
    "secp256k1": key_spec("EC", curve="secp256k1"),
    "RSA": key_spec("RSA", 2048),
}
OWN: Final = {"P-256": "SHA-256", "P-384": "SHA-384", "P-521": "SHA-512", "secp256k1": "SHA-256"}
HASHES: Final = ("SHA-256", "SHA-384", "SHA-512")


@pytest.mark.parametrize("kind", KINDS)
def test_every_hash_and_length_gives_a_signature_that_verifies(
    in_stand_in: KmsBench, stand_in: KmsStandIn, kind: str
) -> None:
    created = in_stand_in.create(KINDS[kind])
    signer = in_stand_in.signer(created)
    paddings = ("pkcs1v15", "pss") if kind == "RSA" else (None,)
    for algorithm in [KINDS[kind].algorithm(name, padding) for name in HASHES for padding in paddings]:
        for length in (1, 32, 4096, 4097, 100_000):
            signature = signer.sign(bytes(length), algorithm)
            assert is_signed_by(created.public_key, signature, bytes(length), algorithm), (algorithm, length)
            own = kind == "RSA" or algorithm.hash == OWN[kind]
            sent = stand_in.requests("Sign")[-1]["MessageType"]
            assert sent == ("RAW" if own and length <= 4096 else "DIGEST"), (algorithm, length)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("P-256", Algorithm(scheme="rsa-pss", hash="SHA-256")),
        ("RSA", Algorithm(scheme="ecdsa", hash="SHA-256")),
        ("RSA", Algorithm(scheme="rsa-pkcs1v15", hash="SHA-224")),
        ("P-256", Algorithm(scheme="ecdsa", hash="SHA3-256")),
        ("P-256", Algorithm(scheme="ed25519")),
    ],
    ids=str,
)
def test_what_a_key_does_not_sign_with_is_refused_with_what_it_does(
    in_stand_in: KmsBench, stand_in: KmsStandIn, kind: str, algorithm: Algorithm
) -> None:
    signer = in_stand_in.signer(in_stand_in.create(KINDS[kind]))
    with pytest.raises(errors.KeyUnsupportedError, match=r"does not sign with .*; choose one of "):
        signer.sign(b"message", algorithm)
    assert not stand_in.requests("Sign")


FAULTS: Final[dict[str, tuple[type[errors.AnchorholdError], str]]] = {
    "UnrecognizedClientException": (errors.SecretWrongError, "AWS refused the credentials; log in again"),
    "InvalidSignatureException": (errors.SecretWrongError, "AWS refused the credentials; log in again"),
    "ExpiredTokenException": (errors.SecretWrongError, "the credentials have expired; log in again"),
    "AccessDeniedException": (errors.BackendFailedError, "AWS does not permit Sign; allow kms:Sign"),
    "ThrottlingException": (errors.BackendFailedError, "limits the rate of requests .*; try again in a minute"),
    "LimitExceededException": (errors.BackendFailedError, "a quota of KMS is used up; ask AWS for more"),
    "NotFoundException": (errors.KeyMissingError, "no such key there; check region and profile"),
    "DisabledException": (errors.BackendFailedError, "the key is disabled; enable it: aws kms enable-key"),
    "KMSInvalidStateException": (
        errors.BackendFailedError,
        "does not sign; see which: aws kms describe-key --key-id arn",
    ),
    "InvalidKeyUsageException": (errors.KeyUnsupportedError, "not one for signatures; use a key with the usage"),
    "KMSInternalException": (errors.BackendFailedError, "did not answer in time; check region"),
    "SomethingNewException": (errors.BackendFailedError, "answered Sign with SomethingNewException; see the cause"),
}


@pytest.mark.parametrize("code", FAULTS)
def test_each_error_of_kms_becomes_one_of_ours_that_says_what_to_do(
    in_stand_in: KmsBench, stand_in: KmsStandIn, code: str
) -> None:
    kind, words = FAULTS[code]
    signer = in_stand_in.signer(in_stand_in.create(KINDS["P-256"]))
    stand_in.faults["Sign"] = [Fault(code, "a message of theirs")]
    with pytest.raises(kind, match=f"key backend 'kms', key of 'Test': .*{words}"):
        signer.sign(b"message", KINDS["P-256"].algorithm())
    assert len(signer.sign(b"message", KINDS["P-256"].algorithm())) > 60  # and the signer goes on


def test_what_is_throttled_is_tried_again(stand_in: KmsStandIn) -> None:
    bench = KmsBench({"region": "eu-central-1", "endpoint_url": stand_in.url})
    signer = bench.signer(bench.create(KINDS["P-256"]))
    stand_in.faults["Sign"] = [Fault("ThrottlingException", "Rate exceeded")]
    assert signer.sign(b"message", KINDS["P-256"].algorithm())
    assert len(stand_in.requests("Sign")) == 2


def test_a_new_key_may_take_a_moment_until_it_is_known_everywhere(in_stand_in: KmsBench, stand_in: KmsStandIn) -> None:
    stand_in.faults["DescribeKey"] = [Fault("NotFoundException"), Fault("NotFoundException")]
    assert in_stand_in.signer(in_stand_in.create(KINDS["P-256"])).sign(b"message", KINDS["P-256"].algorithm())


def test_keys_on_every_page_are_looked_at(in_stand_in: KmsBench, stand_in: KmsStandIn) -> None:
    stand_in.page = 3
    ids = [os.urandom(20) for _ in range(7)]
    made = [in_stand_in.create(KINDS["P-256"], key_id) for key_id in ids]
    assert [in_stand_in.find(key_id)[0].handle for key_id in ids] == [created.handle for created in made]


def test_not_being_permitted_to_look_for_a_key_is_not_the_same_as_finding_none(
    in_stand_in: KmsBench, stand_in: KmsStandIn
) -> None:
    in_stand_in.create(KINDS["P-256"])
    stand_in.faults["ListResourceTags"] = [Fault("AccessDeniedException")]
    with pytest.raises(errors.BackendFailedError, match="does not permit ListResourceTags; allow kms:ListResourceTags"):
        in_stand_in.find(os.urandom(20))


def test_an_alias_taken_at_the_same_moment_leaves_a_key_that_is_found(
    in_stand_in: KmsBench, stand_in: KmsStandIn
) -> None:
    key_id = os.urandom(20)
    stand_in.faults["CreateAlias"] = [Fault("AlreadyExistsException")]
    with pytest.raises(errors.KeyExistsError, match="alias/root: that alias is taken"):
        in_stand_in.create(KINDS["P-256"], key_id, alias="root")
    (left,) = in_stand_in.find(key_id)
    assert in_stand_in.delete(left)
    assert stand_in.alive("eu-central-1") == 0


@pytest.mark.parametrize("alias", ["aws/root", "no spaces", "äöü"])
def test_names_that_no_alias_can_have_are_refused(in_stand_in: KmsBench, alias: str) -> None:
    with pytest.raises(errors.InputError):
        in_stand_in.create(KINDS["P-256"], alias=alias)


@pytest.mark.parametrize(
    ("missing", "kind", "words"),
    [
        (tuple(CREDENTIALS), errors.SecretMissingError, "no AWS credentials were found; set the option profile"),
        (("AWS_SECRET_ACCESS_KEY",), errors.SecretMissingError, "a part of the AWS credentials is missing"),
    ],
)
def test_missing_credentials_are_named(
    stand_in: KmsStandIn,
    monkeypatch: pytest.MonkeyPatch,
    missing: tuple[str, ...],
    kind: type[errors.AnchorholdError],
    words: str,
) -> None:
    for name in missing:
        monkeypatch.delenv(name)
    bench = KmsBench({"region": "eu-central-1", "endpoint_url": stand_in.url})
    with pytest.raises(kind, match=words):
        bench.find(os.urandom(20))


@pytest.mark.usefixtures("credentials")
def test_unknown_profiles_and_missing_regions_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for options, words in (
        ({"profile": "nobody", "region": "eu-west-1"}, "no such profile"),
        ({}, "no region is known"),
    ):
        with pytest.raises(errors.SettingsError, match=words):
            KmsBench(options).find(os.urandom(20))


def _silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.usefixtures("credentials")
def test_a_server_that_is_away_or_silent_is_an_error_and_not_an_empty_one() -> None:
    options = {"region": "eu-central-1", "max_attempts": 1, "read_timeout": 0.3}
    with pytest.raises(errors.BackendFailedError, match="KMS cannot be reached; check region, endpoint_url"):
        KmsBench(options | {"endpoint_url": "http://127.0.0.1:1"}).find(os.urandom(20))
    with listening(_silent) as port:
        bench = KmsBench(options | {"endpoint_url": f"http://127.0.0.1:{port}"})
        with pytest.raises(errors.BackendFailedError, match="did not answer in time"):
            bench.find(os.urandom(20))


def test_threads_and_a_forked_child_use_one_signer(in_stand_in: KmsBench) -> None:
    algorithm = KINDS["P-256"].algorithm()
    created = in_stand_in.create(KINDS["P-256"])
    signer = in_stand_in.signer(created)
    with ThreadPoolExecutor(4) as pool:
        signatures = list(pool.map(lambda number: signer.sign(b"%d" % number, algorithm), range(20)))
    assert all(is_signed_by(created.public_key, one, b"%d" % n, algorithm) for n, one in enumerate(signatures))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, signer.sign(b"child", algorithm))
        finally:
            os._exit(0)
    own = signer.sign(b"parent", algorithm)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        assert is_signed_by(created.public_key, pipe.read(), b"child", algorithm)
    assert is_signed_by(created.public_key, own, b"parent", algorithm)


def test_a_closed_signer_signs_nothing(in_stand_in: KmsBench, stand_in: KmsStandIn) -> None:
    signer = in_stand_in.signer(in_stand_in.create(KINDS["P-256"]))
    signer.close()
    with pytest.raises(errors.BackendFailedError, match="the signer was closed"):
        signer.sign(b"message", KINDS["P-256"].algorithm())
    assert not stand_in.requests("Sign")
