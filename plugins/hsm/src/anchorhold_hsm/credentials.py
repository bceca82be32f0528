"""Which PIN an alias logs in with: the user's or the security officer's, never both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.errors import SecretMissingError, SettingsError
from anchorhold.remedy import Remedy
from anchorhold_hsm.pins import Credential

if TYPE_CHECKING:
    from anchorhold.plugin import RefusedSecrets, Secret, Secrets
    from anchorhold_hsm.options import Options
    from anchorhold_hsm.pins import Kind


def credential_of(
    alias: str, options: Options, secrets: Secrets, refused_secrets: RefusedSecrets | None = None
) -> Credential:
    """What to log in with.

    Args:
        alias: The alias.
        options: Its options.
        secrets: Its PINs.
        refused_secrets: Remembers which were refused.

    Raises:
        SettingsError: Both PINs were given, or one although it is typed at the device.
        SecretMissingError: None was given, and there is nobody to ask.
    """
    user, so = secrets.get("user-pin"), secrets.get("so-pin")
    if user and so:
        raise SettingsError(
            f"key backend {alias!r}: the PINs of user and security officer are both given, and only one can log in",
            hint="clear one of them, such as that of the security officer",
            remedy=Remedy("secrets.clear", {"key_backend": alias, "secret": "so-pin"}),
        )
    if options.protected_auth and (user or so):
        raise SettingsError(
            f"key backend {alias!r}: a PIN is given, and protected_auth says that it is typed at the device",
            hint="leave out one of them",
        )
    if options.protected_auth:
        return Credential("user", None)
    if so:
        return Credential("so", so, refused_secrets)
    return (
        Credential("user", user, refused_secrets) if user else Credential(*_required(options, secrets), refused_secrets)
    )


def _required(options: Options, secrets: Secrets) -> tuple[Kind, Secret]:
    """The PIN that a person has to give: the user's, unless that of the security officer was set and not cleared."""
    source = options.so_pin.source if options.so_pin is not None else None
    if source not in ("env", "prompt"):  # others are there, unless cleared
        return "user", secrets.require("user-pin")
    try:
        return "so", secrets.require("so-pin")
    except SecretMissingError as missing:
        try:
            return "user", secrets.require("user-pin")
        except SecretMissingError:
            raise missing from None
