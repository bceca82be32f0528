"""Logs as JSON, one object a line, on standard error."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import traceback
from typing import Any, Final

LEVELS: Final = ("debug", "info", "warning", "error")


class JsonFormatter(logging.Formatter):
    """A record as one line; of an exception its class and where it came from, not its text, which may hold anything."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name.removeprefix("_"),
            "process": os.getpid(),
            "message": record.getMessage(),
            **getattr(record, "details", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            line["where"] = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])]
        return json.dumps(line, default=str)


def logging_config(level: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`.

    Args:
        level: One of `LEVELS`.
    """
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    quiet = {"level": "INFO" if level == "debug" else "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": handler},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": True}, "asyncio": quiet},
    }
