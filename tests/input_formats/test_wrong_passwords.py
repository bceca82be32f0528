"""A wrong password is told from a damaged key, and by chance neither is taken for the other."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from anchorhold import pkcs8, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.errors import KeyInvalidError, SecretWrongError
from anchorhold.secret import Secret
from anchorhold.testing.fast_kdf import fast_kdf

if TYPE_CHECKING:
    from collections.abc import Iterator

RIGHT = Secret("right")


@pytest.fixture(scope="module", params=["EC", "RSA", "ML-DSA-65"])
def encrypted(request: pytest.FixtureRequest) -> Iterator[bytes]:
    """A key, encrypted, in DER."""
    with fast_kdf():
        pem = pkcs8.dump_pkcs8(software_keys.generate(key_spec(request.param)), RIGHT).reveal_bytes()
        yield base64.b64decode(b"".join(pem.splitlines()[1:-1]))


def test_of_a_thousand_wrong_passwords_each_is_said_to_be_wrong(encrypted: bytes) -> None:
    """The filling of the last block fits for four of them."""
    for number in range(1000):
        with pytest.raises(SecretWrongError, match="the password is wrong"):
            pkcs8.load_private_key(encrypted, Secret(f"wrong {number}"), "key")


def test_a_damaged_key_is_not_said_to_have_a_wrong_password(encrypted: bytes) -> None:
    damaged = bytearray(encrypted)
    damaged[-1] ^= 0x55  # in the last block, so that its filling does not fit
    with pytest.raises(KeyInvalidError, match="the password is correct"):
        pkcs8.load_private_key(bytes(damaged), RIGHT, "key")
