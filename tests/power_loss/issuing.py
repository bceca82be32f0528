"""``python issuing.py COUNT [unsynced]``: issues certificates, and says of each that it was handed out.

Run from the folder of the CSR ``request.pem``. The serial number goes into the file of ANCHORHOLD_HANDED_OUT, which is
recorded with the ledger, so that the order is known. With "unsynced", neither commit is synced.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anchorhold
from anchorhold.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator


def main(count: int, *how: str) -> None:
    """Issue that many, one at a time."""
    if how:
        _sync_nothing()
    order = anchorhold.Order(csr=Path("request.pem").read_bytes(), names=["host.example.com"])
    told = os.open(os.environ["ANCHORHOLD_HANDED_OUT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with anchorhold.open_installation() as installation, installation.certificates.issuer("Root") as issuer:
        for _ in range(count):
            os.write(told, f"{issuer.sign(order).serial}\n".encode())


def _sync_nothing() -> None:
    """As if the second commit were one that is not synced either."""
    original = Ledger._committing  # where it is decided

    @contextmanager
    def committing(self: Ledger, **_: Any) -> Iterator[None]:
        with original(self, durable=False):
            yield

    Ledger._committing = committing  # type: ignore[method-assign]  # the same


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
