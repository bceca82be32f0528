"""``python -m bench.issuance.limit KIND FOLDER [URL]``: the limit, made without anchorhold.

For each certificate: check of the CSR, capture of the TBSCertificate by a key that signs nothing, build, sign, verify;
one ordered and one durable commit, for each certificate or, in a batch, for all of them.
"""

from __future__ import annotations

import datetime as dt
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from bench.issuance.kinds import HOST
from bench.issuance.request import request
from bench.issuance.stores import Store, open_store
from bench.worker import serve

KEYS: dict[str, Any] = {
    "EC P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
    "RSA-4096": lambda: rsa.generate_private_key(65537, 4096),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate,
}
_INTERFACES: tuple[Any, ...] = (
    ec.EllipticCurvePrivateKey,
    rsa.RSAPrivateKey,
    ed25519.Ed25519PrivateKey,
    mldsa.MLDSA65PrivateKey,
)
_SHA256 = hashes.SHA256()
_USAGE = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")


class Limit:
    """An authority with a key in memory and a table.

    Args:
        kind: Of its key.
        store: Where it records.
    """

    def __init__(self, kind: str, store: Store) -> None:
        self._key = KEYS[kind]()
        self._silent = _silent(self._key)
        self._digest = _SHA256 if kind.startswith(("EC", "RSA")) else None
        self._store = store
        self._request = request()

    def single(self, count: int) -> None:
        """Issue that many, one at a time."""
        for _ in range(count):
            self.batch(1)

    def batch(self, count: int) -> None:
        """Issue that many with two commits."""
        drafts = [self._draft() for _ in range(count)]
        now = int(time.time())
        fixed = (1, "reserved", "webserver", f"CN={HOST}", f"DNS:{HOST}", now, now)
        self._store.reserve(
            [(fixed[0], serial, *fixed[1:], tbs, None, now, None) for serial, _, tbs in drafts],
        )
        self._store.complete([(self._signed(builder, tbs), now, 1, serial) for serial, builder, tbs in drafts])

    def _draft(self) -> tuple[str, x509.CertificateBuilder, bytes]:
        csr = x509.load_pem_x509_csr(self._request)
        if not csr.is_signature_valid:
            raise ValueError("the request is not signed by its key")
        serial = (1 << 158) | secrets.randbits(158)
        builder = _builder(self._key, csr, serial)
        return f"{serial:x}", builder, builder.sign(self._silent, self._digest).tbs_certificate_bytes

    def _signed(self, builder: x509.CertificateBuilder, tbs: bytes) -> bytes:
        certificate = builder.sign(self._key, self._digest)
        if certificate.tbs_certificate_bytes != tbs:
            raise ValueError("another certificate was signed")
        _verify(self._key.public_key(), certificate)
        return certificate.public_bytes(Encoding.DER)


def _silent(key: Any) -> Any:
    """A key of that kind that signs nothing, to learn what would be signed."""
    interface = next(kind for kind in _INTERFACES if isinstance(key, kind))

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
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)]))
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=90))
    )
    usage = dict.fromkeys((*_USAGE, "encipher_only", "decipher_only"), False)
    for value, critical in (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.KeyUsage(digital_signature=True, **usage), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([x509.DNSName(HOST)]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False),
    ):
        builder = builder.add_extension(value, critical)
    return builder


def _verify(public: Any, certificate: x509.Certificate) -> None:
    signature, message = certificate.signature, certificate.tbs_certificate_bytes
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, message, PKCS1v15(), _SHA256)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, message, ec.ECDSA(_SHA256))
    else:
        public.verify(signature, message)


def main(kind: str, folder: Path, url: str = "") -> None:
    """Set up, and issue when asked to."""
    limit = Limit(kind, open_store(url, folder))
    serve({"single": limit.single, "batch": limit.batch})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
