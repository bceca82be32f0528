"""What is wanted of an authority, and the plan that fixes every value of its certificate before a key is made."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from anchorhold.errors import NameForbiddenError, PathLengthError, ProfileRefusedError
from anchorhold.ledger import IssuancePolicy
from anchorhold.operations.state import Creation
from anchorhold.profiles.extensions import ProfileExtensions
from anchorhold.profiles.model import MAX_PATH_LENGTH
from anchorhold.public_keys import spec_of, spki
from anchorhold.x509.draft import Draft
from anchorhold.x509.name_constraints import fully_excluded
from anchorhold.x509.names import format_name, parse_authority_subject, parse_subject
from anchorhold.x509.serials import new_serial
from anchorhold.x509.to_be_signed import key_identifiers
from anchorhold.x509.validity import ValidityLimit, add_days, end_of_validity, now, start_of_validity

if TYPE_CHECKING:
    from anchorhold.operations.authority import Authority, Chain
    from anchorhold.profiles import ProfileSettings
    from anchorhold.public_keys import PublicKey

PathLength: TypeAlias = int | Literal["none"] | None
"""How many authorities may follow below one: a number, ``none`` for no limit, None for what the profile says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAuthority:
    """An authority to be created.

    Attributes:
        name: Under which it is known here.
        subject: Distinguished name as text.
        profile: What its certificate is like.
        profile_name: The name of that profile.
        path_length: Path length constraint.
        expires: End of validity; by default as the profile says, shortened to the parent's own.
        permitted: Subtrees of names that it may certify, beside those of the profile.
        excluded: Subtrees of names that it must not, beside those of the profile.
        issuing: What it puts into what it signs.
    """

    name: str
    subject: str
    profile: ProfileSettings
    profile_name: str
    path_length: PathLength = None
    expires: dt.datetime | None = None
    permitted: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    issuing: IssuancePolicy = field(default_factory=IssuancePolicy)


def draft_authority(creation: Creation, public_key: PublicKey, parent: Authority | None) -> Draft:
    """The certificate of an authority before it is signed, by itself if there is no parent.

    Args:
        creation: Every value of it.
        public_key: Its key.
        parent: The authority that signs it; None for a root.
    """
    subject = parse_subject(creation.subject)
    serial = new_serial()
    made = ProfileExtensions(creation.profile, parent.issuing if parent is not None else None)
    return Draft(
        issuer=parent.certificate.subject if parent is not None else subject,
        subject=subject,
        serial=serial,
        not_before=creation.not_before,
        not_after=creation.not_after,
        public_key=public_key,
        extensions=(
            *made.extensions(spec_of(public_key).type, subject, (), serial=serial),
            *key_identifiers(spki(public_key), parent.certificate if parent is not None else None),
        ),
        profile=creation.profile_name,
        listed_as="authority",
        issuer_octets=parent.unusual_subject if parent is not None else None,
    )


def plan_creation(wanted: NewAuthority, above: Chain | None) -> Creation:
    """Check what is wanted against the parent, and fix every value of it."""
    subject = parse_authority_subject(wanted.subject)
    profile = effective_profile(wanted)
    above_begins = () if above is None else (above.issuer.certificate.not_valid_before_utc,)
    start = start_of_validity(now(), dt.timedelta(minutes=profile.backdate_minutes), *above_begins)
    bounds = []
    if profile.max_days is not None:
        bounds.append(ValidityLimit(add_days(start, profile.max_days), "its profile allows", length=True))
    if above is not None:
        parent = above.issuer
        parent.check_ready()
        above.check_path_length(profile.path_length)
        above.check_names(subject, ())
        bounds += parent.validity_limits(start)
    return Creation(
        subject=format_name(subject),
        profile=profile,
        profile_name=wanted.profile_name,
        not_before=start,
        not_after=end_of_validity(start, wanted=wanted.expires, days=profile.days, bounds=bounds),
    )


def effective_profile(wanted: NewAuthority) -> ProfileSettings:
    """The profile with all that was wanted beside it.

    Raises:
        ProfileRefusedError: It is not one for authorities.
        PathLengthError: The path length is out of range.
        NameForbiddenError: A subtree cannot be read, or is permitted and excluded.
    """
    profile = wanted.profile
    if not profile.ca:
        raise ProfileRefusedError("profile: is not for authorities", hint="use one that has ca = true")
    length = profile.path_length if wanted.path_length is None else wanted.path_length
    if isinstance(length, int) and not 0 <= length <= MAX_PATH_LENGTH:
        raise PathLengthError(
            f"path length {length}: is out of range", hint=f"give a number from 0 to {MAX_PATH_LENGTH:,}, or none"
        )
    return profile.model_copy(
        update={"path_length": None if length == "none" else length, **_constraints(profile, wanted)}
    )


def _constraints(profile: ProfileSettings, wanted: NewAuthority) -> dict[str, tuple[str, ...]]:
    permitted = (*profile.permitted_names, *wanted.permitted)
    excluded = (*profile.excluded_names, *wanted.excluded)
    useless = fully_excluded(permitted, excluded)
    if useless is not None:
        raise NameForbiddenError(
            f"name constraint {useless!r}: is both permitted and excluded", hint="remove one of them"
        )
    return {"permitted_names": permitted, "excluded_names": excluded}
