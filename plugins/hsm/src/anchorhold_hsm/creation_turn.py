"""One process of an installation at a time makes a key in a token."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

PATIENCE: Final = 30.0
"""Seconds after which a key is made although another process still has its turn: a device may hang."""
_PAUSE: Final = 0.01


@contextmanager
def creation_turn(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Wait for the turn of this process, and have it until the end of the block.

    A module may not show what another process has made while it was writing itself (SoftHSM 2), so that two that make
    keys with one id at the same moment both find theirs alone. Where a folder cannot be locked, as on some network file
    systems, nobody waits, and what the module shows decides.

    Args:
        folder: Of the settings, which all processes of the installation have.
        patience: Seconds.
    """
    with ExitStack() as stack:
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            _lock(descriptor, patience)
        except OSError as error:
            logger.debug("no turn", exc_info=error)
        yield


def _lock(descriptor: int, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(_PAUSE)
