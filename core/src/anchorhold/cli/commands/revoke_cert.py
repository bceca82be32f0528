"""``revoke-cert``: revoke a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.completion import complete_authority, complete_reason
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
            help="Serial number, or a prefix of at least 8 digits, in hexadecimal, with or without colons; put -- "
            "before a negative one.",
            metavar="SERIAL",
        ),
    ],
    ca: Annotated[
        str | None,
        typer.Option(
            "--ca",
            help="Issuer of the certificate, if several use that serial number.",
            metavar="CA",
            autocompletion=complete_authority,
        ),
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="Revocation reason: unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, "
            "cessationOfOperation, certificateHold, privilegeWithdrawn or aACompromise.",
            metavar="REASON",
            autocompletion=complete_reason,
        ),
    ] = "unspecified",
    invalidity_date: Annotated[
        str | None,
        typer.Option(
            "--invalidity-date",
            help="Date (2026-12-31) or time (ISO 8601, UTC) from which the key may be compromised.",
            metavar="WHEN",
        ),
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="Remove the hold from a certificate revoked with reason certificateHold.")
    ] = False,
) -> None:
    """Revoke a certificate. OCSP reports it at once, CRLs from the next one generated."""
    if release:
        if reason != "unspecified" or invalidity_date is not None:
            raise InputError("--release: takes no --reason and no --invalidity-date", hint="omit them")
        record = context.installation.revocations.release(serial, authority=ca)
        info(f"Removed the hold from certificate {record.serial}; the next CRL omits it.")
        return
    record = context.installation.revocations.revoke(serial, reason, past(invalidity_date), authority=ca)
    note = " Remove the hold with --release, or revoke it with another reason." if reason == HOLD else ""
    info(f"Revoked certificate {record.serial} for {record.subject or ','.join(record.names)}.{note}")
