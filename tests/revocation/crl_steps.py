"""What the tests of revocation share: certificates to revoke, and lists as another library reads them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from anchorhold import Order
from anchorhold.ledger import Reservation
from anchorhold.x509.serials import format_serial
from cli.cli_steps import certificate, good

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anchorhold import Authority, Installation
    from conftest import Command

SIGN = ("--csr=example.csr", "-f", "pem")


def signed(anchorhold: Command, ca: str = "Root", name: str = "host.example.com") -> str:
    """The serial number of a new certificate, as the ledger has it; the request is in ``example.csr``."""
    return format_serial(certificate(anchorhold("sign-cert", f"--ca={ca}", f"--alt={name}", *SIGN)).serial_number)


def leaf(installation: Installation, authority: str | Authority, csr: bytes) -> x509.Certificate:
    """A new certificate of an authority."""
    with installation.certificates.issuer(authority) as issuer:
        return issuer.sign(Order(csr=csr, names=["host.example.com"])).certificate


def serial_of(cert: x509.Certificate) -> str:
    """Its serial number as the ledger has it."""
    return format_serial(cert.serial_number)


def legacy(*, crl_sign: bool | None) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A root made elsewhere, whose certificate is for signing lists, is not, or does not say."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name.from_rfc4514_string("CN=Legacy")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=9))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if crl_sign is not None:
        usage = x509.KeyUsage(True, False, False, False, False, True, crl_sign, False, False)
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(key, hashes.SHA256()), key


def record(installation: Installation, serial: str, life: dt.timedelta = dt.timedelta(days=90)) -> None:
    """A certificate of ``Root`` that only the ledger knows."""
    now = dt.datetime.now(dt.UTC)
    row = installation.authorities.get("Root").record.id
    intent = Reservation(
        serial=serial,
        profile="webserver",
        subject="CN=x",
        names=(),
        not_before=now - dt.timedelta(days=90),
        not_after=now + life,
        tbs=b"",
    )
    with installation.ledger.transaction():
        installation.ledger.certificates.record(row, intent, b"not read here")


def new_list(anchorhold: Command, ca: str = "Root", *more: str) -> x509.CertificateRevocationList:
    """The list that an authority makes now, by default the full one."""
    good(anchorhold("generate-crls", ca))
    return x509.load_der_x509_crl(good(anchorhold("dump-crl", ca, "-f", "der", *more)).data)


def made_by(installation: Installation, authority: str | Authority) -> list[x509.CertificateRevocationList]:
    """All lists that an authority makes now: the full one, then those of its shards."""
    return [x509.load_der_x509_crl(made.der) for made in installation.crls.generate(authority)]


def entries(crl: x509.CertificateRevocationList) -> dict[str, x509.RevokedCertificate]:
    """Its entries by serial number."""
    found = {format_serial(entry.serial_number): entry for entry in crl}
    assert len(found) == len(crl), "a serial number is there twice"
    return found


def reasons(crl: x509.CertificateRevocationList) -> dict[str, str | None]:
    """The reason of each entry by serial number; None where none is given."""
    return {serial: _extension(entry, x509.CRLReason) for serial, entry in entries(crl).items()}


def _extension(entry: x509.RevokedCertificate, kind: type[x509.CRLReason]) -> str | None:
    try:
        return entry.extensions.get_extension_for_class(kind).value.reason.value
    except x509.ExtensionNotFound:
        return None


def write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Files in a folder."""
    for name, content in contents.items():
        (folder / name).write_bytes(content)
