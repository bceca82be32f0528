"""Profiles: what certificates for a purpose look like, and the extensions they get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from anchorhold.errors import ProfileRefusedError, UnknownProfileError
from anchorhold.publickeys import spec_of
from anchorhold.settings.model import ProfileSettings
from anchorhold.suggestions import suggestion
from anchorhold.x509.oids import purpose_oids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorhold.ledger.records import IssuingDefaults
    from anchorhold.publickeys import PublicKey

BUILT_IN: Final[dict[str, ProfileSettings]] = {
    "webserver": ProfileSettings(
        description="A TLS server, as browsers accept it.", extended_key_usage=("serverAuth",), names_required=True
    ),
    "client": ProfileSettings(
        description="A TLS client.", key_usage=("digitalSignature",), extended_key_usage=("clientAuth",)
    ),
    "server-and-client": ProfileSettings(
        description="A TLS server that is a client too.",
        extended_key_usage=("serverAuth", "clientAuth"),
        names_required=True,
    ),
    "ocsp": ProfileSettings(
        description="An OCSP responder (RFC 6960, section 4.2.2.2).",
        key_usage=("digitalSignature",),
        extended_key_usage=("OCSPSigning",),
        ocsp_no_check=True,
        revocation_urls=False,
        days=30,
    ),
    "intermediate": ProfileSettings(
        description="An authority whose key is kept elsewhere.",
        key_usage=("keyCertSign", "cRLSign"),
        ca=True,
        path_length=0,
        days=5 * 365,
    ),
}
"""Profiles that need no settings."""

ROOT_DAYS: Final = 10 * 365
ISSUING_DAYS: Final = 5 * 365

_SIGNING: Final = {"digitalSignature", "nonRepudiation", "keyCertSign", "cRLSign"}
_POSSIBLE_USAGE: Final = {
    "RSA": _SIGNING | {"keyEncipherment", "dataEncipherment"},
    "EC": _SIGNING | {"keyAgreement"},
    "Ed25519": _SIGNING,
    "Ed448": _SIGNING,
    "ML-DSA-44": _SIGNING,
    "ML-DSA-65": _SIGNING,
    "ML-DSA-87": _SIGNING,
}
"""What keys can do (RFC 4055, section 1.2; RFC 8813, section 3; RFC 8410, section 5; RFC 9881, section 5)."""
USAGE_FIELDS: Final = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
}
"""Bits of the key usage extension (RFC 5280, section 4.2.1.3) and the fields ``cryptography`` has for them."""


def find_profile(name: str, configured: Mapping[str, ProfileSettings]) -> ProfileSettings:
    """A profile by name; one in the settings takes the place of a built-in one.

    Raises:
        UnknownProfileError: There is none.
    """
    known = {**BUILT_IN, **configured}
    try:
        return known[name]
    except KeyError:
        raise UnknownProfileError(f"profile {name!r}: is not known", hint=suggestion(name, known)) from None


def key_usage(names: Iterable[str], key: PublicKey) -> x509.KeyUsage:
    """Key usage (RFC 5280, section 4.2.1.3) without what such a key cannot do.

    Raises:
        ProfileRefusedError: Nothing is left.
    """
    key_type = spec_of(key).type
    wanted = {USAGE_FIELDS[name] for name in names if name in _POSSIBLE_USAGE[key_type]}
    if not wanted:
        raise ProfileRefusedError(
            f"profile: its key usage has nothing that {key_type} keys can do", hint="use a key of another type"
        )
    bits = {field: field in wanted for field in USAGE_FIELDS.values()}
    return x509.KeyUsage(**bits, encipher_only=False, decipher_only=False)


def purpose_extensions(
    profile: ProfileSettings, key: PublicKey, subject: x509.Name, names: Iterable[x509.GeneralName]
) -> list[x509.Extension[x509.ExtensionType]]:
    """Basic constraints, key usage, extended key usage, subject alternative names, no-check."""
    path_length = profile.path_length if profile.ca else None
    extensions = [
        extension(x509.BasicConstraints(ca=profile.ca, path_length=path_length), critical=True),
        extension(key_usage(profile.key_usage, key), critical=True),
    ]
    if profile.extended_key_usage:
        extensions.append(extension(x509.ExtendedKeyUsage(purpose_oids(profile.extended_key_usage))))
    alternatives = list(names)
    if alternatives:
        extensions.append(extension(x509.SubjectAlternativeName(alternatives), critical=not subject.rdns))
    if profile.ocsp_no_check:
        extensions.append(extension(x509.OCSPNoCheck()))
    return extensions


def url_extensions(issuing: IssuingDefaults) -> list[x509.Extension[x509.ExtensionType]]:
    """Authority information access and CRL distribution points of the issuer."""
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, places in (
            (AuthorityInformationAccessOID.OCSP, issuing.ocsp_urls),
            (AuthorityInformationAccessOID.CA_ISSUERS, issuing.issuer_urls),
        )
        for url in places
    ]
    extensions: list[x509.Extension[x509.ExtensionType]] = []
    if access:
        extensions.append(extension(x509.AuthorityInformationAccess(access)))
    if issuing.crl_urls:
        locations = [x509.UniformResourceIdentifier(url) for url in issuing.crl_urls]
        point = x509.DistributionPoint(full_name=locations, relative_name=None, reasons=None, crl_issuer=None)
        extensions.append(extension(x509.CRLDistributionPoints([point])))
    return extensions


def extension(value: x509.ExtensionType, *, critical: bool = False) -> x509.Extension[x509.ExtensionType]:
    """An extension with its identifier."""
    return x509.Extension(value.oid, critical, value)
