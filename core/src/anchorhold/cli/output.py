"""Showing certificates: data to standard output or a file, talk to standard error."""

from __future__ import annotations

import json
import os
import signal
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

from anchorhold.cli.destination import check_destination, is_standard_output, write_to
from anchorhold.cli.protected_files import NOTHING_PROTECTED
from anchorhold.errors import InputError, OutputError
from anchorhold.parser_errors import abbreviated, printable
from anchorhold.x509.describe import as_text, describe
from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold.x509.pem import pem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from anchorhold.cli.protected_files import ProtectedFiles


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


def info(message: str) -> None:
    """Tell the person at the terminal something; where nobody can be told, what was done is done all the same."""
    if sys.stderr is None:  # `print` would take standard output for it, which is for data
        return
    try:
        print(abbreviated(printable(message)), file=sys.stderr, flush=True)
    except OSError:
        _give_up(sys.stderr)


def info_notes(notes: Iterable[str]) -> None:
    """Tell the person what there is to know about what was done."""
    for note in notes:
        info(f"Note: {note}")


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
            return "".join(pem_of(part) for part in (der, *chain)).encode()
        case Format.JSON:
            content = {
                **(record or {}),
                "certificate": describe(load_lenient(der, forgiving=True)),
                "pem": pem_of(der),
            }
            if chain:
                content["chain"] = [pem_of(part) for part in chain]
            return as_json(content)
        case Format.TEXT:
            texts = [as_text(load_lenient(der, forgiving=True), more)]
            texts += [as_text(load_lenient(part)) for part in chain]
            return "\n\n".join(texts).encode() + b"\n"


def as_json(content: Any) -> bytes:
    """JSON for programs, readable for people."""
    return json.dumps(content, indent=2).encode() + b"\n"


def write_json_list(entries: Iterable[Any]) -> None:
    """A JSON array to standard output, entry by entry, however many there are.

    Raises:
        OutputError: It cannot be written.
    """
    before = "[\n"
    for entry in entries:
        text = json.dumps(entry, indent=2).replace("\n", "\n  ")
        _write_to_stdout(f"{before}  {text}".encode())
        before = ",\n"
    _write_to_stdout(b"[]\n" if before == "[\n" else b"\n]\n")


def write_line(text: str) -> None:
    """A line to standard output.

    Raises:
        OutputError: It cannot be written.
    """
    _write_to_stdout(f"{text}\n".encode())


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Columns as wide as their content."""
    if not rows:
        return b""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "".join(f"{printable(line.rstrip())}\n" for line in lines).encode()


def check_output(
    out: Path | None,
    form: Format | None = None,
    *,
    bundle: bool = False,
    kept: Callable[[], ProtectedFiles] | None = None,
) -> None:
    """Find out that the result cannot be shown or written, or should not be, before anything is issued.

    Args:
        out: The file; None or ``-`` for standard output.
        form: How it is shown.
        bundle: Whether there is more than one certificate.
        kept: Gives what the settings say of files.

    Raises:
        OutputError: It cannot be written there.
        InputError: The format has no room for a bundle.
    """
    if bundle and form is Format.DER:
        raise InputError("--bundle: DER holds a single certificate", hint="use --output-format pem")
    if out is not None and not is_standard_output(out):
        check_destination(out, kept() if kept is not None else NOTHING_PROTECTED)
    elif sys.stdout is None and (out is not None or form is not None):
        raise OutputError("standard output: is closed", hint="open it, or name a file with --out")


def write(content: bytes, out: Path | None, *, hint: str = "get the certificate with list-certs and view-cert") -> None:
    """To a file, or to standard output.

    Args:
        content: All of it.
        out: The file; None or ``-`` for standard output.
        hint: How to get it, if it cannot be written.

    Raises:
        OutputError: It cannot be written; whatever was issued is in the ledger.
    """
    if out is None or is_standard_output(out):
        _write_to_stdout(content)
    else:
        write_to(content, out, hint=hint)
        info(f"Wrote {out}.")


def _write_to_stdout(content: bytes) -> None:
    if sys.stdout is None:
        raise OutputError(
            "standard output: is closed", hint="open it; issued certificates are in the ledger, see list-certs"
        )
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()  # now, where a failure is told, and not at the end
    except BrokenPipeError:  # the reader has seen enough, as in `list-certs | head`
        _give_up(sys.stdout)
        raise SystemExit(128 + signal.SIGPIPE) from None
    except OSError as error:
        _give_up(sys.stdout)
        raise OutputError(
            f"standard output: cannot be written ({error.strerror})",
            hint="free space; issued certificates are in the ledger, see list-certs",
        ) from error


def _give_up(stream: TextIO) -> None:
    """What is still in the buffer must not fail again when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
