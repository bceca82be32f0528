"""The HTTP status of each error (RFC 9110, section 15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold import errors
from anchorhold_desk.authentication import CrossSiteError, UnauthenticatedError
from anchorhold_desk.desk_errors import (
    AnswerNotKeptError,
    ChangedError,
    ForbiddenError,
    InProgressError,
    MissingError,
    SameTimeError,
    WrongStateError,
)
from anchorhold_desk.logins import LoginError

if TYPE_CHECKING:
    from anchorhold.errors import AnchorholdError

STATUSES: Final[dict[type[AnchorholdError], int]] = {
    UnauthenticatedError: 401,
    LoginError: 401,
    ForbiddenError: 403,
    CrossSiteError: 403,
    MissingError: 404,
    errors.UnknownAuthorityError: 404,
    errors.UnknownCertificateError: 404,
    errors.UnknownProfileError: 404,
    WrongStateError: 409,
    SameTimeError: 409,
    InProgressError: 409,
    AnswerNotKeptError: 409,
    errors.BusyError: 409,
    errors.RevocationError: 409,
    errors.AuthorityExistsError: 409,
    errors.AuthorityNotReadyError: 409,
    ChangedError: 412,
    errors.BackendUnreachedError: 503,
    errors.LedgerError: 503,
    errors.BackendFailedError: 502,
    errors.SettingsError: 500,
}
"""What is not in it is 422: the content is understood, and cannot be done."""


def status_of(error: AnchorholdError) -> int:
    """The HTTP status of an error, that of the nearest class above it."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 422)
