"""``edit-ca``: change the settings of a certificate authority."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.advising import note_about_authority, programs_of
from anchorhold.cli.arguments import Authority, EvenSo, For, IssuingOptions, OptionalFormat
from anchorhold.cli.first_publication import info_unpublished, publishes
from anchorhold.cli.output import check_output, info
from anchorhold.cli.rendering import show_authority
from anchorhold.cli.responder_view import info_alias_change
from anchorhold.errors import InputError

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


def edit_ca(
    context: CommandContext,
    ca: Authority,
    rename: Annotated[str | None, typer.Option("--rename", help="New name of the authority.", metavar="NAME")] = None,
    enable: Annotated[
        bool | None,
        typer.Option("--enable/--disable", help="Allow or prevent issuing certificates.", show_default=False),
    ] = None,
    programs: For = None,
    even_so: EvenSo = False,
    *,
    issuing: IssuingOptions,
    output_format: OptionalFormat = None,
) -> None:
    """Change the settings of a certificate authority.

    Settings that are not given stay as they are; an empty value removes a setting.
    """
    check_output(None, output_format)
    changes = issuing.given()
    if rename is None and enable is None and not changes:
        raise InputError("edit-ca: no change is given", hint="see `anchorhold edit-ca --help`")
    before, accepted_by = context.installation.authorities.get(ca), programs_of(programs)
    edited = context.installation.authorities.edit(
        before, name=rename, enabled=enable, changes=changes, accepted_by=accepted_by, even_so=even_so
    )
    info(f"Changed authority {edited.name} ({edited.record.status}).")
    advice = note_about_authority(context.installation, edited, accepted_by)
    show_authority(context.installation, edited, output_format, bundle=False, out=None, advice=advice)
    if edited.record.issuing.ocsp_key_backend != before.record.issuing.ocsp_key_backend:
        info(info_alias_change(context.installation, edited))
    elif publishes(edited) and not publishes(before):
        info_unpublished(context.installation, edited)
