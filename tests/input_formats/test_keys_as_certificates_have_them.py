"""Keys of authorities are identified by the octets in their certificates, as others see them, not as encoded anew."""

from __future__ import annotations

from hashlib import sha1
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from anchorhold import Order
from anchorhold.x509.ber import sequence
from anchorhold.x509.certificates import load_certificate
from anchorhold.x509.der import tlv
from anchorhold.x509.ocsp import issuer_hashes
from anchorhold.x509.pem import pem_of
from conformance.chains import installation_in
from input_formats import made
from input_formats.test_names_of_old_authorities import CA, READ
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeCsr

POINT: Final = made.KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
COMPRESSED: Final = sequence(
    sequence(made.oid("1.2.840.10045.2.1"), made.oid("1.2.840.10045.3.1.7")), tlv(3, b"\0" + POINT)
)
"""The same key, in half as many octets."""


@pytest.mark.parametrize("name", [made.DEVICE, READ["Latin-1 in T61"][0]], ids=["plain", "T61"])
def test_a_compressed_point_is_what_its_identifiers_are_made_of(name: bytes, make_csr: MakeCsr, tmp_path: Path) -> None:
    """RFC 5280, section 4.2.1.1; RFC 6960, section 4.1.1. The authority has no subject key identifier of its own."""
    der = made.certificate(name, *CA, key_info=COMPRESSED)
    (tmp_path / "ca.pem").write_text(pem_of(der))
    with installation_in(tmp_path) as house:
        authority = house.authorities.import_("Compressed", load_certificate(der), made.KEY)
        with house.certificates.issuer("Compressed") as issuer:
            leaf = issuer.sign(Order(csr=make_csr(), names=["a.example.com"])).certificate
        (crl,) = house.crls.generate(authority)
        hashed = issuer_hashes(authority.certificate)
        names = {algorithm: (subject.hex(), key.hex()) for algorithm, subject, key in hashed}
    for signed in (leaf, x509.load_der_x509_crl(crl.der) if name == made.DEVICE else leaf):
        found = signed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        assert found.key_identifier == sha1(POINT, usedforsecurity=False).digest()
    (tmp_path / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    said = openssl("x509", "-noout", "-ocspid", "-in", tmp_path / "ca.pem").lower().split()
    assert names["sha1"] == (said[3], said[-1])
    assert openssl("verify", "-CAfile", tmp_path / "ca.pem", tmp_path / "leaf.pem").endswith(": OK\n")
