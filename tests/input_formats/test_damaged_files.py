"""Whatever is in a file: it is read, or an error of ours says why not; nothing else comes out, and in time.

5,000 damaged files as a rule; ``ANCHORHOLD_FUZZ`` says how many.
"""

from __future__ import annotations

import os
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from anchorhold.errors import AnchorholdError
from anchorhold.pkcs8 import dump_pkcs8, load_private_key
from anchorhold.secret import Secret
from anchorhold.x509.ber import sequence
from anchorhold.x509.certificates import load_certificates, load_pkcs12
from anchorhold.x509.csr import load_csr, read_csr
from anchorhold.x509.der import tlv
from anchorhold.x509.general_names import parse_alt
from anchorhold.x509.names import format_name, parse_subject
from input_formats import made
from input_formats.test_requests_as_they_are import NEARLY, UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable

CASES: Final = int(os.environ.get("ANCHORHOLD_FUZZ", "5000"))
PASSWORD: Final = Secret("secret")
ODD: Final = (b"\0", b"\x80", b"\xff", b"\x30\x80", b"\0\0", b"\x84\xff\xff\xff\xff", b"\x1f\x81", b"\x02\x01\x80")
CA: Final = made.extension("2.5.29.19", sequence(tlv(1, b"\xff")), tlv(1, b"\xff"))


def _request(data: bytes) -> None:
    request = read_csr(data)
    _ = request.readable_subject, request.readable_names, request.unreadable
    with suppress(AnchorholdError):
        load_csr(data)
    format_name(request.subject)
    _ = request.alternative_names


def _seeds() -> dict[str, tuple[Callable[[bytes], object], list[bytes]]]:
    certificates = [made.certificate(made.DEVICE, CA, made.SAN), made.certificate(serial=b"\x80")]
    loaded = x509.load_der_x509_certificate(certificates[0])
    quick = serialization.BestAvailableEncryption(b"secret")
    archive = pkcs12.serialize_key_and_certificates(b"ca", made.KEY, loaded, None, serialization.NoEncryption())
    older = made.KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, quick)
    keys = [
        dump_pkcs8(made.KEY).reveal_bytes(),
        older,
        dump_pkcs8(mldsa.MLDSA44PrivateKey.from_seed_bytes(bytes(32))).reveal_bytes(),
        made.KEY.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, quick),
    ]
    chain = pkcs7.serialize_certificates([loaded], serialization.Encoding.DER)
    return {
        "requests": (_request, [*NEARLY.values(), *(made.request(attributes=each) for each, _ in UNREADABLE.values())]),
        "certificates": (lambda data: load_certificates(data), [*certificates, chain, loaded.public_bytes(_PEM)]),
        "keys": (lambda data: load_private_key(data, PASSWORD, "key"), keys),
        "archives": (lambda data: load_pkcs12(data, None, "archive"), [archive]),
        "subjects": (
            lambda data: parse_subject(data.decode("latin-1")),
            [b'cn=a+ou=b, O="x, y",C=AT', b"/C=AT/O=a\\/b", b"CN=#0C024869", b"1.2.3=\\C4\\8D"],
        ),
        "names": (
            lambda data: parse_alt(data.decode("latin-1")),
            [b"DNS:a.example", b"[2001:db8::1]", b"URI:https://[::1]:80/x", b"UPN:a@b", b"dirname:CN=a", b"RID:1.2.3"],
        ),
    }


_PEM: Final = serialization.Encoding.PEM


def _damaged(data: bytes, chance: random.Random) -> bytes:
    octets = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(octets) + 1)
        match chance.randrange(5):
            case 0:
                octets[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                octets[at:at] = chance.choice(ODD)
            case 2:
                del octets[at : at + chance.randint(1, 8)]
            case 3:
                begin = chance.randrange(len(octets) + 1)
                octets[at:at] = octets[begin : begin + chance.randint(1, 40)]
            case _ if octets and at < len(octets):
                octets[at] ^= 1 << chance.randrange(8)
            case _:
                del octets[at // 2 :]
    return bytes(octets)


@pytest.mark.filterwarnings("ignore")  # of cryptography about what is damaged; the command line shows none
@pytest.mark.parametrize("kind", ["requests", "certificates", "keys", "archives", "subjects", "names"])
def test_a_damaged_file_is_read_or_refused_with_an_error_of_ours(kind: str) -> None:
    read, seeds = _seeds()[kind]
    chance = random.Random(f"{kind} {CASES}")  # noqa: S311  # the same ones each time
    for _ in range(CASES // 6 + 1):
        data = _damaged(chance.choice(seeds), chance)
        try:
            read(data)
        except AnchorholdError:
            continue
        except BaseException as error:
            pytest.fail(f"{type(error).__name__}: {error} over {data.hex()}")
