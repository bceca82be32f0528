"""``regenerate-ocsp-keys``: new keys and certificates for OCSP responders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.algorithms import key_spec
from anchorhold.cli.failures import Failures
from anchorhold.cli.output import say
from anchorhold.errors import AuthorityExpiredError

if TYPE_CHECKING:
    from anchorhold.algorithms import KeySpec
    from anchorhold.cli.session import Session
    from anchorhold.issuing.authority import Authority


def regenerate_ocsp_keys(
    session: Session,
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
    installation = session.installation
    spec = key_spec(key_type, key_size, elliptic_curve) if key_type or key_size or elliptic_curve else None
    named = [installation.authorities.get(name) for name in cas or ()]
    authorities = named or [found for found in installation.authorities.list() if found.record.status != "pending"]
    session.check_used({found.record.key_backend for found in authorities})
    if not authorities:
        say("There are no authorities yet.")
    failures = Failures()
    for authority in authorities:
        with failures.of(authority.name):
            if named or _is_valid(authority):
                _renew(session, authority, spec, force=force or spec is not None)
        with failures.of(authority.name):
            _sweep(session, authority, failures, gone=forget_old_keys)
    failures.end()


def _is_valid(authority: Authority) -> bool:
    """Whether an authority that nobody named needs a responder; if not, it is said why."""
    try:
        authority.check_valid()
    except AuthorityExpiredError as error:
        say(f"{error.problem}, so it needs no responder.")
        return False
    return True


def _renew(session: Session, authority: Authority, spec: KeySpec | None, *, force: bool) -> None:
    installation = session.installation
    if not force and not installation.responders.is_due(authority):
        say(f"The responder of {authority.name} is good; --force replaces it all the same.")
        return
    secrets = session.secrets(authority.record.key_backend)
    made = installation.responders.renew(authority, secrets, key=spec)
    say(f"New responder of {authority.name}, serial {made.serial}, until {made.not_after:%Y-%m-%d %H:%M} UTC.")


def _sweep(session: Session, authority: Authority, failures: Failures, *, gone: bool) -> None:
    swept = session.installation.responders.destroy_expired(authority, gone=gone)
    for word, count in (("Destroyed", swept.destroyed), ("Forgot", swept.forgotten)):
        if count:
            say(f"{word} {count} old responder key{'s' if count != 1 else ''} of {authority.name}.")
    for error in swept.failures:
        failures.add(authority.name, error)
