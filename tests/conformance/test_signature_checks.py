"""A signature is checked the same whether the message or its digest is at hand."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import anchorhold
from anchorhold.algorithms import HASHES, Algorithm, KeySpec, key_spec
from anchorhold.public_keys import digest_of, is_signed_by
from anchorhold.software_keys import SoftwareSigner, generate

pytestmark = pytest.mark.databases(because="keys and signatures only")

EC, RSA = key_spec("EC"), key_spec("RSA", 2048)
WAYS = [
    *((EC, EC.algorithm(name)) for name in HASHES),
    *((RSA, RSA.algorithm(name, padding)) for name in HASHES for padding in ("pkcs1v15", "pss")),
    *((key_spec(kind), key_spec(kind).algorithm()) for kind in ("Ed25519", "Ed448", "ML-DSA-44")),
]


@pytest.fixture(scope="module")
def signers() -> dict[KeySpec, SoftwareSigner]:
    return {spec: SoftwareSigner(generate(spec)) for spec, _ in WAYS}


@pytest.mark.parametrize(("spec", "algorithm"), WAYS, ids=lambda value: str(value))
def test_with_and_without_the_digest(
    spec: KeySpec, algorithm: Algorithm, signers: dict[KeySpec, SoftwareSigner]
) -> None:
    signer = signers[spec]
    good, bad = signer.sign(b"a list", algorithm), signer.sign(b"another list", algorithm)
    digest = digest_of(b"a list", algorithm)
    assert (digest is None) == (algorithm.hash is None)
    for known in (None, digest):
        assert is_signed_by(signer.public_key, good, b"a list", algorithm, known)
        assert not is_signed_by(signer.public_key, bad, b"a list", algorithm, known)


def test_what_backends_sign_is_verified_in_one_place() -> None:
    package = Path(anchorhold.__file__).parent
    calling = {
        file.relative_to(package).parts[-1]
        for file in package.rglob("*.py")
        if "testing" not in file.relative_to(package).parts
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "is_signed_by"
    }
    assert calling == {"signing.py"}
