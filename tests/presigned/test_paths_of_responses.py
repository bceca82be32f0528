"""Names of files with responses: what a client's request leads to, whatever the serial number."""

from __future__ import annotations

import base64
import datetime as dt
import random
import re
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.x509.ocsp_paths import LETTERS, SUFFIX, UsualRequests
from presigned.presigned_steps import BOTH, letters
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

START = dt.datetime(2026, 1, 1)  # noqa: DTZ001  # for a certificate


def certificate(serial: int, issuer: str = "CN=Issuer") -> x509.Certificate:
    key = ec.derive_private_key(7, ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(issuer)
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, START, START + dt.timedelta(days=9))
    return builder.sign(key, hashes.SHA256())


ISSUER = certificate(1)
SOURCE = random.Random(17)  # noqa: S311  # for a test
SERIALS = [1, 127, 128, 255, 256, 2**63, 2**159 - 1, *(SOURCE.getrandbits(8 * size) | 1 for size in range(1, 20))]


@pytest.mark.parametrize("serial", SERIALS)
def test_the_request_is_the_one_that_clients_make(serial: int) -> None:
    leaf = certificate(serial)
    for made, algorithm in zip(UsualRequests(ISSUER).of(serial), BOTH, strict=True):
        text = letters(leaf, ISSUER, algorithm)
        assert made.path == re.sub("//+", "/", text).rstrip("=/") + SUFFIX
        assert made.cert_id.der in base64.b64decode(text)
        found = re.fullmatch(f"({LETTERS})[=/]*", text)
        assert found is not None
        assert re.sub("//+", "/", found[1]) + SUFFIX == made.path


def test_no_two_requests_share_a_path_or_a_folder_with_a_file() -> None:
    requests = UsualRequests(ISSUER)
    serials = [SOURCE.getrandbits(8 * size) | 63 for size in range(1, 20) for _ in range(400)]
    serials += [int("3f" * size, 16) for size in range(1, 20)]  # base64 full of slashes
    paths = {made.path: made.cert_id.der for serial in set(serials) for made in requests.of(serial)}
    assert len(paths) == 2 * len(set(serials))
    folders = {path.rpartition("/")[0] for path in paths}
    assert not folders & paths.keys()
    assert all("//" not in path and not path.startswith("/") and "/." not in path for path in paths)


@pytest.mark.parametrize("octets", [130, 400, 1000])
def test_a_serial_number_too_long_for_the_name_of_a_file_gets_none(octets: int) -> None:
    assert UsualRequests(ISSUER).of(1 << (8 * octets)) == []


def test_negative_serial_numbers_are_written_as_der_has_them() -> None:
    (made, _) = UsualRequests(ISSUER).of(-5)
    assert made.cert_id.der.endswith(b"\x02\x01\xfb")


def test_openssl_asks_by_these_paths(tmp_path: Path) -> None:
    leaf = certificate(0x3F << 150)
    for name, found in (("issuer.pem", ISSUER), ("leaf.pem", leaf)):
        (tmp_path / name).write_bytes(found.public_bytes(Encoding.PEM))
    named = ("-issuer", tmp_path / "issuer.pem", "-cert", tmp_path / "leaf.pem", "-no_nonce")
    for made, option in zip(UsualRequests(ISSUER).of(leaf.serial_number), ((), ("-sha256",)), strict=True):
        openssl("ocsp", *option, *named, "-reqout", tmp_path / "request.der")
        text = base64.b64encode((tmp_path / "request.der").read_bytes()).decode()
        assert made.path == re.sub("//+", "/", text).rstrip("=/") + SUFFIX
