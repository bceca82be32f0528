"""What of Celery's logging would show messages or answers, and is kept from it."""

from __future__ import annotations

import logging
from typing import Final

_SHOWS_BODIES: Final = ("celery.worker.consumer.consumer", "celery.worker.strategy", "kombu.messaging")
"""Loggers of messages that could not be understood; with a warning they show all of their octets."""


def keep_content_out_of_logs() -> None:
    """Leave arguments, results and bodies of messages out of all logs of this process and its children."""
    logging.getLogger("celery.app.trace").setLevel(logging.WARNING)  # with INFO it shows each result
    for name in _SHOWS_BODIES:
        logger = logging.getLogger(name)
        if not any(isinstance(found, _WithoutBodies) for found in logger.filters):
            logger.addFilter(_WithoutBodies())


class _WithoutBodies(logging.Filter):
    """Replaces records about messages that could not be understood."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True: the record is changed, not dropped."""
        text = str(record.msg).lower()
        if record.levelno >= logging.WARNING and ("body" in text or "message" in text or "task" in text):
            record.msg, record.args = "a message that is not understood was thrown away (its content is not shown)", ()
            record.exc_info = record.exc_text = None
        return True
