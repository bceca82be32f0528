"""Keys made in a token sign in every way the token has, and what it has not is refused with what it has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from anchorhold.algorithms import KeySpec
from anchorhold.publickeys import is_signed_by, spec_of, spki

if TYPE_CHECKING:
    from hsm.softhsm import Bench

OFFERED = (
    KeySpec(type="RSA", size=2048),
    *(KeySpec(type="EC", curve=curve) for curve in ("secp224r1", "secp256r1", "secp384r1", "secp521r1", "secp256k1")),
    KeySpec(type="Ed25519"),
    KeySpec(type="Ed448"),
)


@pytest.mark.parametrize("spec", OFFERED, ids=str)
def test_a_key_of_every_offered_kind_signs(bench: Bench, spec: KeySpec) -> None:
    created = bench.create(spec)
    assert spec_of(created.public_key) == spec
    signer = bench.signer(created)
    assert spki(signer.public_key) == spki(created.public_key)
    message = os.urandom(100)
    assert is_signed_by(created.public_key, signer.sign(message, spec.algorithm()), message, spec.algorithm())
    signer.close()
