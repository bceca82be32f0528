"""``init-ca``: create a certificate authority."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.algorithms import key_spec
from anchorhold.cli.advising import note_about_authority, programs_of
from anchorhold.cli.arguments import (
    AuthorityExpires,
    Bundle,
    EvenSo,
    For,
    IssuingOptions,
    KeyBackend,
    Name,
    OptionalFormat,
    Out,
)
from anchorhold.cli.completion import complete_authority, complete_curve, complete_key_type, complete_profile
from anchorhold.cli.destination import is_standard_output
from anchorhold.cli.first_publication import publish_first
from anchorhold.cli.inputs import expiry
from anchorhold.cli.inputs import path_length as read_path_length
from anchorhold.cli.output import check_output, info, info_notes, write
from anchorhold.cli.rendering import show_authority
from anchorhold.errors import InputError
from anchorhold.operations.external_parent import pending_csr

if TYPE_CHECKING:
    from anchorhold.algorithms import KeySpec
    from anchorhold.cli.command_context import CommandContext


def init_ca(
    context: CommandContext,
    name: Name,
    subject: Annotated[
        str, typer.Argument(help="Distinguished name: CN=Root,O=Org,C=AT or /C=AT/O=Org/CN=Root.", metavar="SUBJECT")
    ],
    parent: Annotated[
        str | None,
        typer.Option(
            "--parent",
            help="Authority that signs the new one (default: none, a self-signed root).",
            metavar="CA",
            autocompletion=complete_authority,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            help="Profile of the CA certificate, with ca = true (default: root, or intermediate with --parent).",
            metavar="PROFILE",
            autocompletion=complete_profile,
        ),
    ] = None,
    key_backend: KeyBackend = "default",
    path_length: Annotated[
        str | None,
        typer.Option(
            "--path-length",
            help='Path length constraint: a number, or "none" for no limit (default: no limit for a root, 0 for an '
            "intermediate).",
            metavar="N",
        ),
    ] = None,
    expires: AuthorityExpires = None,
    key_type: Annotated[
        str | None,
        typer.Option(
            "--key-type",
            help="Key type: EC, RSA, Ed25519, Ed448, ML-DSA-44, ML-DSA-65 or ML-DSA-87 (default: EC).",
            metavar="TYPE",
            autocompletion=complete_key_type,
        ),
    ] = None,
    key_size: Annotated[
        int | None,
        typer.Option("--key-size", help="RSA key size, 2048 to 8192 bits (default: 3072).", metavar="BITS"),
    ] = None,
    elliptic_curve: Annotated[
        str | None,
        typer.Option(
            "--elliptic-curve",
            help="Elliptic curve: P-224, P-256, P-384, P-521, secp256k1, brainpoolP256r1 … (default: P-256).",
            metavar="CURVE",
            autocompletion=complete_curve,
        ),
    ] = None,
    permit_name: Annotated[
        list[str] | None,
        typer.Option(
            "--permit-name",
            help="Name constraint, permitted subtree: DNS:example.com, IP:192.0.2.0/24 … Repeatable.",
            metavar="SUBTREE",
        ),
    ] = None,
    exclude_name: Annotated[
        list[str] | None,
        typer.Option("--exclude-name", help="Name constraint, excluded subtree. Repeatable.", metavar="SUBTREE"),
    ] = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Use a private key that already exists in the key backend.")
    ] = False,
    csr_out: Annotated[
        Path | None,
        typer.Option(
            "--csr-out",
            help="Write a CSR for an external parent; import its certificate with `import-ca --signed`.",
            metavar="FILE",
        ),
    ] = None,
    programs: For = None,
    even_so: EvenSo = False,
    *,
    issuing: IssuingOptions,
    output_format: OptionalFormat = None,
    bundle: Bundle = False,
    out: Out = None,
) -> None:
    """Create a certificate authority: its private key, in the chosen key backend, and its certificate.

    With --hostname, --crl-url or --ocsp-url, also create its first CRL and OCSP responder, if no prompt is needed.
    """
    check_output(out, output_format, bundle=bundle, kept=context.protected_files)
    installation = context.installation
    installation.authorities.check_new_name(name)
    common: dict[str, Any] = {
        "key": _spec(key_type, key_size, elliptic_curve, adopt=adopt),
        "adopt": adopt,
        "profile": profile,
        "key_backend": key_backend,
        "path_length": read_path_length(path_length),
        "permitted": permit_name or (),
        "excluded": exclude_name or (),
        "issuing": issuing.defaults(),
        "accepted_by": programs_of(programs),
        "even_so": even_so,
    }
    if csr_out is not None:
        if parent is not None or expires is not None or output_format is not None or out is not None or bundle:
            raise InputError(
                "--csr-out: creates a CSR and no certificate, whose contents the parent decides",
                hint="omit --parent, --expires, --output-format, --out and --bundle",
            )
        _request(context, name, subject, csr_out, common)
        return
    above = installation.authorities.get(parent) if parent is not None else None
    parent_alias = above.record.key_backend if above is not None else None
    context.check_used({key_backend}, {parent_alias} if parent_alias is not None else set())
    secrets = context.secrets(key_backend)
    authority = installation.authorities.create(
        name,
        subject,
        parent=above,
        expires=expiry(expires),
        **common,
        options=context.options(key_backend, "adopt" if adopt else "create"),
        secrets=secrets,
        parent_secrets=context.secrets(parent_alias, parent=True) if parent_alias is not None else None,
    )
    kind = "root" if above is None else f"signed by {above.name}"
    info(f"Created authority {authority.name} ({kind}), serial {authority.record.serial}, key in {key_backend!r}.")
    info_notes(installation.notes)
    advice = note_about_authority(installation, authority, programs_of(programs))
    show_authority(installation, authority, output_format, bundle=bundle, out=out, advice=advice)
    publish_first(installation, authority, secrets)


def _spec(key_type: str | None, key_size: int | None, elliptic_curve: str | None, *, adopt: bool) -> KeySpec | None:
    """The type of a new key; None for an existing key."""
    if not adopt:
        return key_spec(key_type, key_size, elliptic_curve)
    if (key_type, key_size, elliptic_curve) != (None, None, None):
        raise InputError(
            "--adopt: the type of an existing key cannot be chosen",
            hint="omit --key-type, --key-size and --elliptic-curve",
        )
    return None


def _request(context: CommandContext, name: str, subject: str, csr_out: Path, common: dict[str, Any]) -> None:
    alias = common["key_backend"]
    check_output(csr_out, kept=context.protected_files)
    context.check_used({alias})
    options = context.options(alias, "adopt" if common["adopt"] else "create")
    authority = context.installation.authorities.request_csr(
        name, subject, **common, options=options, secrets=context.secrets(alias)
    )
    info_notes(context.installation.notes)
    note_about_authority(context.installation, authority, common["accepted_by"])
    again = f"show it with `anchorhold recover --finish {shlex.quote(name)}`"
    write(pending_csr(authority).public_bytes(Encoding.PEM), csr_out, hint=again)
    request = "the CSR" if is_standard_output(csr_out) else csr_out
    info(f"Created the key of {authority.name} in {alias!r}.")
    info(f"Next: have {request} signed, then run `anchorhold import-ca {shlex.quote(name)} --signed FILE`.")
