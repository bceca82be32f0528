"""Private keys in files: PKCS#8, encrypted with PBES2 (PBKDF2-HMAC-SHA256, AES-256-CBC) or not."""

from __future__ import annotations

from typing import Final

from anchorhold.advice.row import row

_OPENED: Final = ("openssl3.0", "gnutls", "java", "keytool", "node", "nss", "mbedtls", "puttygen")
_MORE: Final = (*_OPENED, "ssh-keygen", "node-forge")
_PLAIN: Final = ("openssl", "python-ssl", "cryptography", "node", "nginx", "bouncycastle", "mbedtls", "gnutls")

KEY_FILES: Final = (
    row(
        "key file",
        "encryption with PBES2",
        _OPENED,
        {
            "java17": "NoSuchAlgorithmException: PBES2 SecretKeyFactory not available, where the code uses "
            "getAlgName() instead of getAlgParameters().toString()",
            "keytool": "Unrecognized keystore format",
            "nss": "SEC_ERROR_INVALID_ARGS (no NSS tool reads PKCS#8)",
            "mbedtls2.28": "-0x2e80 PKCS5 - Requested encryption or digest alg not available",
            "puttygen": "unrecognised key type",
        },
    ),
    row("key file", "encrypted RSA key", _MORE),
    row("key file", "encrypted EC key", _MORE, {"node-forge": "no"}),
    row(
        "key file",
        "encrypted Ed25519 key",
        _MORE,
        {"mbedtls3.6": "-0x3c80 only RSA and EC", "ssh-keygen": "Load key: invalid format", "node-forge": "no"},
    ),
    row("key file", "RSA key", _PLAIN),
    row("key file", "EC key", (*_PLAIN, "ssh-keygen")),
    row("key file", "Ed25519 key", ("ssh-keygen",), {"ssh-keygen": "Load key: invalid format"}),
    row(
        "key file",
        "PUBLIC KEY block behind the private key",
        (*_PLAIN, "ssh-keygen", "java"),
        {"java": 'IllegalArgumentException / IOException "extra data at the end"'},
        only="Java code that strips all PEM armour from the file",
    ),
)
