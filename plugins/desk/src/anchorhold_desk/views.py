"""More about authorities, certificates and requests, for people who look at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError
from anchorhold.plugin.backend_options import options_of
from anchorhold.profiles.description import described_profiles
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.advice.verdict import Advice
    from anchorhold.installation import Installation
    from anchorhold.ledger.records import CrlDates, ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.requests import Preview
    from anchorhold.profiles.description import DescribedProfile
    from anchorhold_desk.entries import DeskCertificate, DeskRequest


@dataclass(frozen=True, slots=True)
class Publication:
    """What an authority publishes.

    Attributes:
        responder: Its OCSP responder; None if it has none.
        crls: Its CRLs, the full one first.
        problems: What is wrong with them, in words, and what to do.
    """

    responder: ResponderRecord | None
    crls: Sequence[tuple[int | None, CrlDates]]
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class OcspPlace:
    """An OCSP key backend.

    Attributes:
        alias: Its alias.
        type: Name of the kind of backend.
        problem: Why it cannot be used; None if it can.
    """

    alias: str
    type: str
    problem: str | None


class Views:
    """More about what `anchorhold_desk.desk.ActingDesk` has handed out, which has checked who may see it.

    Args:
        installation: For the actor.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def publication(self, authority: Authority) -> Publication:
        """What an authority publishes, as far as the ledger says."""
        responder, dates = self._installation.responders.active(authority), self._installation.crls.dates(authority)
        crls = sorted(dates.items(), key=lambda each: -1 if each[0] is None else each[0])
        return Publication(responder, crls, list(_problems(authority, responder, crls)))

    def ocsp_places(self) -> Sequence[OcspPlace]:
        """The OCSP key backends of the settings."""
        aliases = self._installation.backends.aliases("ocsp")
        return [OcspPlace(alias, found.backend_type, self._problem(alias)) for alias, found in aliases.items()]

    def profiles(self) -> Sequence[DescribedProfile]:
        """The profiles, by name."""
        settings = self._installation.loaded.settings
        return described_profiles(settings.profiles, settings.default_profile)

    def advice(self, certificate: DeskCertificate) -> Advice:
        """Which programs refuse a certificate."""
        return self._installation.advice.of_certificate(certificate.record)

    def advice_of(self, authority: Authority) -> Advice:
        """Which programs refuse what an authority signs."""
        return self._installation.advice.of_authority(authority)

    def preview_of(self, kept: DeskRequest) -> Preview:
        """The certificate that a request would become now.

        Raises:
            AnchorholdError: It would not become one.
        """
        return self._installation.requests.preview_of(kept.record.id)

    def asked_secrets(self, authority: Authority) -> Sequence[str]:
        """Names of the secrets of an authority's key that the settings do not have; people may know them."""
        backends, alias = self._installation.backends, authority.record.key_backend
        known = backends.secrets(alias, {}, operation="use", ask=False)
        options = options_of(backends.get(alias), "use")
        names = dict.fromkeys(option.name for option in options if option.secret)
        return [name for name in names if known.get(name) is None]

    def _problem(self, alias: str) -> str | None:
        try:
            self._installation.responders.location(alias)
        except AnchorholdError as error:
            return str(error)
        return None


def _problems(
    authority: Authority, responder: ResponderRecord | None, crls: Sequence[tuple[int | None, CrlDates]]
) -> Sequence[str]:
    """What is wrong, worst first."""
    moment, found = now(), []
    expires = authority.record.not_after
    if expires is not None and expires <= moment:
        found.append("certificate: has expired")
    if authority.record.status == "pending":
        return [*found, "authority: is not complete"]
    if responder is None:
        if authority.issuing.ocsp_urls:
            found.append("OCSP responder: does not exist")
    elif responder.not_after is not None and responder.not_after <= moment:
        found.append("OCSP responder: its certificate has expired")
    if not crls and authority.issuing.crl_urls:
        found.append("CRL: does not exist")
    if any(dates.next_update <= moment for _, dates in crls):
        found.append("CRL: is overdue")
    return found
