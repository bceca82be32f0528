"""Revocation lists as files in the server's folder, from which the web server sends them: they may be large.

All workers share the files. The ledger is asked again in a new epoch only, and for the whole list only if it is new, or
if its file is gone: what lies unused below /tmp for long is removed on many systems.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.x509.pem import LINE, pem_lines
from anchorhold_server.epochs import reread
from anchorhold_server.folder import ensure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold.issuing.authority import Authority
    from anchorhold.ledger.records import CrlDates, CrlState

CHUNK: Final = 1024 * LINE
"""Octets that are written as PEM at a time: whole lines."""


@dataclass(frozen=True, slots=True)
class ShelvedCrl:
    """A list on the shelf.

    Attributes:
        state: What the ledger knows of it.
        etag: Names its content, in quotes.
        file: The list in DER.
    """

    state: CrlState
    etag: bytes
    file: Path


class Shelf:
    """Finds the newest lists. Threads may share it.

    Args:
        installation: With the ledger.
        folder: Of the server.
    """

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._installation = installation
        self._folder = folder
        self._reading = Lock()
        self._found: dict[tuple[int, int | None], tuple[int, ShelvedCrl | None]] = {}

    def dates(self, authority: Authority) -> dict[int | None, CrlDates]:
        """When the newest lists of an authority begin and run out; see `anchorhold.ledger.crls.Crls.dates`.

        Raises:
            LedgerError: They cannot be read.
        """
        ledger = self._installation.ledger
        with ledger.guarded():
            return ledger.crls.dates(authority.record.id)

    def find(self, epoch: int, authority: Authority, shard: int | None = None) -> ShelvedCrl | None:
        """The newest list of an authority; None if none was made.

        Args:
            epoch: Of the ledger.
            authority: Which one.
            shard: None for the full one.

        Raises:
            LedgerError: It cannot be read.
        """
        key = (authority.record.id, shard)
        with self._reading:
            seen, found = self._found.get(key, (None, None))
            if seen != epoch or (found is not None and not found.file.exists()):
                known = found
                found = reread(lambda: self._fetch(authority, shard, known))
                self._found[key] = (epoch, found)
            return found

    def pem(self, crl: ShelvedCrl) -> Path:
        """The file of a list in PEM, written when it is first asked for."""
        file = crl.file.with_suffix(".pem")
        if not file.exists():
            _write(file, pem_lines(_pieces(crl.file), "X509 CRL"))
        return file

    def _fetch(self, authority: Authority, shard: int | None, known: ShelvedCrl | None) -> ShelvedCrl | None:
        ledger = self._installation.ledger
        with ledger.guarded():
            state = ledger.crls.state(authority.record.id, shard)
        if state is None:
            return None
        if known is not None and known.state == state and known.file.exists():
            return known
        record = self._installation.crls.latest(authority, shard)
        if record is None:
            return None
        etag = _digest(record.pieces)
        file = self._folder / f"{authority.record.serial}-{'full' if shard is None else shard}-{etag}.crl"
        if not file.exists():
            _write(file, record.pieces)
        if known is not None:
            self._drop_older(file, known.file)
        return ShelvedCrl(state, f'"{etag}"'.encode(), file)

    def _drop_older(self, newest: Path, before: Path) -> None:
        """Keep the newest list and the one before, which may be on its way to somebody."""
        kept = {newest.stem, before.stem}
        for old in self._folder.glob(f"{newest.stem.rpartition('-')[0]}-*"):
            if old.stem not in kept:
                old.unlink(missing_ok=True)


def _digest(pieces: Iterable[bytes]) -> str:
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _write(file: Path, content: Iterable[bytes]) -> None:
    """It appears under its name whole; other workers may write the same."""
    ensure(file.parent)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with temporary.open("wb") as out:
        out.writelines(content)
    temporary.replace(file)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as der:
        while piece := der.read(CHUNK):
            yield piece
