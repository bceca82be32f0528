"""Chains of a root, an issuing authority and a P-256 certificate, by the key and signature of both authorities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.advice.row import row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorhold.advice.row import Row

_TRIED: Final = (
    *("openssl", "gnutls", "java", "nss", "node", "mbedtls", "wolfssl", "go", "cryptography", "pyhanko"),
    *("bouncycastle", "botan3.7", "botan3.13", "rustls", "pkijs"),
)
_NO_OID: Final = "-0x262e OID not found"
_WEAK: Final = "ca md too weak"
_WEAK_HASH: Final = "Hash function used is considered too weak for security"
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
            "rustls": "refused",
            "pkijs": "no path",
        },
    ),
    _chain(
        "ML-DSA-65",
        {
            "openssl3.0": "error 20, decode error",
            "nginx": "[emerg] ... ca md too weak",
            "gnutls": 'not trusted / "signature in the certificate is invalid"',
            "nss3.87": _ADDING,
            "nss3.110": _ADDING,
            "java17.0.15": "NoSuchAlgorithmException: 2.16.840.1.101.3.4.3.18 Signature not available",
            "node": _WEAK,
            "mbedtls": _NO_OID,
            "wolfssl": "load root 0 (fails)",
            "go1.19": "unimplemented",
            "bouncycastle1.72": "fails",
            "pkijs": "no path",
        },
        untried=("rustls",),
        more=("nginx",),
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
        },
        untried=("rustls", "pkijs"),
    ),
    _chain(
        "EC with SHA3-256",
        {
            "openssl3.0": 'error 20 "unable to get local issuer certificate"',
            "python-ssl": _WEAK,
            "nginx": "[emerg] ... ca md too weak",
            "nss": "invalid signature",
            "node": _WEAK,
            "mbedtls": _NO_OID,
            "go": "unimplemented",
            "cryptography": "Forbidden signature algorithm",
            "pyhanko": "AttributeError 'NoneType' ... 'lower'",
            "botan3.7": _WEAK_HASH,
            "botan3.13": _WEAK_HASH,
            "pkijs": "no path",
        },
        untried=("rustls",),
        more=("nginx", "python-ssl"),
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
        },
        untried=("rustls", "pkijs"),
    ),
)
