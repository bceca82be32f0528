"""What can be imported can be shown, revoked and answered for, or is refused before anything is recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha1
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509

from anchorhold import errors
from anchorhold.x509.ber import sequence
from anchorhold.x509.der import tlv
from anchorhold.x509.lenient_certificates import key_bits
from anchorhold.x509.pem import pem_of
from cli.cli_steps import good, listed, refused
from input_formats import made
from input_formats.test_names_of_old_authorities import CA
from programs import openssl
from server.serving import running

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

SAN, USAGE = "2.5.29.17", "2.5.29.15"
NAME: Final = made.name(made.attribute("2.5.4.3", made.UTF8, b"Old CA"))
FALSE, TRUE = b"\x01\x01\x00", b"\x01\x01\xff"
SERIALS: Final = {
    "-05": b"\xfb",
    "-80": b"\x80",
    "-012c": b"\xfe\xd4",
    f"-01{'00' * 50}": b"\xff" + bytes(50),
    "00": b"\0",
    "0250": b"\2\x50",
    "02": b"\2",
    "ff" * 20: b"\0" + b"\xff" * 20,
    "7f" * 41: b"\x7f" * 41,
    "7f" * 1024: b"\x7f" * 1024,
}
"""Serial numbers as the ledger has them, and as certificates do."""
ODD: Final[dict[str, tuple[bytes, ...]]] = {
    "31": (made.extension(SAN, sequence(tlv(0x87, b"12345"))),),  # an address of five octets
    "32": (made.extension(USAGE, b"no DER", TRUE),),
    "33": (made.extension(SAN, sequence(tlv(0x82, b"a.example")), FALSE),),
    "34": (made.SAN, made.SAN),
    "35": (made.extension(SAN, sequence(tlv(0x82, b"a\0.example"))),),
    "36": (made.extension(SAN, sequence(tlv(0xA3, sequence()))),),  # an x400Address
}
"""Extensions that are not read, by the serial numbers of the certificates that have them."""


def asking(serial: bytes) -> bytes:
    """An OCSP request."""
    hashed = (sha1(octets, usedforsecurity=False).digest() for octets in (NAME, key_bits(made.KEY_INFO)))
    algorithm = tlv(0x30, bytes.fromhex("06052b0e03021a0500"))
    named = sequence(algorithm, *(tlv(4, each) for each in hashed), tlv(2, serial))
    return sequence(sequence(sequence(sequence(named))))


@pytest.mark.databases("sqlite", because="test_certificates_book keeps such rows in each")
def test_what_is_imported_is_shown_revoked_and_answered_for(anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_bytes(made.KEY_PEM)
    (tmp_path / "ca.pem").write_text(pem_of(made.certificate(NAME, *CA, serial=b"\xf7")))
    good(anchorhold("import-ca", "Old", "ca.key", "ca.pem"))
    serials = {**SERIALS, **{serial: bytes.fromhex(serial) for serial in ODD}}
    for serial, octets in serials.items():
        leaf = made.certificate(made.DEVICE, *ODD.get(serial, ()), serial=octets, issuer=NAME)
        good(anchorhold("import-cert", "-", "--ca=Old", stdin=leaf))
        assert serial in good(anchorhold("view-cert", "-f", "text", "--", serial)).text
        assert json.loads(good(anchorhold("view-cert", "-f", "json", "--", serial)).data)["serial"] == serial
        assert good(anchorhold("view-cert", "-f", "der", "--", serial)).data == leaf
        refused(anchorhold("import-cert", "-", "--ca=Old", stdin=leaf), errors.AuthorityExistsError)
    revoked = {serial for number, serial in enumerate(serials) if number % 2}
    for serial in revoked:
        good(anchorhold("revoke-cert", "--reason=superseded", "--", serial))
    good(anchorhold("generate-crls", "Old"))
    crl = good(anchorhold("dump-crl", "Old", "-f", "pem")).data
    text = openssl("crl", "-noout", "-text", stdin=crl).replace("\\\n", "")
    said = {line.split()[-1].lower() for line in text.splitlines() if "Serial Number" in line}
    assert said == revoked
    assert len(x509.load_pem_x509_crl(crl)) == len(revoked)
    good(anchorhold("regenerate-ocsp-keys", "Old"))
    with running(tmp_path) as server:
        answers = {serial: server.status(asking(octets)) for serial, octets in serials.items()}
    assert answers == {serial: "REVOKED" if serial in revoked else "GOOD" for serial in serials}


def test_a_serial_number_that_no_request_can_have_is_refused_before_it_is_recorded(
    anchorhold: Command, tmp_path: Path
) -> None:
    (tmp_path / "ca.key").write_bytes(made.KEY_PEM)
    (tmp_path / "ca.pem").write_text(pem_of(made.certificate(NAME, *CA, serial=b"\x7f" * 1025)))
    refused(anchorhold("import-ca", "Old", "ca.key", "ca.pem"), errors.CertificateInvalidError, "1024 octets")
    assert listed(anchorhold) == []
    (tmp_path / "ca.pem").write_text(pem_of(made.certificate(NAME, *CA)))
    good(anchorhold("import-ca", "Old", "ca.key", "ca.pem"))
    before = listed(anchorhold, "list-certs")
    leaf = made.certificate(made.DEVICE, serial=b"\x7f" * 1025, issuer=NAME)
    outcome = anchorhold("import-cert", "-", "--ca=Old", stdin=leaf)
    refused(outcome, errors.CertificateInvalidError, "1024 octets")
    assert listed(anchorhold, "list-certs") == before


@pytest.mark.databases("sqlite", because="names are kept alike in each")
def test_names_of_strangers_command_no_terminal(anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_bytes(made.KEY_PEM)
    (tmp_path / "ca.pem").write_text(pem_of(made.certificate(NAME, *CA)))
    good(anchorhold("import-ca", "Old", "ca.key", "ca.pem"))
    evil = made.name(made.attribute("2.5.4.3", made.UTF8, "a\x1b[31m\u202e\r\nb".encode()))
    leaf = made.certificate(evil, made.extension(SAN, sequence(tlv(0x82, b"a\x1b[0m.example"))), issuer=NAME)
    outcomes = [
        anchorhold("import-cert", "-", "--ca=Old", stdin=leaf.replace(b"\2\1\7", b"\2\1\x09", 1)),
        anchorhold("import-cert", "-", "--ca=Old", stdin=made.certificate(evil, serial=b"\x09", issuer=NAME)),
        anchorhold("view-cert", "09", "-f", "text"),
        anchorhold("list-certs"),
        anchorhold("revoke-cert", "09"),
    ]
    assert [outcome.exit_code for outcome in outcomes] == [errors.CertificateInvalidError.exit_code, 0, 0, 0, 0]
    shown = "".join(outcome.talk + outcome.text for outcome in outcomes)
    assert not [letter for letter in shown if not (letter.isprintable() or letter == "\n")]
    assert not [line for line in shown.splitlines() if line.startswith("b")]


@pytest.mark.databases("sqlite", because="a process of its own, and nothing of databases")
@pytest.mark.parametrize("away", ["2>/dev/full", "2>&-", "2>&- >&-", ">/dev/full"])
def test_a_message_that_nobody_can_read_fails_nothing_that_is_done(
    away: str, anchorhold: Command, tmp_path: Path
) -> None:
    (tmp_path / "ca.key").write_bytes(made.KEY_PEM)
    (tmp_path / "ca.pem").write_text(pem_of(made.certificate(NAME, *CA)))
    (tmp_path / "leaf.pem").write_text(pem_of(made.certificate(made.DEVICE, serial=b"\x09", issuer=NAME)))
    good(anchorhold("import-ca", "Old", "ca.key", "ca.pem"))
    line = f"{sys.executable} -m anchorhold import-cert leaf.pem --ca=Old {away}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    assert "09" in [found["serial"] for found in listed(anchorhold, "list-certs")]


def test_a_negative_serial_number_is_no_option(anchorhold: Command) -> None:
    outcome = anchorhold("view-cert", "-05")
    assert outcome.exit_code == 2
    assert outcome.talk.startswith("Write -- before")
    refused(anchorhold("view-cert", "--", "-05"), errors.UnknownCertificateError, "-05")


def test_an_authority_with_an_extension_that_cannot_be_read_is_refused(anchorhold: Command, tmp_path: Path) -> None:
    """It may be one that says what the authority must not do."""
    (tmp_path / "ca.key").write_bytes(made.KEY_PEM)
    constraints = made.extension("2.5.29.30", b"no DER", TRUE)
    (tmp_path / "ca.pem").write_text(pem_of(made.certificate(NAME, *CA, constraints)))
    refused(anchorhold("import-ca", "Old", "ca.key", "ca.pem"), errors.CertificateInvalidError)
