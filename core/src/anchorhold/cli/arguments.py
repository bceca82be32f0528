"""Parameters that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from anchorhold.cli.completion import (
    complete_authority,
    complete_hash,
    complete_key_backend,
    complete_ocsp_key_backend,
    complete_profile,
    complete_program,
    complete_rsa_padding,
    complete_unissued,
)
from anchorhold.cli.output import Format, ListFormat
from anchorhold.errors import InputError, ValidityError
from anchorhold.ledger import IssuancePolicy
from anchorhold.x509.durations import EXAMPLES, amount_of
from anchorhold.x509.validity import MAX_DAYS

Name: TypeAlias = Annotated[str, typer.Argument(help="Name of the authority in this installation.", metavar="NAME")]
Authority: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="Name, serial number or serial number prefix of the authority.",
        metavar="CA",
        autocompletion=complete_authority,
    ),
]
SigningAuthority: TypeAlias = Annotated[
    str,
    typer.Option(
        "--ca",
        help="Issuing authority: name, serial number or serial number prefix.",
        metavar="CA",
        autocompletion=complete_authority,
    ),
]
Serial: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="Serial number or its prefix, in hexadecimal, with or without colons; put -- before a negative one.",
        metavar="SERIAL",
    ),
]
KeyBackend: TypeAlias = Annotated[
    str,
    typer.Option(
        "--key-backend",
        help="Alias of the key backend that stores the private key.",
        metavar="ALIAS",
        autocompletion=complete_key_backend,
    ),
]
AuthorityExpires: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--expires",
        help=f"Expiry: days (90), a date (2027-12-31) or a duration ({EXAMPLES}), no later than the expiry of the "
        "parent (default: 10 years for a root, 5 years for an intermediate).",
        metavar="WHEN",
    ),
]
CertificateExpires: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--expires",
        help=f"Expiry: days (90), a date (2027-12-31) or a duration ({EXAMPLES}), no later than the expiry of the "
        "authority (default: set by the profile; 90 days for webserver).",
        metavar="WHEN",
    ),
]
OutputFormat: TypeAlias = Annotated[
    Format, typer.Option("--output-format", "-f", help="Output format: pem, der, json or text.", metavar="FORMAT")
]
OptionalFormat: TypeAlias = Annotated[
    Format | None,
    typer.Option(
        "--output-format",
        "-f",
        help="Print the certificate as pem, der, json or text (default: pem with --out).",
        metavar="FORMAT",
    ),
]
OutputListFormat: TypeAlias = Annotated[
    ListFormat, typer.Option("--output-format", "-f", help="Output format: text or json.", metavar="FORMAT")
]
Out: TypeAlias = Annotated[
    Path | None, typer.Option("--out", "-o", help="Output file (default: standard output).", metavar="FILE")
]
Bundle: TypeAlias = Annotated[bool, typer.Option("--bundle", help="Append the issuer certificates, up to the root.")]

For: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--for",
        help="Programs that must accept it, with commas: nginx,java17,go … (default: see `anchorhold advise`).",
        metavar="PROGRAMS",
        autocompletion=complete_program,
    ),
]
EvenSo: TypeAlias = Annotated[
    bool, typer.Option("--even-so", help="Let an EC key sign with SHA-3, which most programs refuse.")
]


def _issuing(flag: str, text: str, metavar: str, complete: Callable[..., list[str]] | None = None) -> Any:
    return typer.Option(
        flag, help=text, metavar=metavar, autocompletion=complete, rich_help_panel="Certificates it issues"
    )


def _whole_days(text: str) -> int | None:
    """A number of days as typed; None for 0 and for nothing.

    Raises:
        InputError: It cannot be read, or has hours left.
    """
    if text.strip() in ("", "0"):
        return None
    try:
        days = amount_of(text, "d", "maximum validity")
    except ValidityError as error:
        raise InputError(error.problem, hint=f"{error.hint}, 1 to {MAX_DAYS:,} days") from error
    if not isinstance(days, int):
        raise InputError(f"maximum validity {text!r}: is not a whole number of days", hint="use for example 90 or 1y")
    return days


@dataclass(frozen=True)
class IssuingOptions:
    """Options for the certificates an authority issues, as typed; None for an option that is not given."""

    algorithm: Annotated[
        str | None,
        _issuing(
            "--algorithm",
            "Signature hash: SHA-256, SHA-384, SHA-512, SHA3-256 … (default: matches the strength of the key).",
            "HASH",
            complete_hash,
        ),
    ]
    rsa_padding: Annotated[
        str | None,
        _issuing("--rsa-padding", "RSA signature padding: pkcs1v15 (default) or pss.", "PADDING", complete_rsa_padding),
    ]
    default_profile: Annotated[
        str | None,
        _issuing(
            "--default-profile",
            "Default profile of this authority (default: default_profile of the settings).",
            "PROFILE",
            complete_profile,
        ),
    ]
    max_days: Annotated[
        str | None,
        _issuing(
            "--max-days",
            f"Maximum validity of issued certificates: days (90) or a duration ({EXAMPLES}); default: until the "
            "authority expires.",
            "DURATION",
        ),
    ]
    policy: Annotated[
        list[str] | None,
        _issuing("--policy", "Certificate policy OID, used if the profile sets no policy. Repeatable.", "OID"),
    ]
    hostname: Annotated[
        str | None,
        _issuing(
            "--hostname",
            "Public host of `anchorhold serve`; its CRL, OCSP and issuer URLs are added to issued certificates.",
            "HOST[:PORT]",
        ),
    ]
    crl_url: Annotated[
        list[str] | None,
        _issuing("--crl-url", "URL of its CRL; {shard} stands for the number of a partitioned CRL. Repeatable.", "URL"),
    ]
    crl_shards: Annotated[
        int | None,
        _issuing("--crl-shards", "Also publish N partitioned CRLs, each covering part of the certificates.", "N"),
    ]
    ocsp_url: Annotated[list[str] | None, _issuing("--ocsp-url", "URL of its OCSP responder. Repeatable.", "URL")]
    issuer_url: Annotated[list[str] | None, _issuing("--issuer-url", "URL of its own certificate. Repeatable.", "URL")]
    ocsp_key_backend: Annotated[
        str | None,
        _issuing(
            "--ocsp-key-backend",
            "Alias of the OCSP key backend for its responder keys.",
            "ALIAS",
            complete_ocsp_key_backend,
        ),
    ]
    ocsp_unknown: Annotated[
        str | None,
        _issuing(
            "--ocsp-unknown",
            "OCSP status for serial numbers this CA never issued: unknown (default), revoked or unauthorized.",
            "STATUS",
            complete_unissued,
        ),
    ]
    issuer_alt: Annotated[
        list[str] | None,
        _issuing("--issuer-alt", "Issuer alternative name for issued certificates: URI:…, email:… Repeatable.", "NAME"),
    ]

    def given(self) -> dict[str, Any]:
        """The options given, by their names in `IssuancePolicy`; an empty value, or max_days 0, removes a setting."""
        lists = {
            "policies": self.policy,
            "crl_urls": self.crl_url,
            "ocsp_urls": self.ocsp_url,
            "issuer_urls": self.issuer_url,
            "issuer_alt": self.issuer_alt,
        }
        texts = {
            "hash": self.algorithm,
            "rsa_padding": self.rsa_padding,
            "profile": self.default_profile,
            "hostname": self.hostname,
        }
        return {
            **{name: tuple(filter(None, values)) for name, values in lists.items() if values is not None},
            **{name: value or None for name, value in texts.items() if value is not None},
            **({"max_days": _whole_days(self.max_days)} if self.max_days is not None else {}),
            **({"ocsp_key_backend": self.ocsp_key_backend} if self.ocsp_key_backend else {}),
            **({"ocsp_unknown": self.ocsp_unknown} if self.ocsp_unknown else {}),
            **({"crl_shards": self.crl_shards} if self.crl_shards is not None else {}),
        }

    def defaults(self) -> IssuancePolicy:
        """The policy of a new authority."""
        return IssuancePolicy(**self.given())
