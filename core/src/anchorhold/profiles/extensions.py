"""The extensions of certificates of a profile (RFC 5280, section 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from cryptography import x509
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import AuthorityInformationAccessOID

from anchorhold.errors import ProfileRefusedError
from anchorhold.x509.der import utf8_string
from anchorhold.x509.general_names import parse_alt
from anchorhold.x509.known_oids import POLICIES, PURPOSES, USAGE_FIELDS, dotted
from anchorhold.x509.name_constraints import name_constraints

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from anchorhold.profiles.model import ExtensionSettings, PolicySettings, ProfileSettings

Extension = x509.Extension[x509.ExtensionType]

_SIGNING: Final = frozenset({"digitalSignature", "nonRepudiation", "keyCertSign", "cRLSign"})
_MORE_USAGE: Final = {
    "RSA": frozenset({"keyEncipherment", "dataEncipherment"}),
    "EC": frozenset({"keyAgreement"}),
}
"""What keys can do beside signing (RFC 4055, section 1.2; RFC 8813, section 3); EdDSA and ML-DSA keys only sign
(RFC 8410, section 5; RFC 9881, section 5)."""


class IssuerContent(Protocol):
    """What an authority adds to the certificates it signs; URLs and names are text, policies are dotted."""

    @property
    def policies(self) -> Sequence[str]:
        """Certificate policies of profiles that name none (section 4.2.1.4)."""

    @property
    def issuer_alt(self) -> Sequence[str]:
        """Alternative names of the issuer (section 4.2.1.7)."""

    @property
    def ocsp_urls(self) -> Sequence[str]:
        """Of its OCSP responder (section 4.2.2.1)."""

    @property
    def issuer_urls(self) -> Sequence[str]:
        """Of its own certificate (section 4.2.2.1)."""

    @property
    def crl_urls(self) -> Sequence[str]:
        """Of its CRL (section 4.2.1.13)."""

    def shard_of(self, serial: int) -> int | None:
        """The partial CRL that a certificate with that serial number is on; None for the full one."""

    def crl_urls_of(self, shard: int | None) -> Sequence[str]:
        """The URLs of one of its CRLs."""


class ProfileExtensions:
    """The extensions of a profile under an authority; what every certificate has in common is made once.

    Args:
        profile: The profile.
        issuing: What the authority puts into what it signs; None for a root.
    """

    def __init__(self, profile: ProfileSettings, issuing: IssuerContent | None) -> None:
        self._key_usage = profile.key_usage
        self._usages: dict[tuple[str, bool], Extension] = {}
        self._basic = extension(
            x509.BasicConstraints(ca=profile.ca, path_length=profile.path_length if profile.ca else None), critical=True
        )
        self._purposes = [dotted(name, PURPOSES, "a key purpose") for name in profile.extended_key_usage]
        self._purposes_critical = profile.extended_key_usage_critical
        self._common = tuple(_common(profile, issuing))
        self._points = _DistributionPoints(issuing if profile.revocation_urls else None)

    def extensions(
        self,
        key_type: str,
        subject: x509.Name,
        names: Sequence[x509.GeneralName],
        *,
        serial: int,
        signing_only: bool = False,
        more_purposes: Iterable[str] = (),
    ) -> list[Extension]:
        """All but the key identifiers.

        Args:
            key_type: Type of the holder's key, as `KeySpec` has it.
            serial: Tells which revocation list it is on.
            subject: Without one, the alternative names are critical.
            names: Alternative names.
            signing_only: Whether the key says of itself that it only signs (id-RSASSA-PSS).
            more_purposes: Key purposes that the request adds, dotted.

        Raises:
            ProfileRefusedError: The profile's key usage has nothing that such a key can do.
        """
        found = [self._basic, self._usage(key_type, signing_only)]
        more = tuple(more_purposes)
        if self._purposes or more:
            found.append(self._purposes_with(more))
        if names:
            found.append(extension(x509.SubjectAlternativeName(names), critical=not subject.rdns))
        return [*found, *self._points.of(serial), *self._common]

    def of_every_certificate(self) -> list[Extension]:
        """The extensions of every certificate of the profile; some key types cannot have all of its key usage."""
        found = [self._basic, extension(_key_usage(self._key_usage), critical=True)]
        if self._purposes:
            found.append(self._purposes_with(()))
        return [*found, *self._common]

    def _purposes_with(self, more: Iterable[str]) -> Extension:
        oids = dict.fromkeys((*self._purposes, *more))
        value = x509.ExtendedKeyUsage([ObjectIdentifier(oid) for oid in oids])
        return extension(value, critical=self._purposes_critical)

    def _usage(self, key_type: str, signing_only: bool) -> Extension:
        kind = (key_type, signing_only)
        if kind not in self._usages:
            self._usages[kind] = extension(
                _key_usage(_possible(self._key_usage, key_type, signing_only)), critical=True
            )
        return self._usages[kind]


def extension(value: x509.ExtensionType, *, critical: bool = False) -> Extension:
    """An extension with its identifier."""
    return x509.Extension(value.oid, critical, value)


def _possible(names: Iterable[str], key_type: str, signing_only: bool) -> list[str]:
    """Key usage without what such a key cannot do."""
    possible = _SIGNING if signing_only else _SIGNING | _MORE_USAGE.get(key_type, frozenset())
    wanted = [name for name in names if name in possible]
    if not wanted:
        raise ProfileRefusedError(
            f"profile: its key usage has nothing that {key_type} keys can do", hint="use a key of another type"
        )
    return wanted


def _key_usage(names: Collection[str]) -> x509.KeyUsage:
    bits = {field: name in names for name, field in USAGE_FIELDS.items()}
    return x509.KeyUsage(**bits, encipher_only=False, decipher_only=False)


def _common(profile: ProfileSettings, issuing: IssuerContent | None) -> Iterator[Extension]:
    """Whatever does not depend on the holder."""
    if profile.permitted_names or profile.excluded_names:
        constraints = name_constraints(profile.permitted_names, profile.excluded_names)
        yield extension(cast("x509.NameConstraints", constraints), critical=True)
    policies = [_policy(policy) for policy in profile.policies]
    if not policies and issuing is not None:
        policies = [x509.PolicyInformation(_policy_oid(oid), None) for oid in issuing.policies]
    if policies:
        yield extension(x509.CertificatePolicies(policies))
    if profile.tls_features:
        yield extension(x509.TLSFeature([x509.TLSFeatureType[name] for name in profile.tls_features]))
    if profile.ocsp_no_check:
        yield extension(x509.OCSPNoCheck())
    if issuing is not None:
        if issuing.issuer_alt:
            yield extension(x509.IssuerAlternativeName([parse_alt(name) for name in issuing.issuer_alt]))
        if profile.revocation_urls:
            yield from _urls(issuing)
    yield from map(_custom, profile.extensions)


def _policy(policy: PolicySettings) -> x509.PolicyInformation:
    qualifiers: list[str | x509.UserNotice] = [*policy.cps]
    if policy.notice is not None:
        qualifiers.append(x509.UserNotice(notice_reference=None, explicit_text=policy.notice))
    return x509.PolicyInformation(_policy_oid(policy.oid), qualifiers or None)


def _policy_oid(name: str) -> ObjectIdentifier:
    return ObjectIdentifier(dotted(name, POLICIES, "a certificate policy"))


def _urls(issuing: IssuerContent) -> Iterator[Extension]:
    """Authority information access."""
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, places in (
            (AuthorityInformationAccessOID.OCSP, issuing.ocsp_urls),
            (AuthorityInformationAccessOID.CA_ISSUERS, issuing.issuer_urls),
        )
        for url in places
    ]
    if access:
        yield extension(x509.AuthorityInformationAccess(access))


class _DistributionPoints:
    """CRL distribution points, one extension for each list."""

    def __init__(self, issuing: IssuerContent | None) -> None:
        self._issuing = issuing if issuing is not None and issuing.crl_urls else None
        self._made: dict[int | None, Extension] = {}

    def of(self, serial: int) -> tuple[Extension, ...]:
        """The extension for a certificate, if it has one."""
        if self._issuing is None:
            return ()
        shard = self._issuing.shard_of(serial)
        if shard not in self._made:
            locations = [x509.UniformResourceIdentifier(url) for url in self._issuing.crl_urls_of(shard)]
            point = x509.DistributionPoint(full_name=locations, relative_name=None, reasons=None, crl_issuer=None)
            self._made[shard] = extension(x509.CRLDistributionPoints([point]))
        return (self._made[shard],)


def _custom(settings: ExtensionSettings) -> Extension:
    """One that the profile has by its identifier."""
    text, digits = settings.text, settings.der or ""
    value = utf8_string(text) if text is not None else bytes.fromhex(digits.replace(":", ""))
    return extension(x509.UnrecognizedExtension(ObjectIdentifier(settings.oid), value), critical=settings.critical)
