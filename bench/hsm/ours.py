"""``python -m bench.hsm.ours KIND FOLDER``: signatures and certificates through the backend, its key in the token."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import anchorhold
from anchorhold.public_keys import is_signed_by
from bench.hsm.lines import THREADS
from bench.hsm.messages import messages
from bench.issuance.kinds import HOST
from bench.issuance.ours import KEYS
from bench.issuance.request import request
from bench.worker import serve

if TYPE_CHECKING:
    from anchorhold.operations.authority import Authority
    from anchorhold.plugin import Signer

SETTINGS = """\
[key_backends.default]
backend = "hsm"
[key_backends.default.options]
library_path = "{BENCH_LIBRARY}"
token = "{BENCH_TOKEN}"
user_pin = {{ env = "BENCH_PIN" }}
"""


class Signing:
    """Signatures alone, of which none is lost sight of.

    Args:
        authority: Whose key signs.
        signer: Of its key.
    """

    def __init__(self, authority: Authority, signer: Signer) -> None:
        self._authority = authority
        self._signer = signer
        self._signed: list[tuple[bytes, bytes]] = []

    def sign(self, count: int) -> None:
        """That many, in this thread."""
        self._signed += self._sign(count)

    def sign_in_threads(self, count: int) -> None:
        """That many, shared by threads."""
        with ThreadPoolExecutor(THREADS) as threads:
            for signed in threads.map(self._sign, [count // THREADS] * THREADS, range(THREADS)):
                self._signed += signed

    def verify(self, _: int) -> None:
        """All that were made since the last time.

        Raises:
            ValueError: One is wrong.
        """
        key, algorithm = self._authority.public_key, self._authority.algorithm
        for message, signature in self._signed:
            if not is_signed_by(key, signature, message, algorithm):
                raise ValueError("a signature is wrong")
        self._signed.clear()

    def _sign(self, count: int, source: int = 0) -> list[tuple[bytes, bytes]]:
        sign, algorithm = self._signer.sign, self._authority.algorithm
        return [(message, sign(message, algorithm)) for message in messages(count, source)]


def main(kind: str, folder: Path) -> None:
    """Make an authority with a key of that label, and work when asked to."""
    order = anchorhold.Order(csr=request(), names=[HOST])
    (folder / "config.toml").write_text(SETTINGS.format(**os.environ))
    environment = {**os.environ, "ANCHORHOLD_CA_DIR": str(folder), "ANCHORHOLD_CONFIG": str(folder / "config.toml")}
    with anchorhold.open_installation(environment=environment) as installation:
        authority = installation.authorities.create(
            "Bench", "CN=Bench", key=anchorhold.key_spec(*KEYS[kind]), options={"key-label": kind}
        )
        with installation.certificates.issuer(authority) as issuer, installation.keys.get(authority) as key:
            signing = Signing(authority, key.open())

            def single(count: int) -> None:
                for _ in range(count):
                    issuer.sign(order)

            serve(
                {
                    "sign": signing.sign,
                    "threads": signing.sign_in_threads,
                    "verify": signing.verify,
                    "single": single,
                    "batch": lambda count: issuer.sign_many([order] * count),
                }
            )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
