"""A witness of the newest epoch, which is read again and again through a new connection each time.

A worker cannot find out by its own connections that it reads an old picture. What the witness saw is in a file of the
server's folder; a worker that reads a lower epoch afterwards does not see the newest one. On SQLite it takes another
process, for a process shares what it knows of a file: the one that starts the workers. A database server is asked by
each worker, and the starter opens nothing that its children would inherit.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from anchorhold.errors import AnchorholdError
from anchorhold.ledger import epoch_reader
from anchorhold.ledger.epoch import SELECT_EPOCH
from anchorhold_server.folder import ensure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INTERVAL: Final = 3.0
"""Seconds between looks of the witness."""
BUSY: Final = 1.0
"""Seconds for which it waits for a locked file."""
SQLITE: Final = "sqlite:///"

_no_fork = Lock()
"""Held during a look: a child that is forked meanwhile would believe that it has the locks of its parent."""
os.register_at_fork(before=_no_fork.acquire, after_in_parent=_no_fork.release, after_in_child=_no_fork.release)

logger = logging.getLogger(__name__)


def sqlite_path(url: str) -> Path | None:
    """The file behind the URL of a ledger; None if that is no SQLite file."""
    return Path(url[len(SQLITE) :]) if url.lower().startswith(SQLITE) else None


@contextmanager
def witness(url: str, folder: Path) -> Iterator[None]:
    """Look again and again, in a thread, for as long as the server runs.

    Args:
        url: Of the ledger.
        folder: Of the server.
    """
    path, ended = sqlite_path(url), Event()
    read = epoch_reader(url) if path is None else lambda: _read_file(path)
    looking = Thread(target=_look_on, args=(read, folder, ended), name="witness", daemon=True)
    looking.start()
    try:
        yield
    finally:
        ended.set()
        looking.join(2 * BUSY)  # a database server may take longer, and is not waited for


def witnessed_epoch(folder: Path) -> int | None:
    """The newest epoch that the witness has seen; None if it cannot see any."""
    try:
        return int(_file(folder).read_text())
    except (OSError, ValueError):
        return None


def _look_on(read: Callable[[], int], folder: Path, ended: Event) -> None:
    file, before = _file(folder), 0
    while not ended.wait(INTERVAL):  # not at once: the starter is forking its workers
        try:
            with _no_fork:
                epoch = read()
                if not ended.is_set():
                    _write(file, epoch)
            if epoch < before:
                logger.warning("an older ledger was restored", extra={"details": {"epoch": epoch, "before": before}})
            before = epoch
        except (AnchorholdError, sqlite3.Error, OSError) as error:  # and so it has seen nothing
            logger.debug("witness", exc_info=error)
            file.unlink(missing_ok=True)


def _write(file: Path, epoch: int) -> None:
    ensure(file.parent)
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(str(epoch))
    new.replace(file)


def _file(folder: Path) -> Path:
    return folder / "epoch"


def _read_file(path: Path) -> int:
    """Read-only: that creates no database, and a connection that may not write leaves the write-ahead log alone."""
    url = f"file:{quote(str(path.absolute()))}?mode=ro"
    with closing(sqlite3.connect(url, uri=True, timeout=BUSY)) as connection:
        return int(connection.execute(SELECT_EPOCH).fetchone()[0])
