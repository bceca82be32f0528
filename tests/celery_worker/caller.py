"""``python -m celery_worker.caller SETTINGS CSR LOG``: issues until it is told to end, and writes down what came of it.

A line is ``issued DER`` or ``failed CLASS TEXT``. It is written when the answer is there, as people would be told.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, TextIO

from anchorhold.errors import AnchorholdError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order

if TYPE_CHECKING:
    from anchorhold.installation import Installation
    from anchorhold.operations.issuer import Issuer

THREADS = 2
PAUSE = 0.1
"""Seconds after a failure; whoever asks again at once only fills the log."""


class Caller:
    """Issues in threads, one certificate after the other, by one issuer.

    Args:
        installation: Of the host that asks.
        csr: What is asked for.
        told: Where it is written down.
    """

    def __init__(self, installation: Installation, csr: bytes, told: TextIO) -> None:
        self._installation = installation
        self._order = Order(csr=csr, names=["a.example"])
        self._told = told
        self.over = Event()

    def run(self) -> None:
        """Issue until it is over."""
        while not self.over.is_set():
            try:
                issuer = self._installation.certificates.issuer("Root")
            except AnchorholdError as error:
                self._failed("failed", error)
                continue
            with issuer:
                threads = [Thread(target=self._issue, args=(issuer,)) for _ in range(THREADS)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()

    def _issue(self, issuer: Issuer) -> None:
        while not self.over.is_set():
            try:
                self._told.write(f"issued {issuer.sign(self._order).der.hex()}\n")
            except AnchorholdError as error:
                self._failed("failed", error)
            except Exception as error:
                self._failed("defect", error)
            finally:
                self._installation.ledger.close()

    def _failed(self, how: str, error: Exception) -> None:
        self._told.write(f"{how} {type(error).__name__} {error}\n")
        self.over.wait(PAUSE)


def main(settings: Path, csr: Path, log: Path) -> None:
    """Issue until a signal comes."""
    with log.open("a", buffering=1) as told, open_installation(settings) as installation:
        caller = Caller(installation, csr.read_bytes(), told)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: caller.over.set())
        caller.run()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
