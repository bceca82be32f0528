"""Parameters that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from anchorhold.cli.output import Format, ListFormat
from anchorhold.errors import InputError, ValidityError
from anchorhold.ledger import IssuancePolicy
from anchorhold.x509.durations import EXAMPLES, amount_of
from anchorhold.x509.validity import MAX_DAYS

Name: TypeAlias = Annotated[str, typer.Argument(help="Name under which the authority is known here.", metavar="NAME")]
Authority: TypeAlias = Annotated[
    str, typer.Argument(help="Name or serial number of the authority, or the beginning of it.", metavar="CA")
]
SigningAuthority: TypeAlias = Annotated[
    str,
    typer.Option(
        "--ca", help="Authority that signs: its name, its serial number, or the beginning of it.", metavar="CA"
    ),
]
Serial: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="Serial number in hex, with or without colons, or the beginning of it; a negative one behind --.",
        metavar="SERIAL",
    ),
]
KeyBackend: TypeAlias = Annotated[
    str, typer.Option("--key-backend", help="Alias of the key backend in which the key will live.", metavar="ALIAS")
]
AuthorityExpires: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--expires",
        help=f"When it expires: days (90), a date (2027-12-31) or a span ({EXAMPLES}), at most when its parent does "
        "(default: after ten years for a root, else five).",
        metavar="WHEN",
    ),
]
CertificateExpires: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--expires",
        help=f"When it expires: days (90), a date (2027-12-31) or a span ({EXAMPLES}), at most when the authority "
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
    Path | None, typer.Option("--out", "-o", help="File to write to, instead of standard output (-).", metavar="FILE")
]
Bundle: TypeAlias = Annotated[
    bool, typer.Option("--bundle", help="Put the certificates of its issuers behind it, up to the root.")
]


def _issuing(flag: str, text: str, metavar: str) -> Any:
    return typer.Option(flag, help=text, metavar=metavar, rich_help_panel="What it puts into what it signs")


def _whole_days(text: str) -> int | None:
    """A number of days as typed; None for 0 and for nothing.

    Raises:
        InputError: It cannot be read, or has hours left.
    """
    if text.strip() in ("", "0"):
        return None
    try:
        days = amount_of(text, "d", "longest validity")
    except ValidityError as error:
        raise InputError(error.problem, hint=f"{error.hint}, 1 to {MAX_DAYS:,} days") from error
    if not isinstance(days, int):
        raise InputError(f"longest validity {text!r}: is not a whole number of days", hint="give for instance 90 or 1y")
    return days


@dataclass(frozen=True)
class IssuingOptions:
    """What an authority puts into what it signs, as typed; None for what was not given."""

    algorithm: Annotated[
        str | None,
        _issuing(
            "--algorithm",
            "Hash it signs with: SHA-256, SHA-384, SHA-512, SHA3-256 …; at first the one of its key's strength.",
            "HASH",
        ),
    ]
    rsa_padding: Annotated[
        str | None,
        _issuing("--rsa-padding", "Padding of its signatures, for RSA keys: pss, or pkcs1v15 as at first.", "PADDING"),
    ]
    default_profile: Annotated[
        str | None,
        _issuing(
            "--default-profile", "Profile it signs by unless told otherwise; at first that of the settings.", "PROFILE"
        ),
    ]
    max_days: Annotated[
        str | None,
        _issuing(
            "--max-days",
            f"Longest validity: days (90), or a span ({EXAMPLES}); at first as long as its own.",
            "SPAN",
        ),
    ]
    policy: Annotated[
        list[str] | None,
        _issuing("--policy", "Certificate policy, dotted, where the profile names none. Can be repeated.", "OID"),
    ]
    hostname: Annotated[
        str | None,
        _issuing("--hostname", "Host where `anchorhold serve` answers for it; its URLs are written.", "HOST[:PORT]"),
    ]
    crl_url: Annotated[
        list[str] | None,
        _issuing("--crl-url", "URL of its CRL; {shard} in it is the number of a partial one. Can be repeated.", "URL"),
    ]
    crl_shards: Annotated[
        int | None,
        _issuing("--crl-shards", "Divide its certificates among so many partial CRLs, beside the full one.", "N"),
    ]
    ocsp_url: Annotated[list[str] | None, _issuing("--ocsp-url", "URL of its OCSP responder. Can be repeated.", "URL")]
    issuer_url: Annotated[
        list[str] | None, _issuing("--issuer-url", "URL of its own certificate. Can be repeated.", "URL")
    ]
    ocsp_key_backend: Annotated[
        str | None,
        _issuing("--ocsp-key-backend", "Alias of the backend for keys of its OCSP responders.", "ALIAS"),
    ]
    ocsp_unknown: Annotated[
        str | None,
        _issuing(
            "--ocsp-unknown",
            "What OCSP says of what it has not issued: unknown (at first), revoked, or unauthorized.",
            "ANSWER",
        ),
    ]
    issuer_alt: Annotated[
        list[str] | None,
        _issuing("--issuer-alt", "Alternative name of its own: URI:…, email:… Can be repeated.", "NAME"),
    ]

    def given(self) -> dict[str, Any]:
        """What was given, under the names that `IssuancePolicy` has; an empty value removes, max_days 0 too."""
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
        """For a new authority."""
        return IssuancePolicy(**self.given())
