"""What certificates of a profile contain, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from anchorhold.parser_errors import printable
from anchorhold.profiles.built_in import BUILT_IN
from anchorhold.profiles.extensions import ProfileExtensions
from anchorhold.profiles.model import NameKind
from anchorhold.x509.describe import describe_extensions, extension_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from anchorhold.profiles.model import ProfileSettings

Origin: TypeAlias = Literal["built-in", "settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedProfile:
    """A profile that can be named.

    Attributes:
        name: Its name.
        profile: What it says.
        origin: Where it comes from; one in the settings takes the place of a built-in one of its name.
        default: Whether it is used where neither an order nor an authority names one.
    """

    name: str
    profile: ProfileSettings
    origin: Origin
    default: bool

    def summary(self) -> dict[str, Any]:
        """What a list of profiles has about it, as JSON."""
        return {
            "name": self.name,
            "description": self.profile.description,
            "origin": self.origin,
            "default": self.default,
            "ca": self.profile.ca,
            "days": self.profile.days,
        }

    def as_json(self) -> dict[str, Any]:
        """All about it: values as the settings have them, extensions as the JSON of a certificate has them."""
        profile = self.profile
        return {
            **self.summary(),
            "max_days": profile.max_days,
            "backdate_minutes": profile.backdate_minutes,
            "subject": profile.subject,
            "names_required": profile.names_required,
            "name_kinds": list(profile.name_kinds or get_args(NameKind)),
            "copy": profile.copy_rules.model_dump(mode="json"),
            "extensions": self._extensions(),
            "extensions_of_authority": list(_of_authority(profile)),
        }

    def as_text(self) -> str:
        """The same for people, in lines."""
        rows = [
            ("Profile", f"{self.name}{' (the default)' if self.default else ''}"),
            ("From", {"built-in": "built in", "settings": "the settings"}[self.origin]),
            ("For", self.profile.description or "-"),
            ("Validity", _validity(self.profile)),
            ("Subject", _subject(self.profile)),
            ("Names", _names(self.profile)),
            ("From CSRs", "; ".join(_copied(self.profile)) or "nothing, unless the order asks for it"),
            ("From the CA", ", ".join(_of_authority(self.profile))),
        ]
        lines = [f"{label + ':':<13}{value}" for label, value in rows]
        lines += ["Extensions:", *extension_lines(self._extensions())]
        lines += ["  subjectAltName: the names, if any", "  subjectKeyIdentifier, authorityKeyIdentifier: of the keys"]
        return "\n".join(map(printable, lines))

    def _extensions(self) -> dict[str, Any]:
        return describe_extensions(ProfileExtensions(self.profile, None).of_every_certificate())


def described_profiles(configured: Mapping[str, ProfileSettings], default: str) -> list[DescribedProfile]:
    """The profiles that can be named, the built-in ones first.

    Args:
        configured: Those of the settings.
        default: Name of the one that is used unless another is named.
    """
    return [
        DescribedProfile(
            name=name,
            profile=profile,
            origin="settings" if name in configured else "built-in",
            default=name == default,
        )
        for name, profile in {**BUILT_IN, **configured}.items()
    ]


def _validity(profile: ProfileSettings) -> str:
    longest = f", {profile.max_days} at most" if profile.max_days is not None else ""
    return f"{profile.days} days{longest}, beginning {profile.backdate_minutes} minutes before the signature"


def _subject(profile: ProfileSettings) -> str:
    if profile.ca:
        return "as ordered"
    return f"as ordered, else {f'{profile.subject},' if profile.subject else ''}CN=<first DNS name or mailbox>"


def _names(profile: ProfileSettings) -> str:
    needed = "at least one" if profile.names_required else "none needed"
    return f"{needed}, of the kinds {', '.join(profile.name_kinds or get_args(NameKind))}"


def _copied(profile: ProfileSettings) -> Iterator[str]:
    """Each thing that is copied, in words."""
    rules = profile.copy_rules
    parts: tuple[tuple[str, bool | Sequence[str]], ...] = (
        ("subject", rules.subject),
        ("names", rules.alt),
        ("purposes", rules.extended_key_usage),
        ("extensions", rules.extensions),
    )
    for what, values in parts:
        if values:
            yield f"{what} ({'all of it' if isinstance(values, bool) else ', '.join(values)})"


def _of_authority(profile: ProfileSettings) -> Iterator[str]:
    """The extensions that a certificate has where the authority that signs it has settings for them."""
    if not profile.policies:
        yield "certificatePolicies"
    yield "issuerAltName"
    if profile.revocation_urls:
        yield from ("authorityInfoAccess", "cRLDistributionPoints")
