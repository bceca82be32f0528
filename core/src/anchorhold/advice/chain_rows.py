"""Chains of a root, an issuing authority and a P-256 certificate, by the key and signature of both authorities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.advice.row import row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorhold.advice.row import Row

_TRIED: Final = (
    *("openssl", "gnutls", "java", "nss", "node", "mbedtls", "wolfssl", "go", "cryptography", "pyhanko"),
    *("bouncycastle", "botan", "rustls", "pkijs"),
)
_NO_OID: Final = "-0x262e OID not found"
_WEAK: Final = "ca md too weak"
_WEAK_HASH: Final = "Hash function used is considered too weak for security"
_UNSUPPORTED: Final = "UnsupportedSignatureAlgorithm"
_NO_KEY: Final = "X.509 public key decoding failed"
_ADDING: Final = "SEC_ERROR_ADDING_CERT"


def _chain(
    what: str, refused: Mapping[str, str] | None = None, *, untried: Iterable[str] = (), more: Iterable[str] = ()
) -> Row:
    return row("authority", what, (*_TRIED, *more), refused, untried=untried)


CHAINS: Final = (
    _chain("EC secp256r1"),
    _chain("EC secp521r1"),
    _chain("RSA"),
    _chain("RSA with PSS"),
    _chain(
        "Ed25519",
        {
            "nss3.87": _ADDING,
            "nss3.110": "invalid signature",
            "mbedtls": _NO_OID,
            "cryptography": "Forbidden public key algorithm",
            "pkijs": "no path",
        },
    ),
    _chain(
        "Ed448",
        {
            "nss3.87": _ADDING,
            "nss3.110": _ADDING,
            "nss3.131": "SEC_ERROR_UNSUPPORTED_KEYALG",
            "mbedtls": _NO_OID,
            "go1.19": "algorithm unimplemented",
            "go1.27": "unknown authority",
            "cryptography": "Forbidden public key algorithm",
            "botan2.19": _NO_KEY,
            "rustls": "refused",
            "pkijs": "no path",
        },
    ),
    _chain(
        "ML-DSA-65",
        {
            "openssl3.0": "error 20, decode error",
            "python-ssl": _WEAK,
            "nginx": "[emerg] ... ca md too weak",
            "curl": "(35) ... decode error",
            "gnutls": 'not trusted / "signature in the certificate is invalid"',
            "nss3.87": _ADDING,
            "nss3.110": _ADDING,
            "java17.0.15": "NoSuchAlgorithmException: 2.16.840.1.101.3.4.3.18 Signature not available",
            "node": _WEAK,
            "mbedtls": _NO_OID,
            "wolfssl": "load root 0 (fails)",
            "go1.19": "unimplemented",
            "bouncycastle1.72": "fails",
            "botan2.19": _NO_KEY,
            "pkijs": "no path",
        },
        more=("nginx", "python-ssl", "curl"),
    ),
    _chain(
        "EC brainpoolP256r1",
        {
            "gnutls": "not trusted",
            "java": "Curve not supported",
            "nss": "signature algorithm that is disabled because it is not secure",
            "go": "unsupported elliptic curve",
            "cryptography": "Forbidden",
            "rustls": "refused",
            "pkijs": "no path",
        },
    ),
    _chain(
        "EC secp256k1",
        {
            "gnutls": "not trusted",
            "java": "Curve not supported",
            "nss": "invalid signature",
            "mbedtls3.6": "unacceptable key",
            "go": "unsupported elliptic curve",
            "cryptography": "Forbidden",
            "rustls": _UNSUPPORTED,
        },
        untried=("pkijs",),
    ),
    _chain(
        "EC with SHA3-256",
        {
            "openssl3.0": 'error 20 "unable to get local issuer certificate"',
            "python-ssl": _WEAK,
            "nginx": "[emerg] ... ca md too weak",
            "curl": "(60) SSL certificate problem: unable to get local issuer certificate",
            "nss": "invalid signature",
            "node": _WEAK,
            "mbedtls": _NO_OID,
            "go": "unimplemented",
            "cryptography": "Forbidden signature algorithm",
            "pyhanko": "AttributeError 'NoneType' ... 'lower'",
            "botan3.7": _WEAK_HASH,
            "botan3.13": _WEAK_HASH,
            "rustls": _UNSUPPORTED,
            "pkijs": "no path",
        },
        more=("nginx", "python-ssl", "curl"),
    ),
    _chain(
        "RSA with SHA3-256",
        {
            "nss": "invalid signature",
            "mbedtls": _NO_OID,
            "go": "unimplemented",
            "cryptography": "Forbidden",
            "pyhanko": "signature could not be verified",
            "botan3.7": _WEAK_HASH,
            "botan3.13": _WEAK_HASH,
            "rustls": _UNSUPPORTED,
        },
        untried=("pkijs",),
    ),
    row(
        "authority",
        "RSA with PSS and SHA3-256",
        (
            *("openssl3.0", "openssl3.5", "python-ssl", "nginx", "curl", "gnutls3.7", "java17.0.15", "nss3.87", "node"),
            *("go", "cryptography", "pyhanko", "botan2.19", "rustls"),
        ),
        {
            "gnutls3.7": "The certificate is NOT trusted.",
            "nss3.87": "invalid signature",
            "go": "cannot verify signature: algorithm unimplemented",
            "cryptography": "Forbidden signature algorithm",
            "rustls": _UNSUPPORTED,
        },
    ),
)
