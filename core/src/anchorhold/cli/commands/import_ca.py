"""``import-ca``: import a certificate authority made elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.arguments import (
    Bundle,
    IssuingOptions,
    KeyBackend,
    Name,
    OptionalFormat,
    Out,
)
from anchorhold.cli.inputs import read_input
from anchorhold.cli.output import check_output, say
from anchorhold.cli.present import show_authority
from anchorhold.errors import InputError, SecretMissingError
from anchorhold.pkcs8 import is_encrypted, load_private_key
from anchorhold.secret import Secret
from anchorhold.x509.certificates import is_pkcs12, load_certificate, load_pkcs12
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from cryptography import x509

    from anchorhold.cli.session import Session
    from anchorhold.softkeys import PrivateKey


def import_ca(
    session: Session,
    name: Name,
    key: Annotated[
        str, typer.Argument(help="File of its private key (PEM or DER), or PKCS#12 with both.", metavar="KEY")
    ],
    certificate: Annotated[
        str | None, typer.Argument(help="File of its certificate, PEM or DER; not with PKCS#12.", metavar="CERTIFICATE")
    ] = None,
    import_password: Annotated[
        str | None,
        typer.Option(
            "--import-password",
            help="Password of the file KEY; asked for at a terminal if it is needed.",
            metavar="SECRET",
            envvar="ANCHORHOLD_IMPORT_PASSWORD",
        ),
    ] = None,
    key_backend: KeyBackend = "default",
    *,
    issuing: IssuingOptions,
    output_format: OptionalFormat = None,
    bundle: Bundle = False,
    out: Out = None,
) -> None:
    """Import a certificate authority: store its private key in a key backend and record its certificate."""
    check_output(out, output_format, bundle=bundle)
    session.check_used({key_backend})
    session.installation.check_new_name(name)
    secret = Secret(import_password) if import_password else None
    loaded = _load(session, key, certificate, secret)
    authority = session.installation.import_authority(
        name,
        loaded[1],
        loaded[0],
        key_backend=key_backend,
        issuing=issuing.defaults(),
        options=session.options(key_backend),
        secrets=session.secrets(key_backend),
    )
    say(f"Imported authority {authority.name}, serial {authority.record.serial}, key in {key_backend!r}.")
    if authority.certificate.not_valid_after_utc < now():
        say("Note: its certificate has expired, so it cannot sign certificates.")
    show_authority(session.installation, authority, output_format, bundle=bundle, out=out)


def _load(
    session: Session, key: str, certificate: str | None, password: Secret | None
) -> tuple[PrivateKey, x509.Certificate]:
    key_data = read_input(key, "private key")
    if certificate is None:
        if not is_pkcs12(key_data):
            raise InputError(
                f"{key}: is not PKCS#12, so the certificate is missing", hint="name its file after the key"
            )
        try:
            return load_pkcs12(key_data, password, key)
        except SecretMissingError:
            return load_pkcs12(key_data, _asked(session, key), key)
    found = load_certificate(read_input(certificate, "certificate"), certificate)
    if password is None and is_encrypted(key_data):
        password = _asked(session, key)
    return load_private_key(key_data, password, key), found


def _asked(session: Session, key: str) -> Secret:
    password = session.ask(f"Password of {key}")
    if password is None:
        raise SecretMissingError(
            f"{key}: is encrypted and its password is missing",
            hint="give --import-password, or set ANCHORHOLD_IMPORT_PASSWORD",
        )
    return password
