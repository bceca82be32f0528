"""``import-ca``: import an existing certificate authority."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from anchorhold.cli.advising import note_about_authority
from anchorhold.cli.arguments import (
    Bundle,
    EvenSo,
    IssuingOptions,
    KeyBackend,
    Name,
    OptionalFormat,
    Out,
)
from anchorhold.cli.first_publication import info_missing_revocations, publish_first
from anchorhold.cli.inputs import read_input
from anchorhold.cli.output import check_output, info, info_notes
from anchorhold.cli.rendering import show_authority
from anchorhold.errors import InputError, SecretMissingError
from anchorhold.operations.external_parent import pending_csr
from anchorhold.pkcs8 import as_plain_octets, check_is_key, is_encrypted, load_private_key
from anchorhold.public_keys import spki
from anchorhold.secret import Secret, read_secret_file
from anchorhold.x509.certificates import is_pkcs12, load_certificate, load_certificates, load_pkcs12, select_certificate
from anchorhold.x509.names import format_name
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography import x509

    from anchorhold.cli.command_context import CommandContext
    from anchorhold.installation import Installation
    from anchorhold.operations.authority import Authority
    from anchorhold.software_keys import PrivateKey

_VARIABLE: Final = "ANCHORHOLD_IMPORT_PASSWORD"


def import_ca(
    context: CommandContext,
    name: Name,
    key: Annotated[
        str | None,
        typer.Argument(
            help="Private key file (PEM or DER), or PKCS#12 with key and certificate; with --adopt, the certificate.",
            metavar="FILE",
        ),
    ] = None,
    certificate: Annotated[
        str | None, typer.Argument(help="Certificate file, PEM or DER; not with PKCS#12.", metavar="CERTIFICATE")
    ] = None,
    import_password: Annotated[
        str | None,
        typer.Option(
            "--import-password",
            help="Password of the private key or PKCS#12 file (default: prompt if needed).",
            metavar="SECRET",
            envvar=_VARIABLE,
        ),
    ] = None,
    key_backend: KeyBackend = "default",
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt", help="Use a private key that already exists in the key backend; FILE is its certificate."
        ),
    ] = False,
    signed: Annotated[
        str | None,
        typer.Option(
            "--signed",
            help="Certificate of an authority created with `init-ca --csr-out`; takes no other option.",
            metavar="FILE",
        ),
    ] = None,
    even_so: EvenSo = False,
    *,
    issuing: IssuingOptions,
    output_format: OptionalFormat = None,
    bundle: Bundle = False,
    out: Out = None,
) -> None:
    """Import a certificate authority: its certificate, and its private key into a key backend.

    An imported authority publishes nothing until its earlier certificates and revocations are recorded. With
    --signed, also create its first CRL and OCSP responder, if no prompt is needed.
    """
    check_output(out, output_format, bundle=bundle, kept=context.protected_files)
    publish: Callable[[Installation, Authority], None]
    if signed is not None:
        if key is not None or adopt or even_so or issuing.given():
            raise InputError(
                "--signed: takes only the name of the authority", hint="change its settings with edit-ca afterwards"
            )
        authority, secrets = _accept(context, name, signed)
        publish = partial(publish_first, secrets=secrets)
    else:
        given = (name, key, certificate, import_password, key_backend, issuing)
        authority, publish = _import(context, *given, adopt=adopt, even_so=even_so), info_missing_revocations
    where = authority.record.key_backend
    info(f"Imported authority {authority.name}, serial {authority.record.serial}, key in {where!r}.")
    info_notes(context.installation.notes)
    if authority.certificate.not_valid_after_utc < now():
        info("Note: its certificate has expired, so it cannot sign certificates.")
    advice = note_about_authority(context.installation, authority)
    show_authority(context.installation, authority, output_format, bundle=bundle, out=out, advice=advice)
    publish(context.installation, authority)


def _accept(context: CommandContext, name: str, signed: str) -> tuple[Authority, Mapping[str, Secret]]:
    """The authority that waited for this certificate, and the secrets given for its key."""
    authority = context.installation.authorities.get(name)
    alias = authority.record.key_backend
    context.check_used({alias})
    certificates = load_certificates(read_input(signed, "certificate"), signed)
    certificate = select_certificate(certificates, authority.record.public_key)
    wanted = pending_csr(authority).subject
    secrets = context.secrets(alias)
    accepted = context.installation.authorities.complete(authority, certificate, secrets, others=certificates)
    if certificate.subject != wanted:
        info(f"Note: the parent issued it for {format_name(certificate.subject)} instead of {format_name(wanted)}.")
    return accepted, secrets


def _import(
    context: CommandContext,
    name: str,
    key: str | None,
    certificate: str | None,
    import_password: str | None,
    key_backend: str,
    issuing: IssuingOptions,
    *,
    adopt: bool,
    even_so: bool,
) -> Authority:
    """The authority of those files."""
    context.check_used({key_backend})
    if key is None:
        raise InputError("import-ca: FILE is missing", hint="name the private key file, or see --help")
    if adopt and (certificate is not None or import_password is not None):
        raise InputError("--adopt: takes only the certificate", hint="omit the private key and its password")
    context.installation.authorities.check_new_name(name)
    private, found = (
        (None, load_certificate(read_input(key, "certificate"), key))
        if adopt
        else _load(context, key, certificate, _password(import_password))
    )
    return context.installation.authorities.import_(
        name,
        found,
        private,
        key_backend=key_backend,
        issuing=issuing.defaults(),
        options=context.options(key_backend, "adopt" if adopt else "import"),
        secrets=context.secrets(key_backend),
        even_so=even_so,
    )


def _password(given: str | None) -> Secret | None:
    """The password of the file: from the option, the variable or the file that a variable names."""
    if given:
        return Secret(given)
    file = os.environ.get(f"{_VARIABLE}_FILE")
    return read_secret_file(file) if file else None


def _load(
    context: CommandContext, key: str, certificate: str | None, password: Secret | None
) -> tuple[PrivateKey, x509.Certificate]:
    key_data = as_plain_octets(read_input(key, "private key"))
    if certificate is None:
        if not is_pkcs12(key_data):
            check_is_key(key_data, key)
            raise InputError(
                f"{key}: is not PKCS#12, so the certificate is missing", hint="name the certificate file after the key"
            )
        try:
            return load_pkcs12(key_data, password, key)
        except SecretMissingError:
            return load_pkcs12(key_data, _asked(context, key), key)
    found = load_certificates(read_input(certificate, "certificate"), certificate)
    if password is None and is_encrypted(key_data):
        password = _asked(context, key)
    private = load_private_key(key_data, password, key)
    return private, select_certificate(found, spki(private.public_key()))


def _asked(context: CommandContext, key: str) -> Secret:
    password = context.ask(f"Password of {key}")
    if password is None:
        raise SecretMissingError(
            f"{key}: is encrypted, and no password is given",
            hint=f"use --import-password, or set {_VARIABLE} or {_VARIABLE}_FILE",
        )
    return password
