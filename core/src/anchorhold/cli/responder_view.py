"""What an authority publishes: its responder, where its key is and is wanted, and its CRLs."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from anchorhold.cli.remedies import sentence
from anchorhold.errors import AnchorholdError
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from anchorhold.installation import Installation
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority


def described_responder(installation: Installation, authority: Authority) -> str:
    """The alias that keeps keys of responders, the one that has the key now if it is another, and what is wrong."""
    alias, active = authority.record.issuing.ocsp_key_backend, installation.responders.active(authority)
    shown = f"OCSP key backend {alias!r}"
    if active is None:
        shown += ", not created yet"
    elif active.not_after is not None:
        shown += f", until {active.not_after:%Y-%m-%d %H:%M} UTC"
    if active is not None and active.key_backend != alias:
        shown += f", current key in {active.key_backend!r}"
    try:
        installation.backends.get(alias, "ocsp")
    except AnchorholdError as error:
        shown += f"; {sentence(error)}"
    return shown


def published_as_json(installation: Installation, authority: Authority) -> dict[str, Any]:
    """What an authority publishes at present; documented in docs/json.md."""
    active, lists = installation.responders.active(authority), installation.crls.dates(authority)
    return {
        "responder": None if active is None else _as_json(active),
        "crls": [
            {
                "shard": shard,
                "number": dates.number,
                "this_update": dates.this_update.isoformat(),
                "next_update": dates.next_update.isoformat(),
            }
            for shard, dates in sorted(lists.items(), key=lambda each: -1 if each[0] is None else each[0])
        ],
    }


def _as_json(responder: ResponderRecord) -> dict[str, Any]:
    return {
        "status": responder.status,
        "serial": responder.serial,
        "key_backend": responder.key_backend,
        "key_backend_type": responder.backend_type,
        "not_after": None if responder.not_after is None else responder.not_after.isoformat(),
    }


def described_lists(installation: Installation, authority: Authority) -> str:
    """The newest lists of an authority: how many, and when the first of them is due."""
    lists = installation.crls.dates(authority)
    if not lists:
        return "not created yet"
    first = min(lists.values(), key=lambda dates: dates.next_update)
    partial = len(lists) - (None in lists)
    kinds = [*(["full"] if None in lists else []), *([f"{partial} partitioned"] if partial else [])]
    due = "overdue since" if first.next_update <= now() else "next update"
    return f"{' and '.join(kinds)}, {due} {first.next_update:%Y-%m-%d %H:%M} UTC"


def info_alias_change(installation: Installation, authority: Authority) -> str:
    """What an operator does and knows after choosing another alias for the keys of responders."""
    alias, active = authority.record.issuing.ocsp_key_backend, installation.responders.active(authority)
    command = f"anchorhold regenerate-ocsp-keys {shlex.quote(authority.name)}"
    if active is None:
        return f"It has no OCSP responder yet. Next: create one, with its key in {alias!r}, with `{command}`."
    if active.key_backend == alias:
        return f"The key of its OCSP responder is already in {alias!r}."
    return (
        f"Its OCSP responder uses the key in {active.key_backend!r} until `{command}` or `anchorhold maintain` "
        f"creates a new one in {alias!r}. Keep {active.key_backend!r} in the settings until one of them destroys the "
        "old key, once its last response has expired."
    )
