"""What a request is about, in lines that a person can judge."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography import x509

from anchorhold.public_keys import check_strength, spec_of, spki
from anchorhold_quorum.encoding import as_signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from anchorhold_quorum.cases import Case


def describe(case: Case) -> list[str]:
    """All of it: the digest, the key that is to sign, and the contents.

    Raises:
        ValueError: The message is not what the request says.
    """
    head = [
        f"Digest:      {case.digest}",
        f"Purpose:     {case.purpose}",
        f"Authority:   {case.ca}",
        f"Its key:     SHA-256 {hashlib.sha256(case.key).hexdigest()}",
    ]
    lines = head + list(_DETAILS[case.purpose](as_signed(case.purpose, case.message)))
    return ["".join(map(_visible, line)) for line in lines]


def summary(case: Case) -> str:
    """One line for a list."""
    fields = dict(line.split(":", 1) for line in describe(case))
    about = fields.get("Subject") or fields.get("This update", "")
    return f"{case.digest[:16]}  {case.purpose:<11}  {case.ca}: {about.strip()}"


def _visible(character: str) -> str:
    """Nothing in a name may look like a line of ours, or command the terminal."""
    return character if character.isprintable() else f"\\x{ord(character):02x}"


def _certificate(der: bytes) -> Iterator[str]:
    found = x509.load_der_x509_certificate(der)
    key = check_strength(found.public_key(), "its subject")
    yield f"Issuer:      {found.issuer.rfc4514_string()}"
    yield f"Subject:     {found.subject.rfc4514_string()}"
    yield f"Not before:  {found.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC"
    yield f"Not after:   {found.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC"
    yield f"Key:         {spec_of(key)}, SHA-256 {hashlib.sha256(spki(key)).hexdigest()}"
    yield from _extensions(found.extensions)


def _crl(der: bytes) -> Iterator[str]:
    found = x509.load_der_x509_crl(der)
    yield f"Issuer:      {found.issuer.rfc4514_string()}"
    yield f"This update: {found.last_update_utc:%Y-%m-%d %H:%M:%S} UTC"
    yield f"Next update: {found.next_update_utc:%Y-%m-%d %H:%M:%S} UTC"
    for entry in found:
        yield f"Revoked:     {entry.serial_number:x} on {entry.revocation_date_utc:%Y-%m-%d %H:%M:%S} UTC"
    yield from _extensions(found.extensions)


def _request(der: bytes) -> Iterator[str]:
    found = x509.load_der_x509_csr(der)
    yield f"Subject:     {found.subject.rfc4514_string()}"
    yield from _extensions(found.extensions)


def _extensions(extensions: Iterable[x509.Extension[x509.ExtensionType]]) -> Iterator[str]:
    for extension in extensions:
        yield f"Extension:   {'critical ' if extension.critical else ''}{extension.value}"


_DETAILS = {"certificate": _certificate, "crl": _crl, "csr": _request}
