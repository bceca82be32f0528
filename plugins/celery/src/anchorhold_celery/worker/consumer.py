"""What the parent process takes from the broker: nothing that is no task of ours gets any further.

Celery logs such messages with their content, and one without an id ends the connection, comes again, and ends it again.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from celery.worker.consumer import Consumer

from anchorhold_celery.messages import TASK

logger = logging.getLogger(__name__)


class CarefulConsumer(Consumer):  # type: ignore[misc]
    """The consumer of Celery behind a look at each message."""

    def create_task_handler(self, *arguments: Any, **others: Any) -> Any:
        """What is called with each message."""
        handle = super().create_task_handler(*arguments, **others)

        def on_message(message: Any) -> None:
            if is_task(message):
                handle(message)
                return
            logger.warning("a message that is not understood was thrown away (its content is not shown)")
            message.reject_log_error(logger, self.connection_errors)

        return on_message


def is_task(message: Any) -> bool:
    """Whether a message is a task of ours in the form that Celery 5 has (its message protocol 2).

    Args:
        message: From kombu, not decoded yet.
    """
    headers = message.headers
    if not isinstance(headers, dict) or headers.get("task") != TASK or not isinstance(headers.get("id"), str):
        return False
    if message.content_type != "application/json":
        return False
    try:
        body = json.loads(message.body)
    except (ValueError, TypeError, RecursionError):
        return False
    return isinstance(body, list) and [type(part) for part in body] == [list, dict, dict]
