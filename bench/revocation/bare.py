"""``python -m bench.revocation.bare LEDGER FILE``: the work of a first list in a loop, made without anchorhold.

Reads the entries of all revocations row by row, joins, signs (ECDSA on P-256 with SHA-256) and verifies them, and
writes them in one durable commit to a new SQLite file. What stands around the entries in a list is left out. Prints
the seconds, and those of processor time.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bench.revocation.filled import TABLE

CHUNK = 1 << 20
"""Octets to a row, as in the ledger."""
ECDSA = ec.ECDSA(hashes.SHA256())


def main(ledger: Path, file: Path) -> None:
    """Measure it."""
    key = ec.generate_private_key(ec.SECP256R1())
    for name in (file, *(file.with_name(f"{file.name}-{end}") for end in ("wal", "shm"))):
        name.unlink(missing_ok=True)
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(file)) as target:
        target.executescript("PRAGMA journal_mode = wal; PRAGMA synchronous = full; CREATE TABLE piece (octets BLOB)")
        begun, busy = time.perf_counter(), time.process_time()
        message = b"".join(entry for (entry,) in source.execute(f"SELECT entry FROM {TABLE} ORDER BY id"))  # noqa: S608
        key.public_key().verify(key.sign(message, ECDSA), message, ECDSA)
        pieces = ((message[begin : begin + CHUNK],) for begin in range(0, len(message), CHUNK))
        with target:
            target.executemany("INSERT INTO piece VALUES (?)", pieces)
        print(time.perf_counter() - begun, time.process_time() - busy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
