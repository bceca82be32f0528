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
    """It is not what the caller has read: someone has changed it since."""

    code = "changed-meanwhile"


class SameTimeError(AnchorholdError):
    """Two did the same at the same time, and this one came second; nothing was done here."""

    code = "same-time"


class InProgressError(AnchorholdError):
    """A request with the same idempotency key is under way, or was cut off not long ago.

    Args:
        problem: As of any error.
        hint: As of any error.
        retry_after: Seconds after which it can be repeated in any case.
    """

    code = "in-progress"

    def __init__(self, problem: str, *, hint: str, retry_after: int) -> None:
        super().__init__(problem, hint=hint)
        self.retry_after = retry_after


class AnswerNotKeptError(AnchorholdError):
    """What was asked for under an idempotency key was done, and the answer had a secret."""

    code = "answer-not-kept"


class KeyReusedError(AnchorholdError):
    """An idempotency key was used for something else."""

    code = "idempotency-key-reused"
