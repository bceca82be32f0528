"""``recover``: finish or abandon what was interrupted."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.output import say
from anchorhold.errors import InputError, RecoveryNeededError, UnknownAuthorityError
from anchorhold.issuing.authority import Authority
from anchorhold.issuing.recovery import abandon_certificates

if TYPE_CHECKING:
    from anchorhold.cli.session import Session
    from anchorhold.issuing.recovery import Interrupted
    from anchorhold.ledger import AuthorityRecord


def recover(
    session: Session,
    finish: Annotated[
        str | None, typer.Option("--finish", help="Complete this authority with the key that was made.", metavar="NAME")
    ] = None,
    abandon: Annotated[
        str | None,
        typer.Option("--abandon", help="Destroy the key of this authority and free its name.", metavar="NAME"),
    ] = None,
    forget_key: Annotated[bool, typer.Option("--forget-key", help="With --abandon: do not look for the key.")] = False,
    certificates: Annotated[
        bool, typer.Option("--certificates", help="Close reservations of certificates that were never completed.")
    ] = False,
    older_than: Annotated[
        int,
        typer.Option(
            "--older-than", help="Minutes after which a reservation counts as interrupted.", min=0, max=1_000_000
        ),
    ] = 10,
) -> None:
    """Show what was interrupted (the exit code is then 63), or finish or abandon it."""
    if (finish is not None) + (abandon is not None) + certificates > 1 or (forget_key and abandon is None):
        raise InputError("recover: these options do not go together", hint="give one of them at a time")
    waiting = session.installation.interrupted(dt.timedelta(minutes=older_than))
    if finish is not None:
        _finish(session, _named(waiting, finish))
    elif abandon is not None:
        _abandon(session, _named(waiting, abandon), forget_key=forget_key)
    elif certificates:
        abandon_certificates(session.installation.ledger, waiting.certificates)
        say(f"Closed {len(waiting.certificates)} reservations; their serial numbers stay used.")
    else:
        _show(waiting)


def _named(waiting: Interrupted, name: str) -> AuthorityRecord:
    found = next((record for record in waiting.authorities if record.name == name), None)
    if found is None:
        names = ", ".join(record.name for record in waiting.authorities) or "none"
        raise UnknownAuthorityError(f"authority {name!r}: was not interrupted", hint=f"interrupted are: {names}")
    return found


def _finish(session: Session, record: AuthorityRecord) -> None:
    installation, alias = session.installation, record.key_backend
    parent = None
    if record.parent_id is not None:
        parent = Authority(installation.ledger.authorities.get(record.parent_id)).record.key_backend
    session.check_used({alias}, {parent} if parent is not None else set())
    parent_secrets = session.secrets(parent, parent=True) if parent is not None else None
    authority = installation.finish(record, session.secrets(alias), parent_secrets)
    say(f"Completed authority {authority.name}, serial {authority.record.serial}.")


def _abandon(session: Session, record: AuthorityRecord, *, forget_key: bool) -> None:
    session.check_used({record.key_backend})
    deleted = session.installation.abandon(record, session.secrets(record.key_backend), forget_key=forget_key)
    outcome = (
        "its key was destroyed" if deleted else "there was no key" if not forget_key else "its key was not looked for"
    )
    say(f"Abandoned authority {record.name}: {outcome}.")


def _show(waiting: Interrupted) -> None:
    for record in waiting.authorities:
        quoted = shlex.quote(record.name)
        say(
            f"Authority {record.name}, begun {record.created_at:%Y-%m-%d %H:%M} UTC, was never completed (key id "
            f"{record.key_id.hex()} in {record.key_backend!r}): --finish {quoted} or --abandon {quoted}."
        )
    for certificate in waiting.certificates:
        say(f"Certificate {certificate.serial} for {certificate.subject} was never completed: --certificates.")
    count = len(waiting.authorities) + len(waiting.certificates)
    if count:
        raise RecoveryNeededError(f"recover: {count} interrupted", hint="finish or abandon them as said above")
    say("Nothing was interrupted.")
