"""An authority that signs elsewhere, too."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from anchorhold import software_keys
from anchorhold.algorithms import key_spec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from anchorhold.software_keys import PrivateKey


def foreign_authority(name: str) -> tuple[x509.Certificate, PrivateKey]:
    """A root made by another program, with its key."""
    key = software_keys.generate(key_spec("EC"))
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = _builder(own, own, days=3650).public_key(key.public_key())
    for extension, critical in (
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (usage, True),
        (identifier, False),
    ):
        builder = builder.add_extension(extension, critical)
    return builder.sign(_ec(key), hashes.SHA256()), key


def foreign_certificate(issuer: x509.Certificate, key: PrivateKey) -> x509.Certificate:
    """What it has signed elsewhere."""
    names = x509.SubjectAlternativeName([x509.DNSName("elsewhere.example.com")])
    builder = _builder(issuer.subject, x509.Name([]), days=30).public_key(
        software_keys.generate(key_spec("EC")).public_key()
    )
    return builder.add_extension(names, critical=True).sign(_ec(key), hashes.SHA256())


def _builder(issuer: x509.Name, subject: x509.Name, days: int) -> x509.CertificateBuilder:
    begin = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    builder = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(begin).not_valid_after(begin + dt.timedelta(days=days))


def _ec(key: PrivateKey) -> EllipticCurvePrivateKey:
    return cast("EllipticCurvePrivateKey", key)
