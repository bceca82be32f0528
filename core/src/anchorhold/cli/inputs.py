"""Reading what the command line names: files, standard input, CSRs pasted at a terminal, expiry dates."""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from anchorhold.errors import InputError, PathLengthError, ValidityError
from anchorhold.x509.durations import is_duration, parse_duration
from anchorhold.x509.validity import in_utc, now, parse_expiry, parse_past

if TYPE_CHECKING:
    from anchorhold.operations.authority_plan import PathLength

MAX_INPUT_OCTETS = 1 << 20
"""No key, certificate or CSR is larger, in bytes."""
STANDARD_INPUT = "-"
_END = b"-----END "
_PASTE_HINT = "name a file with --csr, or redirect one: `anchorhold sign-cert … < request.csr`"


def read_input(place: str, what: str) -> bytes:
    """The content of a file, or of standard input for ``-``.

    Raises:
        InputError: It cannot be read, is empty, or too large.
    """
    if place == STANDARD_INPUT and sys.stdin is None:
        raise InputError(f"standard input: is closed, so no {what} can be read", hint="name a file")
    try:
        if place == STANDARD_INPUT:
            content = sys.stdin.buffer.read(MAX_INPUT_OCTETS + 1)
        else:
            with Path(place).open("rb") as file:
                content = file.read(MAX_INPUT_OCTETS + 1)
    except OSError as error:
        raise InputError(
            f"{place}: the {what} cannot be read ({error.strerror})", hint="name a file that exists"
        ) from error
    if not content or len(content) > MAX_INPUT_OCTETS:
        size = "is empty" if not content else "is larger than 1 MiB"
        raise InputError(f"{place}: the {what} {size}", hint="name another file")
    return content


def read_csr(place: str) -> bytes:
    """The content of a file, or of standard input for ``-``.

    At a terminal it is asked for, and ends with its last line, so that nobody has to know how to end an input.

    Args:
        place: As it was typed.

    Raises:
        InputError: It cannot be read, has nothing in it, or is too large.
    """
    if place != STANDARD_INPUT:
        return read_input(place, "CSR")
    if sys.stdin is None:
        raise InputError("standard input: is closed, so no CSR can be read", hint=_PASTE_HINT)
    content = _read_pasted() if sys.stdin.isatty() else _read_stream()
    if not content.strip():
        raise InputError("standard input: is empty, so no CSR can be read", hint=_PASTE_HINT)
    if len(content) > MAX_INPUT_OCTETS:
        raise InputError("standard input: the CSR is larger than 1 MiB", hint="use another CSR")
    return content


def name_of(place: str) -> str:
    """What to call that place in messages."""
    return "standard input" if place == STANDARD_INPUT else place


def expiry(text: str | None) -> dt.datetime | None:
    """An expiry as typed; None if there was none."""
    return None if text is None else parse_expiry(text, now())


def duration(text: str) -> dt.timedelta:
    """A span as typed, such as ``7d``."""
    start = now()
    return parse_expiry(text, start) - start


def past(text: str | None) -> dt.datetime | None:
    """A moment that has passed, as typed; None if there was none.

    Raises:
        ValidityError: It cannot be read, or has not passed.
    """
    return None if text is None else parse_past(text)


def earlier(text: str | None) -> dt.datetime | None:
    """A moment as typed, or a span counted back from now; None if there was none.

    Raises:
        ValidityError: It cannot be read.
    """
    if text is None:
        return None
    if is_duration(text):
        return now() - parse_duration(text, "time")
    try:
        return in_utc(dt.datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError) as error:
        raise ValidityError(
            f"time {text!r}: cannot be read", hint="use a date such as 2026-12-31, or a duration such as 7d"
        ) from error


def path_length(text: str | None) -> PathLength:
    """A path length as typed: a number, or ``none``; None if nothing was.

    Raises:
        PathLengthError: It is neither.
    """
    if text is None:
        return None
    if text.lower() == "none":
        return "none"
    if not re.fullmatch("[0-9]{1,4}", text):
        raise PathLengthError(f"path length {text!r}: is not a number", hint="use 0, 1, 2 … or none")
    return int(text)


def _read_stream() -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_INPUT_OCTETS + 1)
    except OSError as error:
        raise InputError(f"standard input: cannot be read ({error.strerror})", hint=_PASTE_HINT) from error


def _read_pasted() -> bytes:
    """The lines up to the END line of PEM (RFC 7468, section 2), or to the end of the input."""
    from anchorhold.cli.output import info

    info("Paste the certificate signing request (PEM), with its BEGIN and END lines:")
    content = b""
    for line in sys.stdin.buffer:
        content += line
        if line.strip().startswith(_END) or len(content) > MAX_INPUT_OCTETS:
            break
    return content
