"""Authorities made elsewhere: keys and certificates to import, also expired ones and ones that are none."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.timedelta(days=1)


def foreign_ca(
    folder: Path, name: str = "foreign", *, ca: bool = True, days: int = 100, since: int = -1, password: str = ""
) -> tuple[Path, Path]:
    """Write the key and the certificate of a self-signed authority; returns both paths.

    Args:
        folder: Where.
        name: Of the files and of the subject.
        ca: Whether basicConstraints says that it is an authority.
        days: When it expires, from now; negative for an expired one.
        since: When it became valid, in days from now.
        password: Encrypts the key.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        subject,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now + min(since, days - 1) * DAY,
        now + days * DAY,
    ).add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    lock: KeySerializationEncryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    paths = folder / f"{name}.key.pem", folder / f"{name}.cert.pem"
    paths[0].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    paths[1].write_bytes(certificate.public_bytes(Encoding.PEM))
    return paths
