"""``regenerate-ocsp-keys``: new keys and certificates for OCSP responders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.algorithms import key_spec
from anchorhold.cli.output import say
from anchorhold.errors import AnchorholdError

if TYPE_CHECKING:
    from anchorhold.algorithms import KeySpec
    from anchorhold.cli.session import Session
    from anchorhold.issuing.authority import Authority


def regenerate_ocsp_keys(
    session: Session,
    cas: Annotated[
        list[str] | None,
        typer.Argument(help="Which authorities (default: all that are active).", metavar="[CA]..."),
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
) -> None:
    """Make new keys for OCSP responders, with certificates of their authorities, and destroy those that are over."""
    installation = session.installation
    spec = key_spec(key_type, key_size, elliptic_curve) if key_type or key_size or elliptic_curve else None
    authorities = [installation.authority(name) for name in cas or ()] or [
        found for found in installation.authorities() if found.record.status == "active"
    ]
    session.check_used({found.record.key_backend for found in authorities})
    if not authorities:
        say("There are no authorities yet.")
    failed: list[AnchorholdError] = []
    for authority in authorities:
        try:
            _renew(session, authority, spec, force=force or spec is not None)
        except AnchorholdError as error:  # the others are served all the same
            failed.append(error)
            say(f"{authority.name}: {error}")
    if failed:
        raise failed[0]


def _renew(session: Session, authority: Authority, spec: KeySpec | None, *, force: bool) -> None:
    installation = session.installation
    destroyed = installation.sweep_responders(authority)
    if destroyed:
        say(f"Destroyed {destroyed} old responder key{'s' if destroyed != 1 else ''} of {authority.name}.")
    if not force and not installation.responder_is_due(authority):
        say(f"The responder of {authority.name} is good; --force replaces it all the same.")
        return
    secrets = session.secrets(authority.record.key_backend)
    made = installation.renew_responder(authority, secrets, key=spec)
    say(f"New responder of {authority.name}, serial {made.serial}, until {made.not_after:%Y-%m-%d %H:%M} UTC.")
