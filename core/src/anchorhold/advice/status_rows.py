"""What else stands in certificates, partial CRLs, and answers of delegated OCSP responders."""

from __future__ import annotations

from typing import Final

from anchorhold.advice.row import row

_FULL: Final = "needs the full CRL"
_OPENSSL_TO_JAVA: Final = ("openssl", "gnutls3.7", "java17")

CERTIFICATES: Final = (
    row(
        "certificate",
        "must-staple",
        ("curl", "curl-gnutls", "openssl3.0", "python-ssl", "java17.0.21", "node", "nss3.87", "gnutls"),
        {
            "gnutls": "The certificate requires the server to include an OCSP status in its response, but the OCSP "
            "status is missing.",
            "curl-gnutls": "error 60",
        },
        only="servers that staple no OCSP response, as nginx does not in the first handshake after its start",
    ),
    row(
        "certificate",
        "validity until 99991231235959Z",
        (
            *("openssl3.0", "gnutls", "java17", "nss", "mbedtls", "wolfssl", "go", "cryptography", "pyhanko"),
            *("bouncycastle", "botan", "rustls", "pkijs"),
        ),
        {
            "botan2.19": "Error: Time 99991231235959Z does not seem to be valid",
            "botan3.7": "ASN1_Time string '99991231235959Z' does not seem to be valid",
        },
    ),
    row(
        "certificate",
        "EC key of the holder",
        (
            *("openssl", "gnutls", "java", "nss", "node", "mbedtls", "wolfssl", "go", "cryptography", "pyhanko"),
            *("bouncycastle", "botan3.7", "botan3.13", "rustls", "pkijs", "node-forge"),
        ),
        {"node-forge": "Cannot read public key. OID is not RSA."},
    ),
)

LISTS: Final = (
    row(
        "list",
        "partial CRL",
        (
            *("openssl", "python-ssl", "node", "nginx", "curl", "gnutls", "java", "bouncycastle1.72", "nss", "mbedtls"),
            *("wolfssl", "pyhanko", "pkijs"),
        ),
        {
            "gnutls": _FULL,
            "nss": "unable to import CRL: SEC_ERROR_CRL_UNKNOWN_CRITICAL_EXTENSION",
            "mbedtls": "crl parse -0x2562 X509 - The extension tag or value is invalid : ASN1 - ASN1 tag was of an "
            "unexpected value",
            "wolfssl5.5": _FULL,
            "wolfssl5.7": "load crl: -160 X.509 Critical extension ignored or invalid",
            "pkijs": _FULL,
        },
        only="verifiers that are given a partial CRL instead of the full one",
    ),
)

RESPONDERS: Final = (
    row("responder", "EC secp256r1", ("openssl", "gnutls3.7", "java", "nss3.87")),
    row("responder", "EC secp521r1", ("openssl3.0", "openssl3.5", "gnutls3.7", "java17", "nss3.87")),
    row("responder", "RSA with PSS", (*_OPENSSL_TO_JAVA, "nss3.87")),
    row("responder", "RSA with SHA3-256", _OPENSSL_TO_JAVA),
    row(
        "responder",
        "RSA with PSS and SHA3-256",
        ("openssl3.0", "openssl3.5", "gnutls3.7", "java17.0.15"),
        {"gnutls3.7": "Signer cert is not trusted"},
    ),
    row("responder", "Ed25519", (*_OPENSSL_TO_JAVA, "nss3.87"), {"nss3.87": "chain not importable"}),
    row("responder", "Ed448", _OPENSSL_TO_JAVA),
    row(
        "responder",
        "ML-DSA-65",
        _OPENSSL_TO_JAVA,
        {
            "openssl3.0": "Verify Failure (decode error, no signer key)",
            "gnutls3.7": "Signer cert is not trusted",
            "java17.0.15": "NoSuchAlgorithmException: 2.16.840.1.101.3.4.3.18 Signature not available",
        },
    ),
    row(
        "responder",
        "EC with SHA3-256",
        (*_OPENSSL_TO_JAVA, "nss3.87"),
        {
            "openssl3.0": 'Verify Failure "unable to get local issuer certificate"',
            "nss3.87": "Invalid OCSP signing certificate in OCSP response",
        },
    ),
    row(
        "responder",
        "EC brainpoolP256r1",
        ("openssl3.0", "openssl3.5", "gnutls3.7", "java17"),
        {"gnutls3.7": "Signer cert is not trusted", "java17": "Curve not supported"},
    ),
)
