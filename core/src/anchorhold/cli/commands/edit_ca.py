"""``edit-ca``: change the settings of a certificate authority."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anchorhold.cli.arguments import Algorithm, Authority, CrlUrl, IssuerUrl, OcspUrl, RsaPadding
from anchorhold.cli.output import say
from anchorhold.errors import InputError
from anchorhold.publickeys import spec_of

if TYPE_CHECKING:
    from anchorhold.cli.session import Session


def edit_ca(
    session: Session,
    ca: Authority,
    rename: Annotated[str | None, typer.Option("--rename", help="New name.", metavar="NAME")] = None,
    enable: Annotated[
        bool | None,
        typer.Option("--enable/--disable", help="Let it sign, or keep it from signing.", show_default=False),
    ] = None,
    algorithm: Algorithm = None,
    rsa_padding: RsaPadding = None,
    crl_url: CrlUrl = None,
    ocsp_url: OcspUrl = None,
    issuer_url: IssuerUrl = None,
) -> None:
    """Change the settings of a certificate authority; what is not given stays. An empty URL removes those it has."""
    if all(option is None for option in (rename, enable, algorithm, rsa_padding, crl_url, ocsp_url, issuer_url)):
        raise InputError("edit-ca: nothing to change was given", hint="see `anchorhold edit-ca --help`")
    authority = session.installation.authority(ca)
    given = {"crl_urls": crl_url, "ocsp_urls": ocsp_url, "issuer_urls": issuer_url}
    changes: dict[str, Any] = {
        name: tuple(url for url in urls if url) for name, urls in given.items() if urls is not None
    }
    changes |= {"hash": algorithm} if algorithm is not None else {}
    changes |= {"rsa_padding": rsa_padding} if rsa_padding is not None else {}
    issuing = replace(authority.record.issuing, **changes)
    spec_of(authority.public_key).algorithm(issuing.hash, issuing.rsa_padding)
    edited = session.installation.edit_authority(authority, name=rename, enabled=enable, issuing=issuing)
    say(f"Changed authority {edited.name} ({edited.record.status}).")
