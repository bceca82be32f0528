"""Showing authorities and certificates of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold.cli.output import Format, render, write
from anchorhold.cli.remedies import sentence
from anchorhold.cli.responder_view import described_lists, described_responder, published_as_json
from anchorhold.ledger.records import NOT_REVOKED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.key_check import KeyStatus
    from anchorhold.plugin.inventory import KeyDescription


def authority_as_json(installation: Installation, authority: Authority) -> dict[str, Any]:
    """What the ledger has about an authority; documented in docs/json.md."""
    parent = installation.authorities.chain(authority)[1:2]
    content = authority.to_json()
    first = {name: content.pop(name) for name in ("name", "status", "subject", "serial")}
    return {**first, "parent": parent[0].name if parent else None, **content}


def key_as_json(state: KeyStatus) -> dict[str, Any]:
    """What a check of a key has found; documented in docs/json.md."""
    return {"key_state": state.condition, "key_problem": None if state.problem is None else sentence(state.problem)}


def described_key(state: KeyStatus) -> str:
    """The same in a line of text."""
    return ": ".join(part for part in key_as_json(state).values() if part)


def origin_as_json(origin: KeyDescription | None) -> dict[str, Any]:
    """What a backend tells of a key; documented in docs/json.md."""
    if origin is None:
        return {"key_place": None, "key_made": None, "key_can_leave": None}
    return {"key_place": origin.place, "key_made": origin.made, "key_can_leave": origin.can_leave}


def described_origin(origin: KeyDescription) -> str:
    """The same in a line of text."""
    leaves = {True: "can leave it", False: "cannot leave it", None: "may or may not leave it"}[origin.can_leave]
    made = {"here": "made in its key backend", "elsewhere": "made elsewhere", "unknown": "made nobody knows where"}
    return f"{made[origin.made]}, and {leaves}"


def external_issuer_as_json(authority: Authority, profile: str) -> dict[str, Any]:
    """The same of an authority's own certificate, whose issuer is not in the ledger."""
    certificate = authority.certificate
    return {
        "serial": authority.record.serial,
        "authority": None,
        "profile": profile,
        "subject": authority.record.subject,
        "names": [],
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "issued_at": None,
        **NOT_REVOKED,
    }


def show_authority(
    installation: Installation,
    authority: Authority,
    form: Format | None,
    *,
    bundle: bool,
    out: Path | None,
    advice: Sequence[dict[str, Any]] | None = None,
) -> None:
    """The certificate of an authority, if a form or a file was asked for."""
    if form is None and out is None and not bundle:
        return
    show_chain(installation, authority, form or Format.PEM, bundle=bundle, out=out, advice=advice)


def show_chain(
    installation: Installation,
    authority: Authority,
    form: Format,
    *,
    bundle: bool,
    out: Path | None,
    state: KeyStatus | None = None,
    origin: KeyDescription | None = None,
    advice: Sequence[dict[str, Any]] | None = None,
) -> None:
    """The certificate of an authority, with those above it if asked for, and what was found out about its key."""
    record = authority.record
    more = [
        ("Authority", f"{record.name} ({record.status})"),
        ("Kept in", f"key backend {record.key_backend!r} ({record.backend_type})"),
        *([("Its key is", described_key(state))] if state is not None else []),
        *([("Its key was", described_origin(origin))] if origin is not None else []),
        *([("Its place", origin.place)] if origin is not None else []),
        *([("Responder", described_responder(installation, authority))] if state is not None else []),
        *([("CRLs", described_lists(installation, authority))] if state is not None else []),
    ]
    shown = authority_as_json(installation, authority)
    if state is not None:
        shown |= key_as_json(state) | origin_as_json(origin) | published_as_json(installation, authority)
    if advice is not None:
        shown["advice"] = list(advice)
    chain = installation.authorities.chain_certificates(authority)[1:] if bundle else []
    content = render(der(authority), form, chain=chain, more=more, record=shown)
    write(content, out)


def der(authority: Authority) -> bytes:
    """The certificate of an authority in DER."""
    _ = authority.certificate  # says what to do if there is none
    return authority.record.certificate or b""
