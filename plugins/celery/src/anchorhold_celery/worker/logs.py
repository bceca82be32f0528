"""What of Celery's logging would show answers, and is kept from it; for messages, see `consumer`."""

from __future__ import annotations

import logging


def keep_results_out_of_logs() -> None:
    """Leave results out of all logs of this process and its children: with INFO, Celery shows each."""
    logging.getLogger("celery.app.trace").setLevel(logging.WARNING)
