"""Cursors of pages: opaque to clients, a number to us."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Final

from pydantic import Field

from anchorhold.errors import InputError

Cursor = Annotated[str, Field(max_length=64, pattern=r"^[0-9A-Za-z_=-]+$")]
_WRITTEN: Final = re.compile(r"([a-z]+):([0-9]{1,18})")


def cursor_of(kind: str, number: int) -> str:
    """The cursor of the page after a row.

    Args:
        kind: What is listed.
        number: Of the last row of this page.
    """
    return base64.urlsafe_b64encode(f"{kind}:{number}".encode()).decode()


def number_of(kind: str, cursor: str | None) -> int | None:
    """The opposite of `cursor_of`; None for the first page.

    Raises:
        InputError: It is none of this list.
    """
    if cursor is None:
        return None
    try:
        read = _WRITTEN.fullmatch(base64.b64decode(cursor, altchars=b"-_", validate=True).decode())
    except (binascii.Error, ValueError):
        read = None
    if read is None or read[1] != kind:
        raise InputError("cursor: is none of this list", hint="take it from the page before, or begin without one")
    return int(read[2])
