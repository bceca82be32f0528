"""``edit-ca``: change the settings of a certificate authority."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.arguments import Algorithm, Authority, CrlUrl, IssuerUrl, OcspUrl, issuing_defaults
from anchorhold.cli.output import say
from anchorhold.errors import InputError

if TYPE_CHECKING:
    from anchorhold.cli.session import Session


def edit_ca(
    session: Session,
    ca: Authority,
    rename: Annotated[str | None, typer.Option("--rename", help="New name.", metavar="NAME")] = None,
    enable: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Let it sign, or keep it from signing.", show_default=False)
    ] = None,
    algorithm: Algorithm = None,
    crl_url: CrlUrl = None,
    ocsp_url: OcspUrl = None,
    issuer_url: IssuerUrl = None,
) -> None:
    """Change the settings of a certificate authority; what is not given stays. An empty URL removes those it has."""
    authority = session.installation.authority(ca)
    given = {"crl_urls": crl_url, "ocsp_urls": ocsp_url, "issuer_urls": issuer_url}
    urls = {kind: tuple(url for url in values if url) for kind, values in given.items() if values is not None}
    changes = {**urls, **({"hash": _known_hash(authority, algorithm)} if algorithm is not None else {})}
    if not changes and rename is None and enable is None:
        raise InputError("edit-ca: nothing to change was given", hint="see `anchorhold edit-ca --help`")
    issuing_defaults(*(list(urls.get(kind, ())) for kind in given), None)
    edited = session.installation.edit_authority(
        authority,
        name=rename,
        enabled=enable,
        issuing=replace(authority.record.issuing, **changes) if changes else None,
    )
    say(f"Changed authority {edited.name} ({edited.record.status}).")


def _known_hash(authority: object, name: str) -> str | None:
    from anchorhold.publickeys import spec_of

    return spec_of(authority.public_key).algorithm(name).hash  # type: ignore[attr-defined]
