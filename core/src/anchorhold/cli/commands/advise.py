"""``advise``: which widely used programs refuse what is here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.advice.programs import MEASURED
from anchorhold.cli.advising import info_unmeasured, programs_of
from anchorhold.cli.arguments import For, OutputListFormat
from anchorhold.cli.completion import complete_authority
from anchorhold.cli.inputs import read_input
from anchorhold.cli.output import ListFormat, as_json, info, table, write
from anchorhold.errors import InputError, UnknownAuthorityError
from anchorhold.x509.certificates import load_certificates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.advice.verdict import Advice
    from anchorhold.cli.command_context import CommandContext
    from anchorhold.installation import Installation


def advise(
    context: CommandContext,
    name: Annotated[
        str | None,
        typer.Argument(
            help="Authority, or serial number of a certificate (default: every authority).",
            metavar="NAME",
            autocompletion=complete_authority,
        ),
    ] = None,
    cert: Annotated[
        str | None,
        typer.Option(
            "--cert", help="Certificate file instead; the certificates above it may be in it.", metavar="FILE"
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="Private key file instead; its password is not needed.", metavar="FILE"),
    ] = None,
    programs: For = None,
    output_format: OutputListFormat = ListFormat.TEXT,
) -> None:
    """Show which widely used programs refuse an authority, a certificate or a key file, and what they say.

    With --for, only these programs are looked at, and the command fails if one of them refuses anything.
    """
    if len([given for given in (name, cert, key) if given is not None]) > 1:
        raise InputError("advise: takes one of NAME, --cert and --key", hint="omit the others")
    wanted, installation = programs_of(programs), context.installation
    if cert is not None:
        certificates = load_certificates(read_input(cert, "certificate"), cert, lenient=True)
        found = [installation.advice.of_file(certificates, wanted)]
    elif key is not None:
        found = [installation.advice.of_key_file(read_input(key, "private key"), key, wanted)]
    elif name is not None:
        found = [_named(installation, name, wanted)]
    else:
        complete = [each for each in installation.authorities.list() if each.record.status != "pending"]
        found = [installation.advice.of_authority(each, wanted) for each in complete]
    _show(found, output_format, asked=bool(wanted))


def _named(installation: Installation, name: str, programs: Sequence[str]) -> Advice:
    try:
        return installation.advice.of_authority(name, programs)
    except UnknownAuthorityError as error:
        if Path(name).is_file():
            hint = "add --cert for a certificate, --key for a private key"
            raise UnknownAuthorityError(f"authority {name!r}: is not known, but is a file", hint=hint) from None
        try:
            certificate = installation.certificates.get(name)
        except InputError:  # it is no serial number either
            raise error from None
    return installation.advice.of_certificate(certificate, programs)


def _show(found: Sequence[Advice], form: ListFormat, *, asked: bool) -> None:
    """All of it; with programs that were asked about, the first refusal is an error."""
    rows = [
        (advice.subject, finding.case, finding.what, refusal.program.name, _said(refusal.says, finding.only))
        for advice in found
        for finding in advice.findings
        for refusal in finding.refused_by
    ]
    if form is ListFormat.JSON:
        write(as_json([advice.to_json() for advice in found]), None)
    else:
        write(table(("SUBJECT", "CASE", "WHAT", "PROGRAM", "SAYS"), rows), None)
        for advice in found:
            info_unmeasured(advice)
        if not rows:
            info(f"None of {'these' if asked else 'the measured'} programs refuses any of it (measured on {MEASURED}).")
    if asked:
        for advice in found:
            advice.check()


def _said(says: str, only: str | None) -> str:
    return says if only is None else f"{says} (only {only})"
