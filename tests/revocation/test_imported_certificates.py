"""``import-cert``: certificates that an authority signed elsewhere, recorded so that they can be revoked here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from anchorhold import errors
from anchorhold.x509.serials import format_serial
from cli.cli_steps import certificate, good, listed, refused
from programs import openssl
from revocation.crl_steps import new_list, reasons, signed

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def _name(text: str) -> x509.Name:
    return x509.Name.from_rfc4514_string(text)


@dataclass(frozen=True)
class Elsewhere:
    """An authority that lives elsewhere, and what it signs there."""

    name: x509.Name
    key: Any
    certificate: x509.Certificate

    def sign(self, serial: int, *, key: Any = None, days: int = 90, digest: Any = None) -> x509.Certificate:
        """A certificate without extensions, as older programs made them."""
        builder = x509.CertificateBuilder(self.name, _name("CN=legacy.example"), _public(key), serial)
        builder = builder.not_valid_before(NOW - dt.timedelta(days=400)).not_valid_after(NOW + dt.timedelta(days=days))
        return builder.sign(self.key, digest or hashes.SHA256())

    def file(self, serial: int, **more: Any) -> str:
        """The same in a file."""
        return _write(f"{serial:x}.pem", self.sign(serial, **more))


def _public(key: Any) -> Any:
    return (key or ec.generate_private_key(ec.SECP256R1())).public_key()


def _write(name: str, cert: x509.Certificate) -> str:
    with open(name, "wb") as file:  # noqa: PTH123  # every test has a folder of its own
        file.write(cert.public_bytes(Encoding.PEM))
    return name


class Import(Protocol):
    """Imports an authority."""

    def __call__(self, name: str = "Legacy", serial: int = 1, issuer: Elsewhere | None = None) -> Elsewhere:
        """One with that name and serial number, signed by another or itself."""


@pytest.fixture
def imported(anchorhold: Command, tmp_path: Path) -> Import:
    """Makes authorities elsewhere and imports them with their keys."""

    def make(name: str = "Legacy", serial: int = 1, issuer: Elsewhere | None = None) -> Elsewhere:
        key, subject = rsa.generate_private_key(65537, 2048), _name(f"CN={name}")
        builder = x509.CertificateBuilder(issuer.name if issuer else subject, subject, key.public_key(), serial)
        builder = builder.not_valid_before(NOW - dt.timedelta(days=999)).not_valid_after(NOW + dt.timedelta(days=999))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = Elsewhere(subject, key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / f"{name}.key").write_bytes(pem)
        good(anchorhold("import-ca", name, f"{name}.key", _write(f"{name}.pem", made.certificate)))
        return made

    return make


def test_an_imported_certificate_is_listed_and_can_be_revoked(imported: Import, anchorhold: Command) -> None:
    legacy = imported()
    assert "02" in good(anchorhold("import-cert", legacy.file(2), "--ca=Legacy")).talk
    assert [entry["profile"] for entry in listed(anchorhold, "list-certs") if entry["serial"] == "02"] == ["imported"]
    assert certificate(anchorhold("view-cert", "02", "-f", "pem")).serial_number == 2
    good(anchorhold("revoke-cert", "02", "--reason=superseded"))
    assert reasons(new_list(anchorhold, "Legacy")) == {"02": "superseded"}


@pytest.mark.parametrize("serial", [0x7F, 0x80, 0xFF, 0x100, 1 << 158, (1 << 159) - 1])
def test_a_serial_number_of_any_length_is_in_the_list_as_it_is(
    serial: int, imported: Import, anchorhold: Command
) -> None:
    legacy = imported()
    good(anchorhold("import-cert", legacy.file(serial), "--ca=Legacy"))
    good(anchorhold("revoke-cert", format_serial(serial)))
    crl = new_list(anchorhold, "Legacy")
    assert [entry.serial_number for entry in crl] == [serial]
    (entry,) = (line for line in _openssl_text(crl).splitlines() if "Serial Number" in line)
    assert int(entry.rpartition(":")[2], 16) == serial


def _openssl_text(crl: x509.CertificateRevocationList) -> str:
    return openssl("crl", "-noout", "-text", stdin=crl.public_bytes(Encoding.PEM))


def test_a_certificate_of_another_authority_is_refused(imported: Import, anchorhold: Command) -> None:
    imported()
    stranger = imported("Stranger")
    refused(anchorhold("import-cert", stranger.file(2), "--ca=Legacy"), errors.CertificateInvalidError, "'Legacy'")
    assert [entry for entry in listed(anchorhold, "list-certs") if entry["serial"] == "02"] == []


def test_a_certificate_with_the_right_issuer_and_the_wrong_signature_is_refused(
    imported: Import, anchorhold: Command
) -> None:
    legacy = imported()
    forged = Elsewhere(legacy.name, rsa.generate_private_key(65537, 2048), legacy.certificate)
    refused(anchorhold("import-cert", forged.file(2), "--ca=Legacy"), errors.CertificateInvalidError, "'Legacy'")


def test_a_certificate_that_is_in_the_ledger_is_refused(imported: Import, anchorhold: Command, csr_file: Path) -> None:
    assert csr_file.is_file()
    legacy = imported()
    path = legacy.file(2)
    good(anchorhold("import-cert", path, "--ca=Legacy"))
    refused(anchorhold("import-cert", path, "--ca=Legacy"), errors.AuthorityExistsError, "02")
    good(anchorhold("init-ca", "Root", "CN=Root"))
    own = _write("own.pem", certificate(anchorhold("view-cert", signed(anchorhold), "-f", "pem")))
    refused(anchorhold("import-cert", own, "--ca=Root"), errors.AuthorityExistsError)


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_is_refused(content: bytes, imported: Import, anchorhold: Command) -> None:
    imported()
    outcome = anchorhold("import-cert", "-", "--ca=Legacy", stdin=content)
    refused(outcome, errors.InputError if not content else errors.CertificateInvalidError)


def test_an_authority_elsewhere_may_have_given_its_own_serial_number_to_a_leaf(
    imported: Import, anchorhold: Command
) -> None:
    """Serial numbers are unique for each issuer; this intermediate has that of an authority that is not known here."""
    key = rsa.generate_private_key(65537, 2048)
    unknown = Elsewhere(_name("CN=Unknown"), key, _root_of(key))
    intermediate = imported("Intermediate", serial=5, issuer=unknown)
    good(anchorhold("import-cert", intermediate.file(5), "--ca=Intermediate"))
    good(anchorhold("revoke-cert", "05"))
    assert reasons(new_list(anchorhold, "Intermediate")) == {"05": None}


def _root_of(key: rsa.RSAPrivateKey) -> x509.Certificate:
    builder = x509.CertificateBuilder(_name("CN=Unknown"), _name("CN=Unknown"), key.public_key(), 1)
    return builder.not_valid_before(NOW).not_valid_after(NOW + dt.timedelta(1)).sign(key, hashes.SHA256())


@pytest.mark.parametrize(
    "more",
    [
        {"key": rsa.generate_private_key(65537, 1024)},  # noqa: S505  # such as are to be revoked
        {"key": ec.generate_private_key(ec.SECP192R1())},
        {"key": x25519.X25519PrivateKey.generate()},
        {"days": -10},
        {"digest": hashes.SHA224()},
    ],
    ids=["RSA of 1024 bits", "an old curve", "a key that cannot sign", "expired", "an old hash"],
)
def test_what_would_not_be_signed_today_can_be_imported_all_the_same(
    more: dict[str, Any], imported: Import, anchorhold: Command
) -> None:
    """They are the ones that most need to be revoked."""
    legacy = imported()
    good(anchorhold("import-cert", legacy.file(2, **more), "--ca=Legacy"))
    good(anchorhold("revoke-cert", "02", "--reason=keyCompromise"))


@pytest.mark.parametrize("digest", ["md5", "sha1"])
def test_an_old_signature_of_the_authority_is_either_taken_or_refused_with_one_line(
    digest: str, imported: Import, anchorhold: Command
) -> None:
    imported()
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-subj", "/CN=old.example")
    openssl("req", "-new", *key, "-out", "leaf.csr")
    authority = ("-CA", "Legacy.pem", "-CAkey", "Legacy.key", "-set_serial", "2", f"-{digest}")
    openssl("x509", "-req", "-in", "leaf.csr", *authority, "-out", "leaf.pem")
    outcome = anchorhold("import-cert", "leaf.pem", "--ca=Legacy")
    assert outcome.exit_code in (0, errors.CertificateInvalidError.exit_code), outcome.talk


def test_two_authorities_may_have_given_the_same_serial_number(imported: Import, anchorhold: Command) -> None:
    """As each of easy-rsa or ``openssl ca`` begins with 01; ``--ca`` tells which is meant."""
    for name in ("One", "Two"):
        made = imported(name, serial=1)
        good(anchorhold("import-cert", made.file(2), f"--ca={name}"))
    good(anchorhold("revoke-cert", "02", "--ca=Two"))
    assert reasons(new_list(anchorhold, "One")) == {}
    assert reasons(new_list(anchorhold, "Two")) == {"02": None}


@pytest.mark.parametrize("digits", [42, 80])
def test_a_serial_number_beyond_twenty_octets_can_be_revoked_or_is_refused_before_it_is_recorded(
    digits: int, imported: Import, anchorhold: Command
) -> None:
    """RFC 5280 asks users of certificates to handle 20 octets; some authorities have made longer ones."""
    imported()
    serial = "7" * digits
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-subj", "/CN=long.example")
    openssl("req", "-new", *key, "-out", "leaf.csr")
    authority = ("-CA", "Legacy.pem", "-CAkey", "Legacy.key", "-set_serial", f"0x{serial}", "-sha256")
    openssl("x509", "-req", "-in", "leaf.csr", *authority, "-out", "leaf.pem")
    if anchorhold("import-cert", "leaf.pem", "--ca=Legacy").exit_code == 0:
        good(anchorhold("revoke-cert", serial))
        assert reasons(new_list(anchorhold, "Legacy")) == {serial: None}
    assert len([entry for entry in listed(anchorhold, "list-certs") if entry["serial"] == serial]) == len(
        new_list(anchorhold, "Legacy")
    )
