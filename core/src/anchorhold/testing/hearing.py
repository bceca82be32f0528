"""Hearing everything that a piece of code says: log records, warnings, output; and recognising secrets in it."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import warnings
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Hearing(logging.Handler):
    """Collects what is said inside of a ``with``: log records of every level, warnings, standard output and error.

    Attributes:
        said: All of it, as text.
    """

    def __init__(self) -> None:
        super().__init__(level=logging.NOTSET)
        self._records: list[str] = []
        self._output = io.StringIO()
        self._leaving = contextlib.ExitStack()

    @property
    def said(self) -> str:
        """Everything so far."""
        return "\n".join([*self._records, self._output.getvalue()])

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record: its text, its arguments and its traceback."""
        self._records += [logging.Formatter("%(name)s %(message)s").format(record), repr(record.args)]

    def __enter__(self) -> Self:
        root = logging.getLogger()
        level, others = root.level, root.handlers
        root.handlers = [self]  # alone, or pytest would print what must not be seen
        root.setLevel(logging.DEBUG)
        self._leaving.callback(root.setLevel, level)
        self._leaving.callback(setattr, root, "handlers", others)
        caught = self._leaving.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        self._leaving.callback(lambda: self._records.extend(str(warning.message) for warning in caught))
        self._leaving.enter_context(contextlib.redirect_stdout(self._output))
        self._leaving.enter_context(contextlib.redirect_stderr(self._output))
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.close()


def shown(content: str | bytes, secrets: Mapping[str, str]) -> list[str]:
    """The names of the secrets that can be read in some content, be it plain, in hex or in base64."""
    octets = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    return [name for name, value in secrets.items() if any(form in octets for form in _forms(value))]


def _forms(value: str) -> Iterator[bytes]:
    plain = value.encode()
    yield from (plain, plain.hex().encode(), plain.hex().upper().encode(), base64.b64encode(plain).rstrip(b"="))
    yield repr(value)[1:-1].encode()
