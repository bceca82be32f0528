"""``regenerate-ocsp-keys``: new keys and certificates for OCSP responders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.algorithms import key_spec
from anchorhold.cli.error_collector import ErrorCollector
from anchorhold.cli.output import info
from anchorhold.errors import AuthorityExpiredError

if TYPE_CHECKING:
    from anchorhold.algorithms import KeySpec
    from anchorhold.cli.command_context import CommandContext
    from anchorhold.operations.authority import Authority


def regenerate_ocsp_keys(
    context: CommandContext,
    cas: Annotated[
        list[str] | None,
        typer.Argument(help="Which authorities (default: all, disabled ones too).", metavar="[CA]..."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also where the present one has half of its time left.")
    ] = False,
    key_type: Annotated[
        str | None, typer.Option("--key-type", help="Kind of key (default: as the authority's own).", metavar="TYPE")
    ] = None,
    key_size: Annotated[int | None, typer.Option("--key-size", help="Bits of an RSA key.", metavar="BITS")] = None,
    elliptic_curve: Annotated[
        str | None, typer.Option("--elliptic-curve", help="Curve of an EC key.", metavar="CURVE")
    ] = None,
    forget_old_keys: Annotated[
        bool,
        typer.Option(
            "--forget-old-keys",
            help="Record old keys as gone that are not found any more, or cannot be destroyed here.",
        ),
    ] = False,
) -> None:
    """Make new keys for OCSP responders, with certificates of their authorities, and destroy those that are over."""
    installation = context.installation
    spec = key_spec(key_type, key_size, elliptic_curve) if key_type or key_size or elliptic_curve else None
    named = [installation.authorities.get(name) for name in cas or ()]
    authorities = named or [found for found in installation.authorities.list() if found.record.status != "pending"]
    context.check_used({found.record.key_backend for found in authorities})
    if not authorities:
        info("There are no authorities yet.")
    failures = ErrorCollector()
    for authority in authorities:
        with failures.collecting(authority.name):
            if named or _is_valid(authority):
                _renew(context, authority, spec, force=force or spec is not None)
        with failures.collecting(authority.name):
            _sweep(context, authority, failures, gone=forget_old_keys)
    failures.raise_first()


def _is_valid(authority: Authority) -> bool:
    """Whether an authority that nobody named needs a responder; if not, it is said why."""
    try:
        authority.check_valid()
    except AuthorityExpiredError as error:
        info(f"{error.problem}, so it needs no responder.")
        return False
    return True


def _renew(context: CommandContext, authority: Authority, spec: KeySpec | None, *, force: bool) -> None:
    installation = context.installation
    if not force and not installation.responders.is_due(authority):
        info(f"The responder of {authority.name} is good; --force replaces it all the same.")
        return
    secrets = context.secrets(authority.record.key_backend)
    made = installation.responders.renew(authority, secrets, key=spec)
    info(f"New responder of {authority.name}, serial {made.serial}, until {made.not_after:%Y-%m-%d %H:%M} UTC.")


def _sweep(context: CommandContext, authority: Authority, failures: ErrorCollector, *, gone: bool) -> None:
    swept = context.installation.responders.destroy_expired(authority, gone=gone)
    for word, count in (("Destroyed", swept.destroyed), ("Forgot", swept.forgotten)):
        if count:
            info(f"{word} {count} old responder key{'s' if count != 1 else ''} of {authority.name}.")
    for error in swept.failures:
        failures.add(authority.name, error)
