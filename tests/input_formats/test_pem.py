"""DER as PEM: as cryptography writes it, in one piece or in many."""

from __future__ import annotations

import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.x509.pem import LINE, pem_lines, pem_of

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("names", range(1, 6))
def test_a_certificate_is_written_as_cryptography_writes_it(names: int) -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x" * names)])
    key = Ed25519PrivateKey.generate()
    start, end = NOW, NOW + dt.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, end)
    certificate = builder.sign(key, None)
    assert pem_of(certificate.public_bytes(Encoding.DER)).encode() == certificate.public_bytes(Encoding.PEM)


@pytest.mark.parametrize("size", [0, 1, LINE - 1, LINE, LINE + 1, 10 * LINE])
def test_every_length_comes_back(size: int) -> None:
    content = bytes(range(256))[:size] if size < 256 else bytes(size)
    assert ssl.PEM_cert_to_DER_cert(pem_of(content)) == content


def test_pieces_make_the_same_text_as_the_whole() -> None:
    content = bytes(5 * LINE + 7)
    pieces = (content[at : at + 2 * LINE] for at in range(0, len(content), 2 * LINE))
    assert b"".join(pem_lines(pieces, "X509 CRL")).decode() == pem_of(content, "X509 CRL")
