"""Requests that are nearly DER, are read; what is not asked for blocks nothing; what is refused has its reason."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import CertificateSigningRequestBuilder, DNSName, Name

from anchorhold.errors import RequestInvalidError, RequestSignatureError
from anchorhold.x509.ber import sequence
from anchorhold.x509.csr import load_csr
from anchorhold.x509.der import tlv
from anchorhold.x509.names import format_name
from input_formats import made

if TYPE_CHECKING:
    from collections.abc import Callable

CHALLENGE = sequence(made.oid("1.2.840.113549.1.9.7"), tlv(0x31, tlv(made.UTF8, b"secret1234")))
FALSE, ODD_TRUE = tlv(1, b"\0"), tlv(1, b"\1")
UPPER = made.extension("2.5.29.19", sequence(FALSE))
ALT = sequence(tlv(0x82, b"dev.example.com"))
NEARLY: dict[str, bytes] = {
    "no attributes": made.request(attributes=None),
    "attributes out of order": made.request(attributes=CHALLENGE + made.asked(made.SAN)),
    "critical FALSE": made.request(attributes=made.asked(made.extension("2.5.29.17", ALT, FALSE))),
    "critical TRUE as 1": made.request(attributes=made.asked(made.extension("2.5.29.17", ALT, ODD_TRUE))),
    "cA FALSE": made.request(attributes=made.asked(UPPER, made.SAN)),
    "ECDSA with NULL": made.request(algorithm=sequence(made.oid("1.2.840.10045.4.3.2"), tlv(5, b""))),
    "two extension requests": made.request(
        attributes=made.asked(UPPER) + made.asked(made.SAN, kind="1.3.6.1.4.1.311.2.1.14")
    ),
    "an extension twice alike": made.request(attributes=made.asked(made.SAN, made.SAN)),
    "a compressed point": made.request(
        key_info=sequence(
            sequence(made.oid("1.2.840.10045.2.1"), made.oid("1.2.840.10045.3.1.7")),
            tlv(3, b"\0" + made.KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)),
        )
    ),
    "a line break behind DER": made.request() + b"\r\n",
    "UTF-16": made.request()
    and f"\ufeff-----BEGIN CERTIFICATE REQUEST-----\r\n{base64.encodebytes(made.request()).decode()}"
    "-----END CERTIFICATE REQUEST-----\r\n".encode("utf-16-le"),
    "bare base64": base64.encodebytes(made.request()),
}


@pytest.mark.parametrize("data", NEARLY.values(), ids=NEARLY)
def test_a_request_that_is_nearly_der_is_read_and_its_signature_verified(data: bytes) -> None:
    assert format_name(load_csr(data).subject) == "CN=dev.example.com"


@pytest.mark.parametrize("form", [form for form in NEARLY if form.startswith(("critical", "cA", "two", "an ext"))])
def test_the_names_of_one_that_is_nearly_der_can_be_copied(form: str) -> None:
    assert load_csr(NEARLY[form]).alternative_names == (DNSName("dev.example.com"),)


@pytest.mark.parametrize(
    ("tag", "octets", "text"),
    [
        (made.PRINTABLE, b"Smith & Sons", "Smith & Sons"),
        (made.PRINTABLE, b"*.example.com", "*.example.com"),
        (made.T61, "Müller".encode("latin-1"), "Müller"),
        (made.IA5, "Müller".encode("latin-1"), "Müller"),
        (0x1E, "Müller".encode("utf-16-be"), "Müller"),
        (0x1C, "Müller".encode("utf-32-be"), "Müller"),
    ],
)
def test_a_name_in_a_string_type_that_cannot_hold_it_is_read(tag: int, octets: bytes, text: str) -> None:
    (found,) = load_csr(made.request(made.name(made.attribute("2.5.4.10", tag, octets)))).subject
    assert found.value == text


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "an X.400 address": (made.asked(made.extension("2.5.29.17", sequence(tlv(0xA3, b"")))), "x400"),
    "names that are cut short": (made.asked(made.extension("2.5.29.17", b"\x30\x20\x82")), "short"),
    "names twice, not alike": (
        made.asked(made.SAN, made.extension("2.5.29.17", sequence(tlv(0x82, b"b.example")))),
        "twice",
    ),
    "an attribute that is none": (tlv(2, b"\1"), "octet"),
}


@pytest.mark.parametrize(("attributes", "word"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_refused_with_its_reason_by_who_copies_it_alone(attributes: bytes, word: str) -> None:
    request = load_csr(made.request(attributes=attributes))
    assert not request.readable_names
    with pytest.raises(RequestInvalidError, match=f"(?i){word}"):
        _ = request.alternative_names


def test_a_subject_that_cannot_be_read_blocks_who_copies_it_alone() -> None:
    request = load_csr(made.request(made.name(made.attribute("2.5.4.3", 0x30, b""))))
    with pytest.raises(RequestInvalidError, match="not a string"):
        _ = request.subject


@pytest.mark.parametrize("version", [1, 2])
def test_a_request_of_another_version_is_refused_with_the_version(version: int) -> None:
    with pytest.raises(RequestInvalidError, match=f"version {version}"):
        load_csr(made.request(version=version))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: made.certificate(), "is a certificate, not"),
        (lambda: made.request()[:-9], "cut short: the value at octet 0"),
        (lambda: b"please", "neither PEM nor DER"),
        (lambda: b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA", "-----END CERTIFICATE REQUEST----- is missing"),
        (lambda: b"-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n", "is a private key, not"),
    ],
)
def test_what_is_no_request_is_said_to_be_what_it_is(data: Callable[[], bytes], words: str) -> None:
    with pytest.raises(RequestInvalidError, match=words):
        load_csr(data())


def test_the_hash_is_named_where_it_is_the_reason_and_sha1_shows_who_has_the_key() -> None:
    key = rsa.generate_private_key(65537, 2048)
    info = CertificateSigningRequestBuilder(Name([])).sign(key, hashes.SHA256()).tbs_certrequest_bytes
    for digest, number in ((hashes.SHA1(), 5), (hashes.MD5(), 4)):  # noqa: S303
        from cryptography.hazmat.primitives.asymmetric import padding

        algorithm = sequence(made.oid(f"1.2.840.113549.1.1.{number}"), tlv(5, b""))
        csr = sequence(info, algorithm, tlv(3, b"\0" + key.sign(info, padding.PKCS1v15(), digest)))
        if number == 5:
            load_csr(csr)
        else:
            with pytest.raises(RequestSignatureError, match="MD5"):
                load_csr(csr)
