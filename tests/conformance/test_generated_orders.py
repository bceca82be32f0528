"""Generated orders: each TBSCertificate is DER, and two independent readers find in it what was drafted.

The test command draws a few hundred; ``ANCHORHOLD_ORDERS`` says how many, and `nox -s everything` draws 10,000.
"""

from __future__ import annotations

import datetime as dt
import os
import random
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyasn1.codec.der.decoder import decode  # type: ignore[import-untyped]
from pyasn1.codec.der.encoder import encode  # type: ignore[import-untyped]
from pyasn1_alt_modules import rfc5280  # type: ignore[import-untyped]

from anchorhold import Order, key_spec, software_keys
from anchorhold.operations.authority import Chain
from anchorhold.operations.certificate_drafter import CertificateDrafter
from anchorhold.public_keys import spki
from anchorhold.x509.csr import CertificationRequest, check_csr
from anchorhold.x509.der import is_der, members, signed
from anchorhold.x509.to_be_signed import builder_arguments, capture_tbs
from conformance.chains import URLS, installation_in

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.x509.draft import Draft

ORDERS: Final = int(os.environ.get("ANCHORHOLD_ORDERS", "300"))
SEED: Final = int(os.environ.get("ANCHORHOLD_ORDERS_SEED", "14"))
KEYS: Final = {
    **{f"EC {curve}": key_spec("EC", curve=curve) for curve in ("P-224", "P-256", "P-384", "P-521", "brainpoolP256r1")},
    "RSA": key_spec("RSA", 2048),
    **{name: key_spec(name) for name in ("Ed25519", "Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87")},
}
PROFILES: Final = (
    *("webserver", "client", "server-and-client", "email", "codesigning", "timestamping", "ocsp", "intermediate"),
    "everything",
)
SETTINGS: Final = """
[profiles.everything]
extended_key_usage = ["serverAuth", "1.3.6.1.4.1.99999.3"]
policies = ["anyPolicy", { oid = "1.2.3.4", cps = ["https://example.com/cps"], notice = "Größe" }]
tls_features = ["status_request", "status_request_v2"]
extensions = [{ oid = "1.2.3.5", text = "ü" }, { oid = "1.2.3.6", der = "0500", critical = true }]
"""
HOSTS: Final = (
    "example.com",
    "*.example.org",
    "a.b.c.example",
    "xn--bcher-kva.example",
    "localhost",
    "A-1.Example.NET",
)
LETTERS: Final = "abcXYZ019 üßéЖ漢😀'()+,-./:=?&@_*!#<>;\\\""
PLAIN: Final = "abcXYZ019'()-./:?"
KINDS: Final[dict[str, Any]] = {
    "DNS": lambda draw: "DNS:" + draw.choice(HOSTS),
    "IP": lambda draw: "IP:" + draw.choice(["192.0.2.1", "2001:db8::1", "255.255.255.255", "::"]),
    "email": lambda draw: f"email:u{draw.randrange(9)}@" + draw.choice(["example.com", "a.example"]),
    "URI": lambda draw: "URI:" + draw.choice(["https://example.com/x?y=%20", "urn:x:y", "spiffe://example.org/a"]),
    "dirname": lambda draw: "dirname:/" + "/".join(attributes(draw)),
    "RID": lambda draw: f"RID:1.3.6.1.4.1.{draw.getrandbits(32)}.{draw.getrandbits(60)}",
}


def attributes(draw: random.Random) -> list[str]:
    """Attributes of a subject in openssl's form, some of which share an RDN."""
    found = []
    for _ in range(draw.randint(1, 5)):
        kind = draw.choice(["CN", "O", "OU", "L", "ST", "C", "DC", "serialNumber", "emailAddress", "1.2.3.4", "title"])
        if kind == "C":
            value = draw.choice(["AT", "de", "US"])
        else:
            letters = PLAIN if kind in ("serialNumber", "DC", "emailAddress") else LETTERS
            value = "v" + "".join(draw.choices(letters, k=draw.randint(0, 14)))
        escaped = "".join(f"\\{letter}" if letter in "/+\\" else letter for letter in value)
        found.append(f"{kind}={escaped}{'+UID=u' if draw.random() < 0.1 else ''}")
    return found


def drawn(draw: random.Random, csr: x509.CertificateSigningRequest) -> Order:
    """An order that is fit to be signed."""
    profile = draw.choice(PROFILES)
    kinds = {"email": ["email"], "ocsp": ["DNS"]}.get(profile, list(KINDS))
    names = [KINDS[draw.choice(kinds)](draw) for _ in range(draw.choice([0, 1, 2, 3, 30]))]
    if profile in ("webserver", "server-and-client", "email"):
        names.append(KINDS["email" if profile == "email" else "DNS"](draw))
    wanted = draw.random() < 0.6 or not names or profile == "intermediate"
    expires = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(minutes=draw.randint(10, 60 * 24 * 1800))
    return Order(
        csr=csr,
        names=names,
        subject="/" + "/".join(attributes(draw)) if wanted else None,
        profile=profile,
        expires=expires if draw.random() < 0.5 else None,
    )


@pytest.mark.databases("sqlite", because="nothing is recorded")
def test_two_readers_find_what_was_drafted(tmp_path: Path) -> None:
    draw = random.Random(SEED)  # noqa: S311  # to be drawn again
    empty = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    with installation_in(tmp_path, SETTINGS) as installation:
        drafters, requests = [], []
        for name, spec in KEYS.items():
            made = installation.authorities.create(
                name, f"CN={name},O=Größe", key=spec, path_length="none", issuing=URLS
            )
            drafters.append((CertificateDrafter(installation.loaded.settings, Chain([made])), made))
            requests.append(empty.sign(software_keys.generate(spec), **builder_arguments(spec.algorithm())))
        for number in range(ORDERS):
            request, (drafter, made) = draw.choice(requests), draw.choice(drafters)
            order = drawn(draw, request)
            draft = drafter.draft(order, CertificationRequest.of(request), check_csr(request))
            tbs = capture_tbs(draft, made.public_key, made.algorithm)
            try:
                check(tbs, draft)
            except Exception as error:
                raise AssertionError(f"order {number} of seed {SEED}: {order}") from error


def check(tbs: bytes, draft: Draft) -> None:
    """Read it twice."""
    assert is_der(tbs)
    *_, begin, end = members(tbs, 3)
    der = b"".join(signed(tbs, tbs[begin:end], b"\0"))
    read = x509.load_der_x509_certificate(der)
    assert (read.subject, read.issuer, read.serial_number) == (draft.subject, draft.issuer, draft.serial)
    assert (read.not_valid_before_utc, read.not_valid_after_utc) == (draft.not_before, draft.not_after)
    assert list(read.extensions) == list(draft.extensions)
    assert spki(read.public_key()) == spki(draft.public_key)  # type: ignore[arg-type]
    assert read.public_bytes(Encoding.DER) == der
    other, rest = decode(tbs, asn1Spec=rfc5280.TBSCertificate())
    assert (rest, encode(other)) == (b"", tbs)
    assert int(other["serialNumber"]) == draft.serial
    assert encode(other["subject"]) == draft.subject.public_bytes()
    assert encode(other["issuer"]) == draft.issuer.public_bytes()
    assert len(other["extensions"]) == len(draft.extensions)
    for found, drafted in zip(other["extensions"], draft.extensions, strict=True):
        value = bytes(found["extnValue"])
        assert (str(found["extnID"]), bool(found["critical"])) == (drafted.oid.dotted_string, drafted.critical)
        assert value == drafted.value.public_bytes()
        assert is_der(value)
        spec = rfc5280.certificateExtensionsMap.get(found["extnID"])
        if spec is not None:
            inner, rest = decode(value, asn1Spec=spec)
            assert (rest, encode(inner)) == (b"", value)
