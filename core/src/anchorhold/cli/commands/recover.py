"""``recover``: finish or abandon interrupted operations."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import TYPE_CHECKING, Annotated, Final

import typer
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.cli.completion import complete_authority
from anchorhold.cli.first_publication import info_missing_revocations, publish_first
from anchorhold.cli.orphans import show_orphans
from anchorhold.cli.output import info, write
from anchorhold.errors import InputError, RecoveryNeededError, UnknownAuthorityError, ValidityError
from anchorhold.operations.authority import Authority
from anchorhold.operations.external_parent import awaits_certificate, pending_csr
from anchorhold.operations.move_key import aliases_of_move
from anchorhold.operations.rollback import is_abandoning, is_adopted
from anchorhold.operations.state import Import, KeyMove, move_of, state_of
from anchorhold.x509.durations import EXAMPLES, parse_duration

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext
    from anchorhold.ledger import AuthorityRecord
    from anchorhold.operations.recovery import PendingOperations

_OLDEST: Final = dt.timedelta(days=36_500)
"""The longest age that is looked at."""


def recover(
    context: CommandContext,
    finish: Annotated[
        str | None,
        typer.Option(
            "--finish",
            help="Finish creating this authority, or moving its key; print the CSR if it awaits its certificate.",
            metavar="NAME",
            autocompletion=complete_authority,
        ),
    ] = None,
    abandon: Annotated[
        str | None,
        typer.Option(
            "--abandon",
            help="Give up creating this authority: destroy its key, unless it was adopted, and free its name; or undo "
            "moving its key.",
            metavar="NAME",
            autocompletion=complete_authority,
        ),
    ] = None,
    destroy_copies: Annotated[
        str | None,
        typer.Option(
            "--destroy-copies",
            help="Destroy the copies of the key of this authority that remain in former key backends.",
            metavar="NAME",
            autocompletion=complete_authority,
        ),
    ] = None,
    forget_key: Annotated[
        bool,
        typer.Option("--forget-key", help="With --abandon or --destroy-copies: do not search for the key."),
    ] = False,
    certificates: Annotated[
        bool, typer.Option("--certificates", help="Close reservations of certificates that were never issued.")
    ] = False,
    orphans: Annotated[
        bool,
        typer.Option(
            "--orphans", help="List keys in the key backends that no record names, and records whose key is missing."
        ),
    ] = False,
    older_than: Annotated[
        str,
        typer.Option(
            "--older-than",
            help=f"Age from which a reservation counts as interrupted: minutes (10), or {EXAMPLES}.",
            metavar="DURATION",
        ),
    ] = "10m",
) -> None:
    """List interrupted operations and leftover copies of keys, or finish or abandon an operation.

    Exit code 63 means that operations were interrupted, or that keys and records do not match. Operations of running
    processes are listed and left alone.
    """
    named = [name for name in (finish, abandon, destroy_copies) if name is not None]
    if len(named) + certificates + orphans > 1 or (forget_key and abandon is None and destroy_copies is None):
        raise InputError("recover: these options exclude each other", hint="use one of them at a time")
    if orphans:
        aliases = context.installation.backends.aliases()
        show_orphans(context.installation.recovery.inventory({alias: context.secrets(alias) for alias in aliases}))
        return
    waiting = context.installation.recovery.pending(_age(older_than))
    if finish is not None:
        record = _named(waiting, finish)
        (_finish if record.status == "pending" else _finish_move)(context, record)
    elif abandon is not None:
        record = _named(waiting, abandon)
        if record.status == "pending":
            _abandon(context, record, forget_key=forget_key)
        else:
            _undo_move(context, record)
    elif destroy_copies is not None:
        _destroy_copies(context, context.installation.authorities.get(destroy_copies), waiting, forget_key=forget_key)
    elif certificates:
        context.installation.recovery.abandon_certificates(waiting.certificates)
        info(f"Closed {len(waiting.certificates)} reservations; their serial numbers are never reused.")
    else:
        _show(context, waiting)


def _age(text: str) -> dt.timedelta:
    """The age from which a reservation counts as interrupted.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return dt.timedelta(0) if text.strip() == "0" else min(parse_duration(text, "age", bare="m"), _OLDEST)
    except ValidityError as error:
        raise InputError(error.problem, hint=error.hint, remedy=error.remedy) from error


def _named(waiting: PendingOperations, name: str) -> AuthorityRecord:
    busy = [record for record, _ in waiting.under_way]  # the refusal names the process at work
    known = (*waiting.authorities, *waiting.moving, *waiting.waiting, *busy)
    found = next((record for record in known if record.name == name), None)
    if found is None:
        names = ", ".join(record.name for record in known) or "none"
        raise UnknownAuthorityError(
            f"authority {name!r}: has no interrupted operation", hint=f"interrupted operations: {names}"
        )
    return found


def _finish(context: CommandContext, record: AuthorityRecord) -> None:
    installation, alias = context.installation, record.key_backend
    above = installation.recovery.parent_of(record)
    parent = None if above is None else above.record.key_backend
    context.check_used({alias}, {parent} if parent is not None else set())
    parent_secrets = context.secrets(parent, parent=True) if parent is not None else None
    secrets, imported = context.secrets(alias), isinstance(state_of(record), Import)
    authority = installation.recovery.finish(record, secrets, parent_secrets)
    if awaits_certificate(authority.record):
        info(f"Authority {authority.name} awaits its certificate; this is its CSR.")
        write(pending_csr(authority).public_bytes(Encoding.PEM), None)
        return
    info(f"Completed authority {authority.name}, serial {authority.record.serial}.")
    if imported:
        info_missing_revocations(installation, authority)
    else:
        publish_first(installation, authority, secrets)


def _abandon(context: CommandContext, record: AuthorityRecord, *, forget_key: bool) -> None:
    context.check_used({record.key_backend})
    deleted = context.installation.recovery.abandon(record, context.secrets(record.key_backend), forget_key=forget_key)
    outcomes = (
        (deleted, "its key is destroyed"),
        (is_adopted(record), "its key was adopted and remains in the key backend"),
        (forget_key, "its key was not searched for"),
        (True, "no key exists"),
    )
    info(f"Abandoned authority {record.name}: {next(outcome for true, outcome in outcomes if true)}.")


def _finish_move(context: CommandContext, record: AuthorityRecord) -> None:
    old, new = aliases_of_move(record)
    context.check_used({old, new})
    context.installation.recovery.finish_move(record, context.secrets(new), context.secrets(old))
    info(f"Moved the key of {record.name} from {old!r} to {new!r}.")


def _undo_move(context: CommandContext, record: AuthorityRecord) -> None:
    alias = aliases_of_move(record)[1]
    context.check_used({alias})
    context.installation.recovery.undo_move(record, context.secrets(alias))
    info(f"Undid the move; the key of {record.name} remains in {record.key_backend!r}.")


def _destroy_copies(
    context: CommandContext, authority: Authority, waiting: PendingOperations, *, forget_key: bool
) -> None:
    copies = [copy for copy in waiting.copies if copy.authority_id == authority.record.id]
    context.check_used({copy.key_backend for copy in copies})
    for copy in copies:
        secrets = {} if forget_key else context.secrets(copy.key_backend)
        context.installation.recovery.destroy_copy(copy, secrets, forget_key=forget_key)
        done = "Forgot" if forget_key else "Destroyed"
        info(f"{done} the copy of the key of {authority.name} in {copy.key_backend!r}.")
    if not copies:
        info(f"No copies of the key of {authority.name} found.")


def _older(record: AuthorityRecord) -> str:
    doing = "created" if record.status == "pending" else "moved to another key backend"
    return f"being {doing}, possibly by a process of an older version"


def _show(context: CommandContext, waiting: PendingOperations) -> None:
    for record, claim in waiting.under_way:
        doing = claim.description if claim is not None else _older(record)
        info(f"Authority {record.name} is {doing}; nothing to do.")
    for record in waiting.authorities:
        quoted = shlex.quote(record.name)
        if is_abandoning(record):
            info(f"Abandoning authority {record.name} was interrupted: --abandon {quoted}.")
            continue
        info(
            f"Authority {record.name}, started {record.created_at:%Y-%m-%d %H:%M} UTC, was never completed (key id "
            f"{record.key_id.hex()} in {record.key_backend!r}): --finish {quoted} or --abandon {quoted}."
        )
    for record in waiting.moving:
        quoted, (old, new) = shlex.quote(record.name), aliases_of_move(record)
        move = move_of(record)
        if isinstance(move, KeyMove) and move.operation == "unmove":
            info(f"Undoing the move of the key of {record.name} to {new!r} was interrupted: --abandon {quoted}.")
            continue
        info(
            f"Moving the key of authority {record.name} from {old!r} to {new!r} was interrupted (in use: "
            f"{record.key_backend!r}): --finish {quoted} or --abandon {quoted}."
        )
    for record in waiting.waiting:
        quoted = shlex.quote(record.name)
        info(
            f"Authority {record.name} awaits its certificate: import-ca {quoted} --signed FILE, or --abandon {quoted}."
        )
    for copy in waiting.copies:
        name = context.installation.recovery.owner_of(copy).name
        info(
            f"A copy of the key of authority {name} is in {copy.key_backend!r} (key id {copy.key_id.hex()}), unused "
            f"since {copy.left_at:%Y-%m-%d %H:%M} UTC: --destroy-copies {shlex.quote(name)}."
        )
    for certificate in waiting.certificates:
        info(f"Certificate {certificate.serial} for {certificate.subject} was never issued: --certificates.")
    count = len(waiting.authorities) + len(waiting.moving) + len(waiting.certificates)
    if count:
        raise RecoveryNeededError(
            f"recover: {count} interrupted", hint="finish or abandon them with the options shown above"
        )
    info("No interrupted operations.")
