"""``revoke-cert``: revoke a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.inputs import past
from anchorhold.cli.output import info
from anchorhold.errors import InputError
from anchorhold.x509.crl_entries import HOLD

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


def revoke_cert(
    context: CommandContext,
    serial: Annotated[
        str,
        typer.Argument(
            help="Serial number in hex, with or without colons, or 8 digits or more from its beginning; a negative one "
            "behind --.",
            metavar="SERIAL",
        ),
    ],
    ca: Annotated[
        str | None,
        typer.Option("--ca", help="Its issuer, where several have given that serial number.", metavar="CA"),
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, "
            "certificateHold, privilegeWithdrawn or aACompromise.",
            metavar="REASON",
        ),
    ] = "unspecified",
    invalidity_date: Annotated[
        str | None,
        typer.Option(
            "--invalidity-date",
            help="Since when its key may not have been trustworthy: a date (2026-12-31) or moment (ISO 8601, UTC).",
            metavar="WHEN",
        ),
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="Take back that it is on hold (revoked for certificateHold).")
    ] = False,
) -> None:
    """Revoke a certificate. OCSP answers say so at once, CRLs when they are made next."""
    if release:
        if reason != "unspecified" or invalidity_date is not None:
            raise InputError("--release: takes no reason and no date", hint="leave them out")
        record = context.installation.revocations.release(serial, authority=ca)
        info(f"Released certificate {record.serial}; the next CRL will not have it.")
        return
    record = context.installation.revocations.revoke(serial, reason, past(invalidity_date), authority=ca)
    note = f" Take that back with --release, or give another reason than {HOLD}." if reason == HOLD else ""
    info(f"Revoked certificate {record.serial} for {record.subject or ','.join(record.names)}.{note}")
