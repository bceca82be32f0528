"""Validity periods (RFC 5280, section 4.1.2.5): from text, and within the issuer's own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from anchorhold.errors import ValidityError
from anchorhold.x509.durations import EXAMPLES, is_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_DAYS: Final = 365_250
"""A thousand years, the longest that can be asked for in days."""
LATEST: Final = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
"""What certificates have that never expire (RFC 5280, section 4.1.2.5), and the last moment that they can have."""

_DIGITS_OF_A_DATE: Final = 8
"""As ISO 8601 writes it without hyphens, ``20271231``."""

BACKDATE: Final = dt.timedelta(minutes=5)
"""How much before it is made something begins, unless told otherwise, for clocks that are behind."""
CLOCK_TOLERANCE: Final = dt.timedelta(minutes=1)
"""How far the clocks of hosts may be apart before what one has dated counts as dated in the future on another."""


def now() -> dt.datetime:
    """The present moment, UTC, to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def start_of_validity(moment: dt.datetime, early: dt.timedelta, *earliest: dt.datetime) -> dt.datetime:
    """When something begins that is made now: certificates, CRLs and OCSP responses alike.

    Args:
        moment: The present, UTC.
        early: How much before that; whole seconds of it count.
        earliest: Moments before which it must not begin, such as the start of its issuer's validity.
    """
    return max([moment - dt.timedelta(seconds=early // dt.timedelta(seconds=1)), *earliest])


def is_in_future(dated: dt.datetime, moment: dt.datetime) -> bool:
    """Whether something is dated in the future, more than clocks of several hosts are apart.

    Args:
        dated: Its date.
        moment: The present.
    """
    return dated > moment + CLOCK_TOLERANCE


def in_utc(moment: dt.datetime) -> dt.datetime:
    """A moment in UTC, to the second; without a zone it is taken for UTC."""
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    return zoned.astimezone(dt.UTC).replace(microsecond=0)


def add_days(start: dt.datetime, days: int) -> dt.datetime:
    """The moment that many days later, or the last one that there is."""
    return start + dt.timedelta(days=days) if days <= (LATEST - start).days else LATEST


def parse_expiry(text: str, start: dt.datetime) -> dt.datetime:
    """Read when something is to expire.

    Args: text: Days (``90``), a span (see `anchorhold.x509.durations.parse_duration`), a date (``2027-12-31``) or a
        moment (ISO 8601; UTC unless it says otherwise).
        start: What spans are counted from.

    Raises:
        ValidityError: It cannot be read, or is not after `start`.
    """
    try:
        if is_duration(text) or (text.strip().isdecimal() and len(text.strip()) < _DIGITS_OF_A_DATE):
            end = start + _duration_or_zero(text)
        else:
            end = in_utc(dt.datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError) as error:
        raise ValidityError(
            f"expiry {text!r}: cannot be read",
            hint=f"give days (90 or 90d), a date (2027-12-31) or a span ({EXAMPLES})",
        ) from error
    if end <= start:
        raise ValidityError(f"expiry {text!r}: is not in the future", hint="give a later one")
    return end


def _duration_or_zero(text: str) -> dt.timedelta:
    """A span; one of zero length is no slip of the pen, but an end that has come."""
    if "0" in text and not any(digit in text for digit in "123456789"):
        return dt.timedelta(0)
    return parse_duration(text, "expiry", bare="d")


def parse_interval(text: str) -> float:
    """Read how long to wait, in seconds: a span with its unit, such as ``30s``, ``10m`` or ``1h``.

    Raises:
        ValidityError: It cannot be read, or is zero.
    """
    return parse_duration(text, "pause").total_seconds()


def parse_past(text: str) -> dt.datetime:
    """Read a moment that has passed.

    Args:
        text: A date (``2026-12-31``) or a moment (ISO 8601; UTC unless it says otherwise).

    Raises:
        ValidityError: It cannot be read, or has not passed.
    """
    try:
        moment = in_utc(dt.datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError) as error:
        raise ValidityError(f"moment {text!r}: cannot be read", hint="give a date such as 2026-12-31") from error
    if moment > now():
        raise ValidityError(f"moment {text!r}: is in the future", hint="give one that has passed")
    return moment


@dataclass(frozen=True, slots=True)
class ValidityLimit:
    """A moment that no validity goes beyond.

    Attributes:
        moment: UTC.
        reason: What sets it, as a clause: ``'Root' expires``.
        length: Whether it is the longest validity, counted from its start, and not a date.
    """

    moment: dt.datetime
    reason: str
    length: bool = False


def end_of_validity(
    start: dt.datetime, *, wanted: dt.datetime | None, days: int, bounds: Sequence[ValidityLimit]
) -> dt.datetime:
    """When a certificate is to expire: as wanted, or after the default number of days, within every limit.

    Args:
        start: Start of validity. What is asked for is counted from the present and may go as much beyond the longest
            validity as that is later; it is shortened then.
        wanted: What was asked for explicitly; taken for UTC if it has no zone.
        days: The default of the profile.
        bounds: Of the issuer, the profile …; none for a root.

    Raises:
        ValidityError: What was asked for is beyond a bound, or not in the future.
    """
    if wanted is None:
        return min([add_days(start, days), *(bound.moment for bound in bounds)])
    wanted, moment = in_utc(wanted), now()
    if wanted <= max(start, moment):
        raise ValidityError(f"expiry {wanted:%Y-%m-%d %H:%M} UTC: is not in the future", hint="give a later one")
    early = max(moment - start, dt.timedelta(0))
    for bound in bounds:
        if wanted - (early if bound.length else dt.timedelta(0)) > bound.moment:
            raise ValidityError(
                f"expiry {wanted:%Y-%m-%d %H:%M} UTC: is after {bound.reason} ({bound.moment:%Y-%m-%d %H:%M} UTC)",
                hint="choose an earlier expiry, or omit it for the latest possible one",
            )
    return min([wanted, *(bound.moment for bound in bounds)])
