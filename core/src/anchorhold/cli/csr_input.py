"""Reading a CSR: from a file, from standard input, or pasted at a terminal."""

from __future__ import annotations

import sys

from anchorhold.cli.inputs import MAX_INPUT_OCTETS, read_input
from anchorhold.cli.output import info
from anchorhold.errors import InputError

STANDARD_INPUT = "-"
_END = b"-----END "
_PASTE_HINT = "name a file with --csr, or redirect one: `anchorhold sign-cert … < request.csr`"


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


def _read_stream() -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_INPUT_OCTETS + 1)
    except OSError as error:
        raise InputError(f"standard input: cannot be read ({error.strerror})", hint=_PASTE_HINT) from error


def _read_pasted() -> bytes:
    """The lines up to the END line of PEM (RFC 7468, section 2), or to the end of the input."""
    info("Paste the certificate signing request (PEM), with its BEGIN and END lines:")
    content = b""
    for line in sys.stdin.buffer:
        content += line
        if line.strip().startswith(_END) or len(content) > MAX_INPUT_OCTETS:
            break
    return content
