"""From an order and a request, through the profile, to the draft of a certificate; no key is touched."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509

from anchorhold.errors import ProfileRefusedError
from anchorhold.profiles import find_default_profile, find_profile
from anchorhold.profiles.copying import CopyRules
from anchorhold.profiles.extensions import ProfileExtensions
from anchorhold.remedy import Remedy
from anchorhold.x509.draft import Draft
from anchorhold.x509.general_names import certifiable, format_general_name, kind_of, parse_alt
from anchorhold.x509.hosts import is_domain
from anchorhold.x509.known_oids import PURPOSES
from anchorhold.x509.names import certified, parse_subject
from anchorhold.x509.serials import new_serial
from anchorhold.x509.to_be_signed import key_identifiers
from anchorhold.x509.validity import ValidityLimit, add_days, end_of_validity, now, start_of_validity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.operations.authority import Authority, Chain
    from anchorhold.operations.order import Order
    from anchorhold.profiles import ProfileSettings
    from anchorhold.profiles.copying import Copied
    from anchorhold.settings import Settings
    from anchorhold.x509.csr import CertificationRequest
    from anchorhold.x509.csr_keys import SubjectKey


class CertificateDrafter:
    """Makes drafts for an authority.

    Args:
        settings: For the profiles.
        chain: The authority and those above it.
    """

    def __init__(self, settings: Settings, chain: Chain) -> None:
        self._settings = settings
        self._chain = chain
        self._profiles: dict[str | None, _Profile] = {}

    def draft(self, order: Order, request: CertificationRequest, key: SubjectKey) -> Draft:
        """The certificate for an order, before it is signed.

        Args:
            order: What is wanted.
            request: Its request, checked.
            key: The key in the request.

        Raises:
            NameForbiddenError: A name is outside the name constraints of an authority in the chain.
            SubjectInvalidError: The subject is empty, or cannot be in a certificate.
            ProfileRefusedError: The profile does not allow what is ordered.
            ValidityError: The expiry is not in the future, or later than a limit.
            PathLengthError: The path length does not fit below the issuer.
        """
        authority = self._chain.issuer
        profile = self._profile(order.profile)
        copied = profile.rules.copied(request, order.copy, with_subject=order.subject is None)
        if key.octets == authority.record.public_key:
            raise ProfileRefusedError(
                f"CSR: contains the key of the authority {authority.name!r} itself", hint="use a different key"
            )
        if profile.settings.ca:
            self._chain.check_path_length(profile.settings.path_length)
        names = profile.names(order, copied, request)
        subject = profile.subject(order, copied, names)
        self._chain.check_names(subject, names)
        _check_named(subject, names, ca=profile.settings.ca)
        start, end = profile.validity(order, authority)
        serial = new_serial()
        return Draft(
            issuer=authority.certificate.subject,
            subject=subject,
            serial=serial,
            not_before=start,
            not_after=end,
            public_key=key.public_key,
            extensions=(
                *profile.extensions(copied, key, subject, names, serial),
                *key_identifiers(key.octets, authority.certificate),
            ),
            profile=profile.name,
            public_key_info=key.info,
            issuer_octets=authority.unusual_subject,
        )

    def _profile(self, named: str | None) -> _Profile:
        """The one that was named, else the default of the authority or of the settings."""
        if named not in self._profiles:
            find = find_profile if named else find_default_profile
            name = named or self._chain.issuer.record.issuing.profile or self._settings.default_profile
            self._profiles[named] = _Profile(name, find(name, self._settings.profiles), self._chain.issuer)
        return self._profiles[named]


class _Profile:
    """A profile under an authority, made ready for many orders."""

    def __init__(self, name: str, settings: ProfileSettings, authority: Authority) -> None:
        self.name = name
        self.settings = settings
        self._extensions = ProfileExtensions(settings, authority.issuing)
        self.rules = CopyRules(settings.copy_rules)
        self._is_server = settings.names_required and not {"serverAuth", PURPOSES["serverAuth"]}.isdisjoint(
            settings.extended_key_usage
        )

    def names(self, order: Order, copied: Copied, request: CertificationRequest) -> tuple[x509.GeneralName, ...]:
        """Those that were ordered, then those that are copied."""
        names = tuple(dict.fromkeys([*(parse_alt(text) for text in order.names), *map(certifiable, copied.names)]))
        if self.settings.names_required and not names:
            copyable = bool(request.readable_names)
            raise ProfileRefusedError(
                f"profile {self.name!r}: needs at least one alternative name",
                hint="give one, or copy those of the CSR" if copyable else "give one",
                remedy=Remedy("certificates.sign", {"copy": ["alt"]} if copyable else {"names": None}),
            )
        for name in names:
            if self.settings.name_kinds and kind_of(name) not in self.settings.name_kinds:
                raise ProfileRefusedError(
                    f"{format_general_name(name)}: is of a kind of name that profile {self.name!r} does not allow",
                    hint=f"leave it out; allowed: {', '.join(self.settings.name_kinds)}",
                )
        if self._is_server and names and all(map(_is_no_server, names)):
            raise ProfileRefusedError(
                f"{format_general_name(names[0])}: is not a server name that a TLS client can match",
                hint=f"use another profile, or add {_server_in(names[0])}",
                remedy=Remedy("certificates.sign", {"names": None}),
            )
        return names

    def subject(self, order: Order, copied: Copied, names: Sequence[x509.GeneralName]) -> x509.Name:
        """The one that was ordered; else the profile's attributes, then those copied, then a common name."""
        if order.subject is not None:
            return parse_subject(order.subject)
        parts = [*self._fixed, *(rdn for rdn in copied.subject.rdns if self._is_left_free(rdn))]
        named = "subject" in order.copy or any(found.oid == x509.NameOID.COMMON_NAME for rdn in parts for found in rdn)
        if not named:
            parts += _common_name(names)
        return certified(x509.Name(parts))

    def validity(self, order: Order, authority: Authority) -> tuple[dt.datetime, dt.datetime]:
        """Its start and end, within what the profile and the authority allow."""
        early = dt.timedelta(minutes=self.settings.backdate_minutes)
        start = start_of_validity(now(), early, authority.certificate.not_valid_before_utc)
        bounds = authority.validity_limits(start)
        if self.settings.max_days is not None:
            bounds.append(
                ValidityLimit(add_days(start, self.settings.max_days), f"profile {self.name!r} allows", length=True)
            )
        return start, end_of_validity(start, wanted=order.expires, days=self.settings.days, bounds=bounds)

    def extensions(
        self,
        copied: Copied,
        key: SubjectKey,
        subject: x509.Name,
        names: Sequence[x509.GeneralName],
        serial: int,
    ) -> list[x509.Extension[x509.ExtensionType]]:
        """The profile's, then those copied that it has none of."""
        own = self._extensions.extensions(
            key.spec.type,
            subject,
            names,
            serial=serial,
            signing_only=key.info is not None,
            more_purposes=copied.purposes,
        )
        present = {extension.oid for extension in own}
        return [*own, *(found for found in copied.extensions if found.oid not in present)]

    def _is_left_free(self, rdn: x509.RelativeDistinguishedName) -> bool:
        return self._fixed_types.isdisjoint(attribute.oid for attribute in rdn)

    @cached_property
    def _fixed_types(self) -> frozenset[x509.ObjectIdentifier]:
        return frozenset(attribute.oid for rdn in self._fixed for attribute in rdn)

    @cached_property
    def _fixed(self) -> list[x509.RelativeDistinguishedName]:
        return list(parse_subject(self.settings.subject).rdns) if self.settings.subject else []


def _common_name(names: Sequence[x509.GeneralName]) -> list[x509.RelativeDistinguishedName]:
    """One made of the first name that people would call it by, if it fits (ub-common-name, RFC 5280 appendix A).

    None is made of addresses and of names with an underscore: openssl and GnuTLS compare such a common name with the
    constraints of DNS names, which permit none of them.
    """
    first = next((name for name in names if type(name) in (x509.DNSName, x509.RFC822Name)), None)
    if first is None or len(first.value) > 64 or (isinstance(first, x509.DNSName) and "_" in first.value):
        return []
    return [x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, first.value)])]


def _is_no_server(name: x509.GeneralName) -> bool:
    """Whether clients compare no such name with the server they have asked for (RFC 6125); SPIFFE compares its URIs."""
    if isinstance(name, x509.UniformResourceIdentifier):
        return not name.value.lower().startswith("spiffe:")
    return type(name) in (x509.DirectoryName, x509.RegisteredID)


def _server_in(name: x509.GeneralName) -> str:
    """What to write for the server in a name."""
    host = urlsplit(name.value).hostname if isinstance(name, x509.UniformResourceIdentifier) else None
    if not host:
        return "a DNS name or an address"
    return f"DNS:{host}" if is_domain(host) else f"IP:{host}"


def _check_named(subject: x509.Name, names: Sequence[x509.GeneralName], *, ca: bool) -> None:
    """Refuse a certificate of nobody, and an authority without a name of its own (RFC 5280, section 4.1.2.6)."""
    if subject.rdns or (names and not ca):
        return
    raise ProfileRefusedError(
        f"certificate: would have no subject{'' if ca else ' and no alternative name'}",
        hint="give a subject, or copy that of the CSR",
        remedy=Remedy("certificates.sign", {"copy": ["subject"]}),
    )
