"""Keys made in a token sign in every way the token has, and what it has not is refused with what it has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from pkcs11 import Mechanism

from anchorhold import errors
from anchorhold.algorithms import CURVES, HASHES, Algorithm, KeySpec, key_spec
from anchorhold.plugin import CreateKeyRequest
from anchorhold.public_keys import is_signed_by, spec_of, spki
from anchorhold_hsm import signer, signing_mechanisms
from hsm.softhsm import CA

if TYPE_CHECKING:
    from hsm.softhsm import Bench, SoftHsm

OFFERED = (
    KeySpec(type="RSA", size=2048),
    *(KeySpec(type="EC", curve=curve) for curve in CURVES),
    KeySpec(type="Ed25519"),
    KeySpec(type="Ed448"),
)


@pytest.mark.parametrize("spec", OFFERED, ids=str)
def test_a_key_of_every_offered_kind_signs(bench: Bench, spec: KeySpec) -> None:
    created = bench.create(spec)
    assert spec_of(created.public_key) == spec
    lent = bench.signer(created)
    assert spki(lent.public_key) == spki(created.public_key)
    message = os.urandom(100)
    assert is_signed_by(created.public_key, lent.sign(message, spec.algorithm()), message, spec.algorithm())
    lent.close()


ALGORITHMS = [
    *(("EC", Algorithm(scheme="ecdsa", hash=name)) for name in HASHES),
    *(("RSA", Algorithm(scheme=scheme, hash=name)) for scheme in ("rsa-pkcs1v15", "rsa-pss") for name in HASHES),
]


@pytest.mark.parametrize(("kind", "algorithm"), ALGORITHMS, ids=str)
def test_every_hash_and_padding_works_also_where_the_token_has_no_mechanism_for_it(
    bench: Bench, kind: str, algorithm: Algorithm
) -> None:
    created = bench.create(key_spec(kind, 2048 if kind == "RSA" else None))
    lent = bench.signer(created)
    for message in (b"", os.urandom(1000)):  # the second time the way that worked is known
        assert is_signed_by(created.public_key, lent.sign(message, algorithm), message, algorithm)


@pytest.mark.parametrize("spec", [key_spec("ML-DSA-44"), key_spec("ML-DSA-65"), key_spec("ML-DSA-87")], ids=str)
def test_what_the_token_does_not_make_is_refused_with_what_it_makes(
    bench: Bench, softhsm: SoftHsm, spec: KeySpec
) -> None:
    with pytest.raises(errors.KeyUnsupportedError, match=f"token 'one'.* does not make {spec} keys") as caught:
        bench.create(spec)
    offered = caught.value.hint.removeprefix("it offers: ").split(", ")
    assert {"RSA 2048 to 8192", "EC secp256r1", "EC secp521r1", "Ed25519"} <= set(offered)
    assert str(spec) not in offered
    assert softhsm.objects() == 0


def test_a_signature_the_token_does_not_make_is_refused_with_the_mechanisms_it_lists(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = signing_mechanisms.SigningMechanism(Mechanism.ECDSA_SHA512, None, lambda message, _: message, bytes)
    instead = signing_mechanisms.SigningMechanisms((unknown, unknown))
    monkeypatch.setattr(signer, "mechanisms_for", lambda _: instead)
    lent = bench.signer(bench.create(key_spec("EC")))
    with pytest.raises(errors.KeyUnsupportedError, match=r"token 'one', key 'Test'.*ECDSA_SHA512: Mechanism") as caught:
        lent.sign(b"", key_spec("EC").algorithm())
    assert "ECDSA" in caught.value.hint.split(": ")[1].split(", ")


def test_a_key_is_never_used_as_what_it_is_not(bench: Bench) -> None:
    lent = bench.signer(bench.create(key_spec("EC")))
    with pytest.raises(errors.KeyUnsupportedError, match=r"key 'Test'.*rsa-pss with SHA-256"):
        lent.sign(b"", Algorithm(scheme="rsa-pss", hash="SHA-256"))


def test_a_key_is_private_sensitive_never_extractable_and_carries_the_id_of_core(
    bench: Bench, softhsm: SoftHsm
) -> None:
    key_id = os.urandom(20)
    bench.create(key_spec("EC"), "mine", key_id)
    shown = softhsm.tool("--list-objects", "--type", "privkey")
    assert key_id.hex() in shown
    access = next(line for line in shown.splitlines() if "Access:" in line)
    assert {"sensitive", "always sensitive", "never extractable", "local"} <= set(
        access.split(":")[1].strip().split(", ")
    )
    assert "privkey" not in softhsm.tool("--list-objects", pin=None).lower().replace("private key", "privkey")


def test_the_label_is_the_name_of_the_ca_unless_told_otherwise(bench: Bench, softhsm: SoftHsm) -> None:
    bench.create(key_spec("EC"))
    bench.create(key_spec("EC"), "Schlüssel 1")
    assert softhsm.private_labels() == ["Schlüssel 1", "Test"]


@pytest.mark.parametrize("maker", ["ours", "another program"])
def test_a_label_that_any_private_key_has_is_refused(bench: Bench, softhsm: SoftHsm, maker: str) -> None:
    if maker == "ours":
        bench.create(key_spec("EC"), "taken")
    else:
        softhsm.tool("--keypairgen", "--key-type", "rsa:2048", "--label", "taken", "--id", "01")
        softhsm.tool("--delete-object", "--type", "pubkey", "--id", "01")
    before = softhsm.objects()
    with pytest.raises(errors.KeyExistsError, match=r"token 'one'.*'taken'"):
        bench.create(key_spec("EC"), "taken")
    assert softhsm.objects() == before


@pytest.mark.parametrize("label", ["", " ", "a\nb", "a\0b"])
def test_a_label_that_cannot_be_shown_is_refused(bench: Bench, softhsm: SoftHsm, label: str) -> None:
    with pytest.raises(errors.InputError, match="key label"):
        bench.create(key_spec("EC"), label)
    assert softhsm.objects() == 0


def test_keys_of_ocsp_responders_follow_one_another_under_labels_of_their_own(bench: Bench, softhsm: SoftHsm) -> None:
    for _ in range(2):
        request = CreateKeyRequest(
            key_id=os.urandom(20), spec=key_spec("EC"), ca=CA, role="ocsp", options={"key-label": None}
        )
        bench.backend.create_key(request, bench.secrets)
    labels = softhsm.private_labels()
    assert len(set(labels)) == 2
    assert all(label.startswith("Test ocsp ") for label in labels)


def test_a_closed_signer_signs_no_more(bench: Bench) -> None:
    lent = bench.signer(bench.create(key_spec("EC")))
    lent.close()
    with pytest.raises(errors.BackendFailedError, match="closed"):
        lent.sign(b"", key_spec("EC").algorithm())
