"""Parameters that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from anchorhold.cli.output import Format, ListFormat
from anchorhold.ledger import IssuingDefaults

ISSUING_PANEL = "What it puts into what it signs"

Name: TypeAlias = Annotated[str, typer.Argument(help="Name under which the authority is known here.", metavar="NAME")]
Authority: TypeAlias = Annotated[
    str, typer.Argument(help="Name or serial number of the authority, or the beginning of it.", metavar="CA")
]
KeyBackend: TypeAlias = Annotated[
    str, typer.Option("--key-backend", help="Alias of the key backend in which the key will live.", metavar="ALIAS")
]
Algorithm: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--algorithm",
        help="Hash it signs with: SHA-224, SHA-256, SHA-384 or SHA-512; at first the one of its key's strength.",
        metavar="HASH",
        rich_help_panel=ISSUING_PANEL,
    ),
]
RsaPadding: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--rsa-padding",
        help="Padding of its signatures, for RSA keys: pss, or pkcs1v15 as at first.",
        metavar="PADDING",
        rich_help_panel=ISSUING_PANEL,
    ),
]
CrlUrl: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--crl-url", help="URL of its CRL. Can be repeated.", metavar="URL", rich_help_panel=ISSUING_PANEL),
]
OcspUrl: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--ocsp-url", help="URL of its OCSP responder. Can be repeated.", metavar="URL", rich_help_panel=ISSUING_PANEL
    ),
]
IssuerUrl: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--issuer-url",
        help="URL of its own certificate. Can be repeated.",
        metavar="URL",
        rich_help_panel=ISSUING_PANEL,
    ),
]
AuthorityExpires: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--expires",
        help="When it expires: days (90), a span (12h, 90d, 10y) or a date (2027-12-31), at most when its parent does "
        "(default: after ten years for a root, else five).",
        metavar="WHEN",
    ),
]
CertificateExpires: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--expires",
        help="When it expires: days (90), a span (12h, 90d, 10y) or a date (2027-12-31), at most when the authority "
        "does (default: as the profile says, webserver after 90 days).",
        metavar="WHEN",
    ),
]
OutputFormat: TypeAlias = Annotated[Format, typer.Option("--output-format", "-f", help="How the certificate is shown.")]
OptionalFormat: TypeAlias = Annotated[
    Format | None,
    typer.Option("--output-format", "-f", help="Show the certificate, and how (default: pem with --out)."),
]
OutputListFormat: TypeAlias = Annotated[
    ListFormat, typer.Option("--output-format", "-f", help="How the list is shown.")
]
Out: TypeAlias = Annotated[
    Path | None, typer.Option("--out", "-o", help="File to write to, instead of standard output.", metavar="FILE")
]
Bundle: TypeAlias = Annotated[
    bool, typer.Option("--bundle", help="Put the certificates of its issuers behind it, up to the root.")
]


def issuing_defaults(
    crl_url: list[str] | None,
    ocsp_url: list[str] | None,
    issuer_url: list[str] | None,
    algorithm: str | None,
    rsa_padding: str | None,
) -> IssuingDefaults:
    """What an authority puts into what it signs, as given."""
    return IssuingDefaults(
        crl_urls=tuple(crl_url or ()),
        ocsp_urls=tuple(ocsp_url or ()),
        issuer_urls=tuple(issuer_url or ()),
        hash=algorithm,
        rsa_padding=rsa_padding,
    )
