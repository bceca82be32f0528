"""``regenerate-ocsp-keys``: new keys and certificates for OCSP responders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.algorithms import key_spec
from anchorhold.cli.completion import complete_authority, complete_curve, complete_key_type
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
        typer.Argument(
            help="Authorities (default: all, including disabled ones).", metavar="CA", autocompletion=complete_authority
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Renew even if the current key is not due yet.")] = False,
    key_type: Annotated[
        str | None,
        typer.Option(
            "--key-type",
            help="Key type (default: that of the CA key).",
            metavar="TYPE",
            autocompletion=complete_key_type,
        ),
    ] = None,
    key_size: Annotated[int | None, typer.Option("--key-size", help="RSA key size in bits.", metavar="BITS")] = None,
    elliptic_curve: Annotated[
        str | None,
        typer.Option(
            "--elliptic-curve", help="Elliptic curve of an EC key.", metavar="CURVE", autocompletion=complete_curve
        ),
    ] = None,
    forget_old_keys: Annotated[
        bool,
        typer.Option(
            "--forget-old-keys",
            help="Mark old keys as destroyed if they cannot be found or the backend cannot delete them.",
        ),
    ] = False,
) -> None:
    """Create new keys and certificates for OCSP responders, and delete keys that are no longer needed."""
    installation = context.installation
    spec = key_spec(key_type, key_size, elliptic_curve) if key_type or key_size or elliptic_curve else None
    named = [installation.authorities.get(name) for name in cas or ()]
    authorities = named or [found for found in installation.authorities.list() if found.record.status != "pending"]
    context.check_used({found.record.key_backend for found in authorities})
    if not authorities:
        info("No authorities yet; nothing to do.")
    failures = ErrorCollector()
    for authority in authorities:
        with failures.collecting(authority.name):
            if named or _is_valid(authority):
                _renew(context, authority, spec, force=force or spec is not None)
        with failures.collecting(authority.name):
            _sweep(context, authority, failures, gone=forget_old_keys)
    failures.raise_first()


def _is_valid(authority: Authority) -> bool:
    """Whether an authority that the command line does not name needs a responder; prints why not."""
    try:
        authority.check_valid()
    except AuthorityExpiredError as error:
        info(f"{error.problem}, so it needs no responder.")
        return False
    return True


def _renew(context: CommandContext, authority: Authority, spec: KeySpec | None, *, force: bool) -> None:
    installation = context.installation
    if not force and not installation.responders.is_due(authority):
        info(f"The responder of {authority.name} is not due for renewal; --force renews it anyway.")
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
