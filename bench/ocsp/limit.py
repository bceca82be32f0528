"""The limit of answers with a nonce: building and signing them in a loop, in one process, without any server."""

from __future__ import annotations

import datetime as dt
import os
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
END = START + dt.timedelta(days=1)


def built_and_signed(seconds: float) -> float:
    """Answers a second, with a P-256 key, by ``cryptography``'s builder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Responder")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(START).not_valid_after(END)
    certificate = builder.sign(key, hashes.SHA256())
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        response = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=b"n" * 20,
            issuer_key_hash=b"k" * 20,
            serial_number=1 << 150,
            algorithm=hashes.SHA1(),  # noqa: S303  # as most clients name certificates
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=START,
            next_update=END,
            revocation_time=None,
            revocation_reason=None,
        )
        response = response.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).certificates([certificate])
        response = response.add_extension(x509.OCSPNonce(os.urandom(32)), critical=False)
        response.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
        count += 1
    return count / seconds
