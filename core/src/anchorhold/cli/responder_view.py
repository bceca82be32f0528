"""Where the key of an authority's OCSP responder is, and what has to be done for it to be where it is wanted."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError

if TYPE_CHECKING:
    from anchorhold.installation import Installation
    from anchorhold.issuing.authority import Authority
    from anchorhold.ledger.records import ResponderRecord


def responder_of(installation: Installation, authority: Authority) -> ResponderRecord | None:
    """The responder that answers for an authority."""
    with installation.ledger.guarded():
        return installation.ledger.responders.active(authority.record.id)


def described_responder(installation: Installation, authority: Authority) -> str:
    """The alias that keeps keys of responders, the one that has the key now if it is another, and what is wrong."""
    alias, active = authority.record.issuing.ocsp_key_backend, responder_of(installation, authority)
    shown = f"OCSP key backend {alias!r}"
    if active is None:
        shown += ", none was made yet"
    elif active.not_after is not None:
        shown += f", until {active.not_after:%Y-%m-%d %H:%M} UTC"
    if active is not None and active.key_backend != alias:
        shown += f", its key still in {active.key_backend!r}"
    try:
        installation.backends.get(alias, "ocsp")
    except AnchorholdError as error:
        shown += f"; {error}"
    return shown


def what_follows(installation: Installation, authority: Authority) -> str:
    """What somebody has to do, and to know, who has chosen another alias for the keys of responders."""
    alias, active = authority.record.issuing.ocsp_key_backend, responder_of(installation, authority)
    command = f"anchorhold regenerate-ocsp-keys {shlex.quote(authority.name)}"
    if active is None:
        return f"It has no OCSP responder yet; `{command}` makes one, with its key in {alias!r}."
    if active.key_backend == alias:
        return f"Its OCSP responder has its key in {alias!r} already."
    return (
        f"Its OCSP responder answers with the key in {active.key_backend!r} until `{command}` or `anchorhold maintain` "
        f"makes a new one in {alias!r}. Keep {active.key_backend!r} in the settings until one of these destroys the "
        "old key there, after its last answer has run out."
    )
