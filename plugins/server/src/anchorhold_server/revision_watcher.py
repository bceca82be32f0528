"""Watches the newest revision, which is read again and again through a new connection each time.

A worker cannot find out by its own connections that it reads an old state. The revision that the watcher saw is in a
file of the runtime directory; a worker that reads a lower one afterwards does not see the newest state. On SQLite the
watcher needs another process, for a process shares what it knows of a file: the one that starts the workers. On a
database server each worker has its own watcher, and the parent opens nothing that its children would inherit.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError
from anchorhold.ledger.fresh_revision import BUSY, fresh_revision_reader
from anchorhold_server.runtime_dir import ensure_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

INTERVAL: Final = 3.0
"""Seconds between readings."""

_no_fork = Lock()
"""Held during a reading: a child that is forked meanwhile would believe that it has the locks of its parent."""
os.register_at_fork(before=_no_fork.acquire, after_in_parent=_no_fork.release, after_in_child=_no_fork.release)

logger = logging.getLogger(__name__)


@contextmanager
def watch_revision(url: str, folder: Path) -> Iterator[None]:
    """Watch the revision, in a thread, for as long as the server runs.

    Args:
        url: Of the ledger.
        folder: The runtime directory.
    """
    ended = Event()
    arguments = (fresh_revision_reader(url), folder, ended)
    thread = Thread(target=_watch, args=arguments, name="revision-watcher", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(2 * BUSY)  # a database server may take longer, and is not waited for


def watched_revision(folder: Path) -> int | None:
    """The newest revision that the watcher has seen; None if it cannot see any."""
    try:
        return int(_file(folder).read_text())
    except (OSError, ValueError):
        return None


def _watch(read: Callable[[], int], folder: Path, ended: Event) -> None:
    file, before = _file(folder), 0
    while not ended.wait(INTERVAL):  # not at once: the parent is forking its workers
        try:
            with _no_fork:
                revision = read()
                if not ended.is_set():
                    _write(file, revision)
            if revision < before:
                details = {"revision": revision, "before": before}
                logger.warning("an older ledger was restored", extra={"details": details})
            before = revision
        except (AnchorholdError, OSError) as error:  # nothing was seen
            logger.debug("revision watcher", exc_info=error)
            file.unlink(missing_ok=True)


def _write(file: Path, revision: int) -> None:
    ensure_dir(file.parent)
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(str(revision))
    new.replace(file)


def _file(folder: Path) -> Path:
    return folder / "revision"
