"""Validity periods (RFC 5280, section 4.1.2.5): from text, and within the issuer's own."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from anchorhold.errors import ValidityError

_UNITS: Final = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "y": 365}


def now() -> dt.datetime:
    """The present moment, UTC, to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def in_utc(moment: dt.datetime) -> dt.datetime:
    """A moment in UTC, to the second; without a zone it is taken for UTC."""
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    return zoned.astimezone(dt.UTC).replace(microsecond=0)


def parse_expiry(text: str, start: dt.datetime) -> dt.datetime:
    """Read when something is to expire.

    Args:
        text: Days (``90``), a span (``12h``, ``90d``, ``10y``), a date (``2027-12-31``) or a moment (ISO 8601; UTC
            unless it says otherwise).
        start: What spans are counted from.

    Raises:
        ValidityError: It cannot be read, or is not after `start`.
    """
    span = re.fullmatch(r"([0-9]{1,6})([hdwmy]?)", text.strip().lower())
    try:
        if span:
            end = start + dt.timedelta(days=int(span[1]) * _UNITS[span[2] or "d"])
        else:
            end = in_utc(dt.datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError) as error:
        raise ValidityError(
            f"expiry {text!r}: cannot be read", hint="give days (90), a span (12h, 90d, 10y) or a date (2027-12-31)"
        ) from error
    if end <= start:
        raise ValidityError(f"expiry {text!r}: is not in the future", hint="give a later one")
    return end


def end_of_validity(
    start: dt.datetime, *, wanted: dt.datetime | None, days: int, limit: dt.datetime | None, issuer: str
) -> dt.datetime:
    """When a certificate is to expire: as wanted, or after so many days but not after its issuer.

    Args:
        start: Start of validity.
        wanted: What was asked for explicitly; taken for UTC if it has no zone.
        days: The default of the profile.
        limit: End of the issuer's validity; None for a root.
        issuer: Name of the issuer, for the message.

    Raises:
        ValidityError: What was asked for is beyond the limit, or not after the start.
    """
    if wanted is None:
        end = start + dt.timedelta(days=days)
        return end if limit is None else min(end, limit)
    wanted = in_utc(wanted)
    if wanted <= start:
        raise ValidityError(f"expiry {wanted:%Y-%m-%d %H:%M} UTC: is not in the future", hint="give a later one")
    if limit is not None and wanted > limit:
        raise ValidityError(
            f"expiry {wanted:%Y-%m-%d %H:%M} UTC: is after {issuer!r} expires ({limit:%Y-%m-%d %H:%M} UTC)",
            hint="ask for less, or leave it out to get as much as there is",
        )
    return wanted
