"""Certificates, keys and archives in the forms in which others hand them over."""

from __future__ import annotations

import base64
import subprocess
from hashlib import shake_256
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    pkcs7,
    pkcs12,
)

from anchorhold.errors import (
    CertificateInvalidError,
    KeyInvalidError,
    KeyUnsupportedError,
    SecretMissingError,
    SecretWrongError,
)
from anchorhold.pkcs8 import _encrypt, load_private_key
from anchorhold.public_keys import spki
from anchorhold.secret import Secret
from anchorhold.x509.ber import CONSTRUCTED, read_one, sequence
from anchorhold.x509.certificates import load_certificate, load_certificates, load_pkcs12, select_certificate
from anchorhold.x509.der import tlv
from anchorhold.x509.kdf_cost import MAX_ITERATIONS
from input_formats import made

if TYPE_CHECKING:
    from collections.abc import Callable

CA = made.extension("2.5.29.19", sequence(tlv(1, b"\xff")), tlv(1, b"\xff"))
DER = made.certificate(made.DEVICE, CA)
LOADED = x509.load_der_x509_certificate(DER)
PEM = LOADED.public_bytes(Encoding.PEM)
FORMS: dict[str, bytes] = {
    "PKCS#7": pkcs7.serialize_certificates([LOADED], Encoding.DER),
    "PKCS#7 in PEM": pkcs7.serialize_certificates([LOADED], Encoding.PEM),
    "UTF-16": b"\xff\xfe" + PEM.decode().encode("utf-16-le"),
    "UTF-16 without a mark": PEM.decode().encode("utf-16-be"),
    "a byte-order mark": b"\xef\xbb\xbf" + PEM.replace(b"\n", b"\r\n"),
    "bare base64": base64.b64encode(DER),
    "a line break behind DER": DER + b"\n",
    "a trusted certificate": b"-----BEGIN TRUSTED CERTIFICATE-----\n"
    + base64.encodebytes(DER + b"\x30\x00")
    + b"-----END TRUSTED CERTIFICATE-----\n",
    "text before it": b"Certificate:\n    Data\n" + PEM,
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_a_certificate_is_read_as_it_is_handed_over(data: bytes) -> None:
    assert load_certificate(data).public_bytes(Encoding.DER) == DER


def test_the_certificate_of_a_key_is_found_in_a_chain() -> None:
    other = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=other"],
        capture_output=True,
        check=True,
    ).stdout
    found = load_certificates(other + PEM)
    assert select_certificate(found, spki(made.KEY.public_key())) == LOADED


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: made.request(), "is a certificate signing request, not"),
        (lambda: DER[:-5], "cut short"),
        (lambda: made.certificate(version=3), "version"),
        (lambda: made.certificate(made.name(made.attribute("2.5.4.3", 0x41, b"my_ca"))), "invalid|unexpected"),
    ],
)
def test_what_is_no_certificate_is_refused_with_its_cause(data: Callable[[], bytes], words: str) -> None:
    with pytest.raises(CertificateInvalidError, match=words):
        load_certificate(data())


def _indefinite(data: bytes, depth: int) -> bytes:
    """DER with indefinite lengths down to a depth, as NSS writes it."""
    value = read_one(data)
    if not depth or not value.tag & CONSTRUCTED:
        return data
    return bytes([value.tag, 0x80]) + b"".join(_indefinite(each.raw, depth - 1) for each in value.members) + b"\0\0"


def test_pkcs12_in_ber_is_read_and_one_cut_short_is_said_to_be() -> None:
    der = pkcs12.serialize_key_and_certificates(b"ca", made.KEY, LOADED, None, BestAvailableEncryption(b"secret"))
    for depth in (1, 2, 3):
        key, certificate = load_pkcs12(_indefinite(der, depth), Secret("secret"), "file")
        assert (spki(key.public_key()), certificate) == (made.KEY_INFO, LOADED)
    with pytest.raises(CertificateInvalidError, match="cut short"):
        load_pkcs12(der[:-20], Secret("secret"), "file")
    with pytest.raises(SecretWrongError):
        load_pkcs12(der, Secret("other"), "file")
    with pytest.raises(SecretMissingError):
        load_pkcs12(der, None, "file")


def test_pkcs12_with_a_name_in_latin_1_is_read() -> None:
    name = made.name(made.attribute("2.5.4.10", made.T61, "Müller".encode("latin-1")))
    der = made.certificate(name, CA)
    data = pkcs12.serialize_key_and_certificates(
        b"ca", made.KEY, x509.load_der_x509_certificate(der), None, BestAvailableEncryption(b"secret")
    )
    _, certificate = load_pkcs12(data, Secret("secret"), "file")
    assert certificate.public_bytes(Encoding.DER) == der
    assert certificate.subject.rfc4514_string() == "O=Müller"


SEED = bytes(range(32))
ML_DSA = mldsa.MLDSA44PrivateKey.from_seed_bytes(SEED)
PUBLIC = ML_DSA.public_key().public_bytes_raw()
EXPANDED = PUBLIC[:32] + bytes(32) + shake_256(PUBLIC).digest(64) + bytes(2560 - 128)


def _ml_dsa(inner: bytes) -> bytes:
    return sequence(tlv(2, b"\0"), sequence(made.oid("2.16.840.1.101.3.4.3.17")), tlv(4, inner))


BOTH = _ml_dsa(sequence(tlv(4, SEED), tlv(4, EXPANDED)))


@pytest.mark.parametrize("encrypted", [False, True])
def test_an_ml_dsa_key_with_seed_and_expanded_key_is_read(encrypted: bool) -> None:
    password = Secret("secret") if encrypted else None
    for der, error in (
        (BOTH, None),
        (_ml_dsa(tlv(4, EXPANDED)), KeyUnsupportedError),
        (_ml_dsa(sequence(tlv(4, bytes(32)), tlv(4, EXPANDED))), KeyInvalidError),
    ):
        data = _encrypt(der, password) if password else der
        if error is None:
            assert load_private_key(data, password, "key").public_key() == ML_DSA.public_key()
            continue
        with pytest.raises(error):
            load_private_key(data, password, "key")


@pytest.mark.parametrize("usual", [True, False])
def test_a_key_that_asks_for_absurd_work_is_refused_before_it_is_done(*, usual: bool) -> None:
    """In the form in which keys are written here, which names the hash function, and in another one."""
    function = [sequence(made.oid("1.2.840.113549.2.9"), tlv(5, b""))] if usual else []
    salted = sequence(tlv(4, bytes(16)), tlv(2, (MAX_ITERATIONS + 1).to_bytes(4)), *function)
    derivation = sequence(made.oid("1.2.840.113549.1.5.12"), salted)
    cipher = sequence(made.oid("2.16.840.1.101.3.4.1.42"), tlv(4, bytes(16)))
    scheme = sequence(made.oid("1.2.840.113549.1.5.13"), sequence(derivation, cipher))
    with pytest.raises(KeyInvalidError, match="rounds"):
        load_private_key(sequence(scheme, tlv(4, bytes(48))), Secret("secret"), "key")
