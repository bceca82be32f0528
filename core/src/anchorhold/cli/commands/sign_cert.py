"""``sign-cert``: issue a certificate for a CSR."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.advising import note_about_certificate, programs_of
from anchorhold.cli.arguments import Bundle, CertificateExpires, For, Out, OutputFormat, SigningAuthority
from anchorhold.cli.completion import complete_profile
from anchorhold.cli.inputs import STANDARD_INPUT, expiry, name_of, read_csr
from anchorhold.cli.output import Format, check_output, info, render, write
from anchorhold.operations.order import Order
from anchorhold.x509.csr import check_request
from anchorhold.x509.unusual import UNUSUAL

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


class CopiedPart(StrEnum):
    """What can be copied from a CSR."""

    SUBJECT = "subject"
    ALT = "alt"


def sign_cert(
    context: CommandContext,
    ca: SigningAuthority,
    csr: Annotated[
        str,
        typer.Option(
            "--csr",
            help="CSR file, PEM or DER (default: standard input, with a prompt at a terminal).",
            metavar="FILE",
            show_default=False,
        ),
    ] = STANDARD_INPUT,
    alt: Annotated[
        list[str] | None,
        typer.Option(
            "--alt",
            help="Subject alternative name: DNS:example.com, IP:192.0.2.1, URI:…, email:… Repeatable.",
            metavar="NAME",
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject",
            help="Distinguished name (default: CN= and the first alternative name).",
            metavar="SUBJECT",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            help="Certificate profile; see `anchorhold profiles` (default: set by the authority or the settings).",
            metavar="PROFILE",
            autocompletion=complete_profile,
        ),
    ] = None,
    expires: CertificateExpires = None,
    copy: Annotated[
        list[CopiedPart] | None,
        typer.Option(
            "--copy",
            help="Copy subject or alt from the CSR (default: copy nothing). Repeatable.",
            metavar="PART",
        ),
    ] = None,
    programs: For = None,
    output_format: OutputFormat = Format.PEM,
    bundle: Bundle = False,
    out: Out = None,
) -> None:
    """Issue a certificate for a CSR, record it and print it."""
    check_output(out, output_format, bundle=bundle, kept=context.protected_files)
    installation = context.installation
    authority = installation.authorities.get(ca)
    name, alias = authority.name, authority.record.key_backend
    context.check_used({alias})
    secrets = context.secrets(alias)
    content, end = read_csr(csr), expiry(expires)
    order = Order(
        csr=check_request(content, name_of(csr)),
        names=alt or (),
        subject=subject,
        profile=profile,
        expires=end,
        copy=frozenset(part.value for part in copy or ()),
    )
    wanted = () if programs is None else programs_of(programs)
    with installation.certificates.issuer(authority, secrets, accepted_by=wanted) as issuer:
        issued = issuer.sign(order)
        unusual = issuer.is_unusual or UNUSUAL.search(issued.der) is not None
        info(f"Signed with {name}, serial {issued.serial}, valid until {issued.not_after:%Y-%m-%d %H:%M} UTC.")
        if issued.not_granted:
            info(f"Note: the CSR also requests {', '.join(issued.not_granted)}; see --copy.")
        advice = note_about_certificate(installation, authority, issued, wanted) if wanted or unusual else []
        chain = installation.authorities.chain_certificates(authority) if bundle else []
        record = {"serial": issued.serial, "authority": name, "not_granted": list(issued.not_granted), "advice": advice}
        write(render(issued.der, output_format, chain=chain, record=record), out)  # before the key is given back
