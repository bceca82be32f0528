"""A private key is recognised however it is written."""

from __future__ import annotations

import base64
import json
import pickle
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from anchorhold import pkcs8, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.testing.private_key_search import marks, shows

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.databases(because="no ledger is opened")

KINDS: Final = ("EC", "RSA", "Ed25519", "Ed448", "ML-DSA-44")


def _pem(key: Any) -> bytes:
    return pkcs8.dump_pkcs8(key).reveal_bytes()


def _der(key: Any) -> bytes:
    octets: bytes = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return octets


FORMS: Final[dict[str, Callable[[Any], bytes]]] = {
    "PEM": _pem,
    "DER": _der,
    "hex": lambda key: b"key = " + _der(key).hex().encode(),
    "hex in capitals": lambda key: _der(key).hex().upper().encode(),
    "PEM in hex": lambda key: json.dumps({"key": _pem(key).hex()}).encode(),
    "PEM in JSON": lambda key: json.dumps({"key": _pem(key).decode()}).encode(),
    "base64 after letters": lambda key: b"abc" + base64.b64encode(_der(key)),
    "base64url": lambda key: base64.urlsafe_b64encode(_der(key)),
    "base64 of base64": lambda key: base64.b64encode(base64.b64encode(_der(key))),
    "a pickle": lambda key: pickle.dumps({"key": _der(key)}),
}


@pytest.fixture(scope="module", params=KINDS)
def key(request: pytest.FixtureRequest) -> Any:
    return software_keys.generate(key_spec(request.param))


@pytest.mark.parametrize("form", FORMS)
def test_it_is_found_in_every_form(key: Any, form: str) -> None:
    assert shows(b"some header\n" + FORMS[form](key) + b"\nsomething else", marks(key))


def test_it_is_not_found_where_it_is_encrypted_or_another_is(key: Any) -> None:
    public = key.public_key().public_bytes_raw() if hasattr(key.public_key(), "public_bytes_raw") else b""
    other = software_keys.generate(key_spec("EC"))
    assert not shows(public + _pem(other) + b"and" + b"0" * 1000, marks(key))
