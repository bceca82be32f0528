"""``python -m bench.issuance.limit KIND COUNT single|batch FOLDER``: the limit, made without anchorhold.

For each certificate: check of the CSR, capture of the TBSCertificate by a key that signs nothing, build, sign, verify;
and, one at a time, two durable commits to SQLite (WAL, synchronous=FULL). In a batch all of them share two. Prints
certificates per second.
"""

from __future__ import annotations

import datetime as dt
import secrets
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

KINDS: dict[str, Any] = {
    "EC": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate,
}
INTERFACES: tuple[Any, ...] = (
    ec.EllipticCurvePrivateKey,
    rsa.RSAPrivateKey,
    ed25519.Ed25519PrivateKey,
    mldsa.MLDSA65PrivateKey,
)
COLUMNS = (
    "authority, serial, status, profile, subject, names, not_before, not_after, tbs, certificate, reserved, issued"
)


def main(kind: str, count: int, mode: str, folder: Path) -> None:
    """Make the key, issue, and print the rate."""
    key = KINDS[kind]()
    request = _request()
    database = _database(folder / "limit.sqlite3")
    begun = time.perf_counter()
    silent = _silent(key)
    for size in [1] * count if mode == "single" else [count]:
        _issue(database, key, silent, request, size)
    print(count / (time.perf_counter() - begun))


def _issue(database: sqlite3.Connection, key: Any, silent: Any, request: bytes, size: int) -> None:
    drafts = []
    for _ in range(size):
        csr = x509.load_pem_x509_csr(request)
        if not csr.is_signature_valid:
            raise ValueError("the request is not signed by its key")
        serial = (1 << 158) | secrets.randbits(158)
        builder = _builder(key, csr, serial)
        drafts.append((serial, builder, builder.sign(silent, _digest(key)).tbs_certificate_bytes))
    now = int(time.time())
    with database:
        rows = [
            (1, f"{serial:x}", "reserved", "webserver", "CN=a", "DNS:a", now, now, tbs, None, now, None)
            for serial, _, tbs in drafts
        ]
        database.executemany(f"INSERT INTO certificate ({COLUMNS}) VALUES ({','.join('?' * 12)})", rows)  # noqa: S608
    signed = []
    for serial, builder, tbs in drafts:
        certificate = builder.sign(key, _digest(key))
        if certificate.tbs_certificate_bytes != tbs:
            raise ValueError("another certificate was signed")
        _verify(key.public_key(), certificate)
        signed.append((certificate.public_bytes(Encoding.DER), now, 1, f"{serial:x}"))
    with database:
        database.executemany(
            "UPDATE certificate SET status='issued', certificate=?, issued=?, tbs=NULL WHERE authority=? AND serial=?",
            signed,
        )


def _silent(key: Any) -> Any:
    """A key of that kind that signs nothing, to learn what would be signed."""
    interface = next(kind for kind in INTERFACES if isinstance(key, kind))

    class Silent:
        def sign(self, *_: Any) -> bytes:
            return b"\0"

        def public_key(self) -> Any:
            return key.public_key()

        curve = getattr(key, "curve", None)
        key_size = getattr(key, "key_size", None)

    interface.register(Silent)
    return Silent()


def _builder(key: Any, csr: x509.CertificateSigningRequest, serial: int) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0, tzinfo=None)
    public: Any = csr.public_key()
    builder = (
        x509.CertificateBuilder()
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Limit")]))
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "limit.example.com")]))
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=90))
    )
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= dict.fromkeys(("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    for value, critical in (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.KeyUsage(digital_signature=True, **usage), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([x509.DNSName("limit.example.com")]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False),
    ):
        builder = builder.add_extension(value, critical)
    return builder


def _digest(key: Any) -> hashes.SHA256 | None:
    return hashes.SHA256() if isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) else None


def _verify(public: Any, certificate: x509.Certificate) -> None:
    signature, message = certificate.signature, certificate.tbs_certificate_bytes
    if isinstance(public, rsa.RSAPublicKey):
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

        public.verify(signature, message, PKCS1v15(), hashes.SHA256())
    elif isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    else:
        public.verify(signature, message)


def _request() -> bytes:
    holder = ec.generate_private_key(ec.SECP256R1())
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(holder, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def _database(path: Path) -> sqlite3.Connection:
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=wal")
    database.execute("PRAGMA synchronous=full")
    database.execute(f"CREATE TABLE certificate (id INTEGER PRIMARY KEY, {COLUMNS})")
    database.execute("CREATE UNIQUE INDEX by_serial ON certificate (authority, serial)")
    return database


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
