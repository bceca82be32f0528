"""Requests that must not be signed: each ends with one clear line, its own exit code, and nothing issued."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from anchorhold import errors
from cli.cli_requests import forged_rsa_request, pem, request, rsa_request, with_flipped_signature
from cli.cli_steps import good, left_behind, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Command


class Bad(NamedTuple):
    """A request, the error that it must end with, and words of its line."""

    csr: Callable[[], bytes]
    error: type[errors.AnchorholdError]
    words: tuple[str, ...]


def _alt(*names: x509.GeneralName) -> bytes:
    return request(alt=names)


def _common_name(value: str) -> bytes:
    return request([x509.NameAttribute(NameOID.COMMON_NAME, value)])


def _dns(value: str) -> x509.GeneralName:
    return x509.DNSName._init_without_validation(value)


ODD_MODULUS = (1 << 2047) + 0x10001
BAD_REQUESTS = {
    "truncated PEM": Bad(lambda: pem(request())[:120], errors.RequestInvalidError, ("request.csr",)),
    "truncated DER": Bad(lambda: request()[:-20], errors.RequestInvalidError, ("request.csr",)),
    "PEM around truncated DER": Bad(lambda: pem(request()[:-20]), errors.RequestInvalidError, ("request.csr",)),
    "trailing bytes": Bad(lambda: request() + b"\0", errors.RequestInvalidError, ("request.csr",)),
    "text": Bad(lambda: b"please sign this\n", errors.RequestInvalidError, ("request.csr",)),
    "another PEM label": Bad(
        lambda: pem(request(), "CERTIFICATE"), errors.RequestInvalidError, ("request.csr", "request")
    ),
    "empty": Bad(lambda: b"", errors.InputError, ("request.csr", "empty")),
    "too large": Bad(lambda: b"x" * ((1 << 20) + 1), errors.InputError, ("request.csr", "larger")),
    "EC signature flipped": Bad(
        lambda: with_flipped_signature(request()), errors.RequestSignatureError, ("request.csr", "signature")
    ),
    "RSA signature flipped": Bad(
        lambda: with_flipped_signature(rsa_request(2048)), errors.RequestSignatureError, ("request.csr", "signature")
    ),
    "RSA 1024": Bad(functools.partial(rsa_request, 1024), errors.WeakKeyError, ("1024", "2048")),
    "RSA exponent 3": Bad(functools.partial(rsa_request, 2048, 3), errors.WeakKeyError, ("exponent 3",)),
    "RSA exponent 1": Bad(lambda: forged_rsa_request(ODD_MODULUS, 1), errors.WeakKeyError, ("exponent",)),
    "RSA exponent even": Bad(lambda: forged_rsa_request(ODD_MODULUS, 65538), errors.WeakKeyError, ("exponent",)),
    "RSA modulus even": Bad(lambda: forged_rsa_request(1 << 2047, 65537), errors.WeakKeyError, ("modulus",)),
    "RSA modulus divisible by 3": Bad(
        lambda: forged_rsa_request(3 * (1 << 2046) + 3, 65537), errors.WeakKeyError, ("modulus", "factor")
    ),
    "RSA too long": Bad(lambda: forged_rsa_request((1 << 20000) + 1, 65537), errors.WeakKeyError, ("20001",)),
}
"""Refused whatever is copied."""

BAD_WHEN_COPIED = {
    "control character in the subject": Bad(
        lambda: _common_name("a\x01b"), errors.SubjectInvalidError, ("CN", "control character")
    ),
    "line break in the subject": Bad(
        lambda: _common_name("a\nb"), errors.SubjectInvalidError, ("CN", "control character")
    ),
    "control character in a DNS name": Bad(
        lambda: _alt(_dns("ex\x1b[2Jample.com")), errors.NameForbiddenError, ("not a DNS name",)
    ),
    "NUL in a DNS name": Bad(
        lambda: _alt(_dns("example.com\0.evil.example")), errors.NameForbiddenError, ("not a DNS name",)
    ),
    "label with an underscore": Bad(lambda: _alt(_dns("a_b.example.com")), errors.NameForbiddenError, ("a_b",)),
    "label with a leading hyphen": Bad(lambda: _alt(_dns("-a.example.com")), errors.NameForbiddenError, ("-a",)),
    "empty label": Bad(lambda: _alt(_dns("a..example.com")), errors.NameForbiddenError, ("a..example.com",)),
    "label of 64 characters": Bad(
        lambda: _alt(_dns("a" * 64 + ".example.com")), errors.NameForbiddenError, ("not a DNS name",)
    ),
    "wildcard in the middle": Bad(lambda: _alt(_dns("a.*.example.com")), errors.NameForbiddenError, ("a.*.",)),
    "address as a DNS name": Bad(lambda: _alt(_dns("192.0.2.1")), errors.NameForbiddenError, ("address",)),
    "line break in a URI": Bad(
        lambda: _alt(x509.UniformResourceIdentifier._init_without_validation("https://a.example/\nb")),
        errors.NameForbiddenError,
        ("URI",),
    ),
    "control character in a mailbox": Bad(
        lambda: _alt(x509.RFC822Name._init_without_validation("a\x07@example.com")),
        errors.NameForbiddenError,
        ("e-mail",),
    ),
}
"""Refused where their subject and names are copied, and only there."""


@pytest.fixture
def ca(anchorhold: Command) -> Command:
    """The command line of an installation with an authority ``CA``."""
    good(anchorhold("init-ca", "CA", "CN=CA"))
    return anchorhold


@pytest.mark.parametrize("bad", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_bad_request_is_refused_with_one_line_and_nothing_is_issued(bad: Bad, ca: Command, tmp_path: Path) -> None:
    (tmp_path / "request.csr").write_bytes(bad.csr())
    before = left_behind(tmp_path)
    refused(ca("sign-cert", "--ca=CA", "--csr=request.csr", "--alt=example.com"), bad.error, *bad.words)
    assert left_behind(tmp_path) == before


@pytest.mark.parametrize("bad", BAD_WHEN_COPIED.values(), ids=BAD_WHEN_COPIED)
def test_what_is_bad_in_a_request_is_refused_where_it_is_copied_and_blocks_nothing_else(
    bad: Bad, ca: Command, tmp_path: Path
) -> None:
    (tmp_path / "request.csr").write_bytes(bad.csr())
    before = left_behind(tmp_path)
    asked = ("sign-cert", "--ca=CA", "--csr=request.csr", "--alt=example.com", "--subject=CN=example.com")
    copying = tuple(each for each in asked if "--subject" not in each)
    refused(ca(*copying, "--copy=alt", "--copy=subject"), bad.error, *bad.words)
    assert left_behind(tmp_path) == before
    good(ca(*asked))


@pytest.mark.parametrize("bad", [BAD_REQUESTS["truncated DER"], BAD_REQUESTS["RSA 1024"]], ids=["truncated", "weak"])
def test_a_bad_request_shows_where_it_failed_with_debug(bad: Bad, ca: Command, tmp_path: Path) -> None:
    (tmp_path / "request.csr").write_bytes(bad.csr())
    outcome = ca("--debug", "sign-cert", "--ca=CA", "--csr=request.csr", "--alt=example.com")
    assert outcome.exit_code == bad.error.exit_code
    assert "Traceback (most recent call last)" in outcome.talk
    assert outcome.talk.splitlines()[-1].startswith("anchorhold: ")


def test_a_bad_request_on_standard_input_is_refused_like_one_in_a_file(ca: Command) -> None:
    asked = ("sign-cert", "--ca=CA", "--csr=-", "--alt=example.com")
    refused(ca(*asked, stdin=pem(request())[:100]), errors.RequestInvalidError, "request")
    refused(ca(*asked, stdin=b""), errors.InputError, "empty")


def test_the_key_of_the_authority_itself_is_not_certified(ca: Command, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    (key_file,) = (tmp_path / "ca").rglob("*.key")
    key = load_pem_private_key(key_file.read_bytes(), None)
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())  # type: ignore[arg-type]
    (tmp_path / "request.csr").write_bytes(csr.public_bytes(Encoding.PEM))
    refused(ca("sign-cert", "--ca=CA", "--csr=request.csr", "--alt=example.com"), errors.ProfileRefusedError, "CA")


CONSTRAINED = (
    "--permit-name",
    "DNS:example.com",
    "--permit-name",
    "IP:192.0.2.0/24",
    "--exclude-name",
    "DNS:no.example.com",
)


@pytest.mark.parametrize(
    "alt", ["DNS:example.org", "DNS:notexample.com", "DNS:www.no.example.com", "DNS:NO.EXAMPLE.COM", "IP:198.51.100.1"]
)
def test_a_name_outside_the_name_constraints_is_refused(
    alt: str, anchorhold: Command, csr_file: Path, tmp_path: Path
) -> None:
    good(anchorhold("init-ca", "Narrow", "CN=Narrow", *CONSTRAINED))
    before = left_behind(tmp_path)
    refused(
        anchorhold("sign-cert", "--ca=Narrow", f"--csr={csr_file}", f"--alt={alt}"),
        errors.NameForbiddenError,
        alt.partition(":")[2],
        "name constraints",
        "'Narrow'",
    )
    assert left_behind(tmp_path) == before
    good(anchorhold("sign-cert", "--ca=Narrow", f"--csr={csr_file}", "--alt=www.example.com", "--alt=IP:192.0.2.7"))


def test_names_copied_from_a_request_meet_the_name_constraints_too(anchorhold: Command, tmp_path: Path) -> None:
    good(anchorhold("init-ca", "Narrow", "CN=Narrow", *CONSTRAINED))
    (tmp_path / "request.csr").write_bytes(_alt(x509.DNSName("example.org")))
    refused(
        anchorhold("sign-cert", "--ca=Narrow", "--csr=request.csr", "--copy=alt"),
        errors.NameForbiddenError,
        "example.org",
    )
