"""Showing certificates: data to standard output or a file, talk to standard error."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509

from anchorhold.errors import InputError, OutputError
from anchorhold.x509.certificates import pem
from anchorhold.x509.describe import as_text, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Format(StrEnum):
    """How a certificate is shown."""

    PEM = "pem"
    DER = "der"
    JSON = "json"
    TEXT = "text"


class CrlFormat(StrEnum):
    """How a CRL is shown."""

    PEM = "pem"
    DER = "der"
    JSON = "json"


class ListFormat(StrEnum):
    """How a list is shown."""

    TEXT = "text"
    JSON = "json"


def say(message: str) -> None:
    """Tell the person at the terminal something."""
    print(message, file=sys.stderr)


def say_notes(notes: Iterable[str]) -> None:
    """Tell the person what there is to know about what was done."""
    for note in notes:
        say(f"Note: {note}")


def render(
    der: bytes,
    form: Format,
    *,
    chain: Sequence[bytes] = (),
    more: Iterable[tuple[str, str]] = (),
    record: dict[str, Any] | None = None,
) -> bytes:
    """A certificate as it is to be shown.

    Args:
        der: The certificate.
        form: How.
        chain: Certificates to put behind it, for PEM and JSON.
        more: Lines to put before the text form, as (label, value).
        record: Members to put into the JSON form beside ``certificate``.
    """
    match form:
        case Format.DER:
            return der
        case Format.PEM:
            return "".join(pem(part) for part in (der, *chain)).encode()
        case Format.JSON:
            content = {**(record or {}), "certificate": describe(x509.load_der_x509_certificate(der)), "pem": pem(der)}
            if chain:
                content["chain"] = [pem(part) for part in chain]
            return as_json(content)
        case Format.TEXT:
            texts = [as_text(x509.load_der_x509_certificate(der), more)]
            texts += [as_text(x509.load_der_x509_certificate(part)) for part in chain]
            return "\n\n".join(texts).encode() + b"\n"


def as_json(content: Any) -> bytes:
    """JSON for programs, readable for people."""
    return json.dumps(content, indent=2).encode() + b"\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Columns as wide as their content."""
    if not rows:
        return b""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "".join(f"{line.rstrip()}\n" for line in lines).encode()


def check_output(out: Path | None, form: Format | None = None, *, bundle: bool = False) -> None:
    """Find out that the result cannot be shown or written before anything is issued.

    Raises:
        OutputError: It cannot be written there.
        InputError: The format has no room for a bundle.
    """
    if bundle and form is Format.DER:
        raise InputError("--bundle: DER has room for one certificate", hint="use --output-format pem")
    if out is None:
        return
    folder = out.absolute().parent
    if not os.access(folder, os.W_OK | os.X_OK) or not folder.is_dir() or out.is_dir():
        raise OutputError(f"{out}: cannot be written there", hint="name a file in a folder that exists")


def write(content: bytes, out: Path | None) -> None:
    """To a file, all at once, or to standard output.

    Raises:
        OutputError: It cannot be written; whatever was issued is in the ledger.
    """
    if out is None:
        _write_to_stdout(content)
        return
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(
            f"{out}: cannot be written ({error.strerror})", hint="get the certificate with list-certs and view-cert"
        ) from error


def _write_to_stdout(content: bytes) -> None:
    if sys.stdout is None:
        raise OutputError(
            "standard output: is closed", hint="open it; whatever was issued is in the ledger, see list-certs"
        )
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader has seen enough, as in `list-certs | head`
        _give_up_stdout()
        raise SystemExit(128 + signal.SIGPIPE) from None
    except OSError as error:
        _give_up_stdout()
        raise OutputError(
            f"standard output: cannot be written ({error.strerror})",
            hint="make room; whatever was issued is in the ledger, see list-certs",
        ) from error


def _give_up_stdout() -> None:
    """What is still in the buffer must not fail again when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
