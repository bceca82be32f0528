"""Errors of the desk itself, beside those of core."""

from __future__ import annotations

from anchorhold.errors import AnchorholdError, InputError


class ForbiddenError(AnchorholdError):
    """The roles of an account do not allow what was asked for."""

    code = "forbidden"


class MissingError(InputError):
    """There is no such account, request or token."""

    code = "not-found"


class WrongStateError(InputError):
    """It exists, and its state does not allow what was asked for."""

    code = "wrong-state"


class ChangedError(AnchorholdError):
    """It is not what the caller has read: somebody has changed it since."""

    code = "changed-meanwhile"


class SameTimeError(AnchorholdError):
    """Two did the same at the same time, and this one came second; nothing was done here."""

    code = "same-time"
