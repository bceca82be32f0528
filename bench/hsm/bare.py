"""``python -m bench.hsm.bare KIND``: signatures by python-pkcs11 with nothing around it, with the key of that label.

One session and one key object for all of them; the digest is made here, as the backend makes it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Any

import pkcs11

from bench.hsm.messages import messages
from bench.worker import serve

DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""Of SHA-256 (RFC 8017, section 9.2, note 1)."""
WAYS: dict[str, tuple[pkcs11.Mechanism, bytes]] = {
    "EC P-256": (pkcs11.Mechanism.ECDSA, b""),
    "RSA-2048": (pkcs11.Mechanism.RSA_PKCS, DIGEST_INFO),
}


def main(kind: str) -> None:
    """Find the key, and sign when asked to."""
    mechanism, prefix = WAYS[kind]
    token = pkcs11.lib(os.environ["BENCH_LIBRARY"]).get_token(token_label=os.environ["BENCH_TOKEN"])
    with token.open(user_pin=os.environ["BENCH_PIN"]) as session:
        key: Any = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=kind)

        def sign(count: int) -> None:
            for message in messages(count):
                key.sign(prefix + hashlib.sha256(message).digest(), mechanism=mechanism)

        serve({"sign": sign})


if __name__ == "__main__":
    main(*sys.argv[1:])
