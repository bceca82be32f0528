"""The profiles that need no settings, and finding one by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import ProfileRefusedError, UnknownProfileError
from anchorhold.profiles.model import ProfileSettings
from anchorhold.remedy import Remedy
from anchorhold.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

_AUTHORITY: Final = ("keyCertSign", "cRLSign")

BUILT_IN: Final[dict[str, ProfileSettings]] = {
    "webserver": ProfileSettings(description="A TLS server.", extended_key_usage=("serverAuth",), names_required=True),
    "client": ProfileSettings(
        description="A TLS client.", key_usage=("digitalSignature",), extended_key_usage=("clientAuth",)
    ),
    "server-and-client": ProfileSettings(
        description="A TLS server that is a client too.",
        extended_key_usage=("serverAuth", "clientAuth"),
        names_required=True,
    ),
    "email": ProfileSettings(
        description="Signed and encrypted e-mail (S/MIME, RFC 8550).",
        key_usage=("digitalSignature", "keyEncipherment", "keyAgreement"),
        extended_key_usage=("emailProtection",),
        names_required=True,
        name_kinds=("email",),
        days=365,
    ),
    "codesigning": ProfileSettings(
        description="Signed programs.",
        key_usage=("digitalSignature",),
        extended_key_usage=("codeSigning",),
        days=365,
    ),
    "timestamping": ProfileSettings(
        description="A time-stamping authority (RFC 3161, section 2.3).",
        key_usage=("digitalSignature", "nonRepudiation"),
        extended_key_usage=("timeStamping",),
        extended_key_usage_critical=True,
        days=5 * 365,
    ),
    "ocsp": ProfileSettings(
        description="An OCSP responder (RFC 6960, section 4.2.2.2).",
        key_usage=("digitalSignature",),
        extended_key_usage=("OCSPSigning",),
        ocsp_no_check=True,
        revocation_urls=False,
        days=7,
    ),
    "intermediate": ProfileSettings(
        description="An authority below another one.", key_usage=_AUTHORITY, ca=True, path_length=0, days=5 * 365
    ),
    "root": ProfileSettings(
        description="An authority that signs itself.", key_usage=_AUTHORITY, ca=True, days=10 * 365
    ),
}
"""Profiles that need no settings."""


def find_profile(name: str, configured: Mapping[str, ProfileSettings]) -> ProfileSettings:
    """A profile by name; one in the settings takes the place of a built-in one.

    Raises:
        UnknownProfileError: No profile has that name.
    """
    known = {**BUILT_IN, **configured}
    try:
        return known[name]
    except KeyError:
        raise UnknownProfileError(f"profile {name!r}: is not known", hint=suggestion(name, known)) from None


def find_default_profile(name: str, configured: Mapping[str, ProfileSettings]) -> ProfileSettings:
    """The same for one that is used where none was named.

    Raises:
        UnknownProfileError: No profile has that name.
        ProfileRefusedError: It is for authorities, which are issued only on request.
    """
    profile = find_profile(name, configured)
    if profile.ca:
        raise ProfileRefusedError(
            f"profile {name!r}: makes authorities, so it is not for a default",
            hint="name it where an authority is wanted",
            remedy=Remedy("certificates.sign", {"profile": name}),
        )
    return profile
