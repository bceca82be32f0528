"""What is wrong with a request as HTTP has it, and answers that say what is wrong (RFC 9457)."""

from __future__ import annotations

import json
import logging
import secrets
import traceback
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final

from starlette.responses import Response

from anchorhold.errors import AnchorholdError
from anchorhold_desk.http_errors import status_of

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = logging.getLogger(__name__)

PROBLEM: Final = "application/problem+json"


class HttpError(AnchorholdError):
    """A request that HTTP itself has a status for.

    Attributes:
        status: That one.
        headers: Headers that belong to it.
    """

    status: ClassVar[int]

    def __init__(self, problem: str, *, hint: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem, hint=hint)
        self.headers = headers or {}


class UnreadableError(HttpError):
    """A request, its content or its idempotency key cannot be read."""

    status, code = 400, "request-unreadable"


class NoPathError(HttpError):
    """There is nothing at that path."""

    status, code = 404, "not-found"


class MethodError(HttpError):
    """The path does not have that method."""

    status, code = 405, "method-not-allowed"

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        methods = ", ".join(sorted(allowed))
        super().__init__(
            f"method {method[:20]!r}: is not for this path", hint=f"use {methods}", headers={"allow": methods}
        )


class NotAcceptableError(HttpError):
    """The answer has no form that the client accepts."""

    status, code = 406, "not-acceptable"


class SlowError(HttpError):
    """The content of a request takes too long."""

    status, code = 408, "request-too-slow"


class TooLargeError(HttpError):
    """The content of a request is too large."""

    status, code = 413, "content-too-large"


class MediaTypeError(HttpError):
    """The content of a request is not JSON."""

    status, code = 415, "media-type-unsupported"


class DefectError(HttpError):
    """Something that should not happen."""

    status, code = 500, "internal-error"


def problem_response(error: AnchorholdError) -> Response:
    """The answer that an error becomes."""
    status = error.status if isinstance(error, HttpError) else status_of(error)
    headers = dict(error.headers) if isinstance(error, HttpError) else {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    if (seconds := getattr(error, "retry_after", None)) is not None:
        headers["retry-after"] = str(max(1, round(seconds)))
    content: dict[str, Any] = {**error.to_problem(), "status": status}
    return Response(json.dumps(content), status, headers, PROBLEM)


def defect_response(error: Exception) -> Response:
    """The answer to what nobody has foreseen: a number, under which the log has where it happened.

    The words of the error are not logged, for they may hold anything, secrets too.
    """
    number = secrets.token_hex(4)
    places = "".join(traceback.format_tb(error.__traceback__))
    logger.error("defect %s: %s\n%s", number, type(error).__name__, places)
    told = DefectError(f"desk: a defect (number {number})", hint="tell the operator of the desk that number")
    return problem_response(told)
