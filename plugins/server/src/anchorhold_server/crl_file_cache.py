"""CRLs as files in the runtime directory, from which the web server sends them: they may be large.

All workers share the files. The ledger is read again in a new revision only, and the whole CRL only if it is new, or if
its file is gone: many systems remove files below /tmp that were not used for long.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.x509.pem import LINE, pem_lines
from anchorhold_server.ledger_reader import reread
from anchorhold_server.runtime_dir import ensure_dir

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from anchorhold.ledger.records import CrlDates, CrlState
    from anchorhold.operations.authority import Authority
    from anchorhold_server.ledger_reader import LedgerReader

CHUNK: Final = 1024 * LINE
"""Octets that are written as PEM at a time: whole lines."""


@dataclass(frozen=True, slots=True)
class CachedCrl:
    """A CRL in a file.

    Attributes:
        state: What identifies it in the ledger.
        etag: Entity tag of its content, in quotes.
        file: The CRL in DER.
    """

    state: CrlState
    etag: bytes
    file: Path


class CrlFileCache:
    """Finds the newest CRLs. Threads may share it.

    Args:
        reader: Reads the ledger.
        folder: The runtime directory.
    """

    def __init__(self, reader: LedgerReader, folder: Path) -> None:
        self._reader = reader
        self._folder = folder
        self._reading = Lock()
        self._found: dict[tuple[int, int | None], tuple[int, CachedCrl | None]] = {}

    def dates(self) -> Mapping[int, Mapping[int | None, CrlDates]]:
        """When the newest CRLs of all authorities begin and end; see `LedgerReader.crl_dates`."""
        return self._reader.crl_dates()

    def find(self, revision: int, authority: Authority, shard: int | None = None) -> CachedCrl | None:
        """The newest CRL of an authority; None if there is none.

        Args:
            revision: Of the ledger.
            authority: Which one.
            shard: Of a partial CRL; None for the full one.

        Raises:
            LedgerError: It cannot be read.
        """
        key = (authority.record.id, shard)
        with self._reading:
            seen, found = self._found.get(key, (None, None))
            if seen != revision or (found is not None and not found.file.exists()):
                known = found
                found = reread(lambda: self._fetch(authority, shard, known))
                self._found[key] = (revision, found)
            return found

    def pem(self, crl: CachedCrl) -> Path:
        """The file of a CRL in PEM, written on the first request."""
        file = crl.file.with_suffix(".pem")
        if not file.exists():
            _write(file, pem_lines(_pieces(crl.file), "X509 CRL"))
        return file

    def _fetch(self, authority: Authority, shard: int | None, known: CachedCrl | None) -> CachedCrl | None:
        state = self._reader.crl_state(authority, shard)
        if state is None:
            return None
        if known is not None and known.state == state and known.file.exists():
            return known
        record = self._reader.crl(authority, shard)
        if record is None:
            return None
        etag = _digest(record.chunks)
        file = self._folder / f"{authority.record.serial}-{'full' if shard is None else shard}-{etag}.crl"
        if not file.exists():
            _write(file, record.chunks)
        if known is not None:
            self._drop_older(file, known.file)
        return CachedCrl(state, f'"{etag}"'.encode(), file)

    def _drop_older(self, newest: Path, before: Path) -> None:
        """Keep the newest CRL and the one before, which may be being sent."""
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
    """Write a file that appears under its name complete; other workers may write the same one."""
    ensure_dir(file.parent)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with temporary.open("wb") as out:
        out.writelines(content)
    temporary.replace(file)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as der:
        while piece := der.read(CHUNK):
            yield piece
