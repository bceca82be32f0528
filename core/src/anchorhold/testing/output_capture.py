"""Hearing everything that a piece of code says: log records, warnings, output; and recognising secrets in it."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import os
import tempfile
import warnings
from typing import IO, TYPE_CHECKING, Self
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class OutputCapture(logging.Handler):
    """Collects what is said inside of a ``with``: log records of every logger and level, warnings, output, errors.

    Attributes:
        output: All of it, as text.
    """

    def __init__(self) -> None:
        super().__init__(level=logging.NOTSET)
        self._records: list[str] = []
        self._output = io.StringIO()
        self._leaving = contextlib.ExitStack()

    @property
    def output(self) -> str:
        """Everything so far."""
        return "\n".join([*self._records, self._output.getvalue()])

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record: its text, its arguments and its traceback."""
        self._records += [logging.Formatter("%(name)s %(message)s").format(record), repr(record.args)]

    def __enter__(self) -> Self:
        self._hear_loggers()
        for descriptor in (1, 2):  # also what is written past sys.stdout and sys.stderr, as libraries in C do
            self._hear_descriptor(descriptor, self._leaving.enter_context(tempfile.TemporaryFile()))
        caught = self._leaving.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        self._leaving.callback(lambda: self._records.extend(str(warning.message) for warning in caught))
        self._leaving.enter_context(contextlib.redirect_stdout(self._output))
        self._leaving.enter_context(contextlib.redirect_stderr(self._output))
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.close()

    def _hear_loggers(self) -> None:
        """Take the records of all loggers, alone: handlers of others would print what must not be seen."""
        talkative: dict[str, Callable[..., object]] = {
            "isEnabledFor": lambda logger, level: True,
            "getEffectiveLevel": lambda logger: logging.DEBUG,
            "handle": lambda logger, record: self.handle(record),
        }
        for name, method in talkative.items():
            self._leaving.enter_context(mock.patch.object(logging.Logger, name, method))

    def _hear_descriptor(self, descriptor: int, file: IO[bytes]) -> None:
        """Send what is written to a descriptor into a file, which is read in the end."""
        self._leaving.callback(self._read, file)
        before = os.dup(descriptor)
        self._leaving.callback(os.close, before)
        self._leaving.callback(os.dup2, before, descriptor)
        os.dup2(file.fileno(), descriptor)

    def _read(self, file: IO[bytes]) -> None:
        file.seek(0)
        self._records.append(file.read().decode(errors="surrogateescape"))


def secrets_shown(content: str | bytes, secrets: Mapping[str, str]) -> list[str]:
    """The names of the secrets that can be read in some content, be it plain, in hex or in base64."""
    octets = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    return [name for name, value in secrets.items() if any(form in octets for form in _forms(value))]


def _forms(value: str) -> Iterator[bytes]:
    plain = value.encode()
    yield from (plain, plain.hex().encode(), plain.hex().upper().encode(), base64.b64encode(plain).rstrip(b"="))
    yield repr(value)[1:-1].encode()
