"""What the parent process takes from the broker: nothing that is no task of ours gets any further.

Who reaches the broker can write more than messages of ours. Celery logs some of that with its content, ends because of
some, and gives it to the worker that starts next; time limits, tasks that follow and names for the log come with a
message, too.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any, Final

from celery.worker.consumer import Consumer

from anchorhold_celery.messages import TASK

_ID: Final = re.compile(r"[0-9A-Za-z-]{1,1000}")
_DAMAGED: Final = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What libraries raise where a broker delivers what has not even the form of a message."""

logger = logging.getLogger(__name__)


class CarefulConsumer(Consumer):  # type: ignore[misc]
    """The consumer of Celery behind a look at each message."""

    loop: Any

    def __init__(self, *arguments: Any, **others: Any) -> None:
        super().__init__(*arguments, **others)
        listen = self.loop

        def loop(*parts: Any) -> Any:
            try:
                return listen(*parts)
            except _DAMAGED as error:
                logger.warning("the broker has delivered what is no message (%s)", type(error).__name__)
                raise ConnectionError("the broker has delivered what is no message") from None  # Celery connects again

        self.loop = loop

    def create_task_handler(self, *arguments: Any, **others: Any) -> Any:
        """What is called with each message."""
        handle = super().create_task_handler(*arguments, **others)

        def on_message(message: Any) -> None:
            if is_task(message):
                message.headers = {"task": TASK, "id": message.headers["id"]}
                handle(message)
                return
            self._throw_away(message)

        return on_message

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """What is done with a message that kombu cannot decode."""
        self._throw_away(message)

    def _throw_away(self, message: Any) -> None:
        logger.warning("a message that is not understood was thrown away (its content is not shown)")
        message.reject_log_error(logger, self.connection_errors)


def is_task(message: Any) -> bool:
    """Whether a message is a task of ours in the form that Celery 5 has (its message protocol 2), and nothing more.

    Args:
        message: From kombu, not decoded yet.
    """
    headers = message.headers
    if not isinstance(headers, dict) or headers.get("task") != TASK or not _is_id(headers.get("id")):
        return False
    if (message.content_type, message.content_encoding) != ("application/json", "utf-8"):
        return False
    if not isinstance(message.delivery_info, dict) or not isinstance(message.properties, dict):
        return False
    try:
        body = json.loads(message.body)
    except (ValueError, TypeError, RecursionError):
        return False
    if not isinstance(body, list) or [type(part) for part in body] != [list, dict, dict]:
        return False
    arguments, named, following = body
    return not (named or any(following.values()) or any(isinstance(each, list | dict) for each in arguments))


def _is_id(value: object) -> bool:
    """Whether it is short, and can stand in a line of a log."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None
