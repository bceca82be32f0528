"""Errors across hosts: by their code, which is stable, in the words of the worker."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from anchorhold.errors import AnchorholdError, BackendBusyError, BackendFailedError, error_classes
from anchorhold_celery.releases import difference, releases

if TYPE_CHECKING:
    from collections.abc import Mapping


def error_to_json(error: AnchorholdError) -> dict[str, Any]:
    """An error as an answer has it.

    It has ``code``, ``problem``, ``hint``, the ``releases`` of the worker's host, and if that is busy ``retry_after``
    (seconds).
    """
    told: dict[str, Any] = {
        "code": error.code,
        "problem": error.problem,
        "hint": error.hint,
        "releases": dict(releases()),
    }
    if isinstance(error, BackendBusyError):
        told["retry_after"] = error.retry_after
    return told


def error_from_json(told: Mapping[str, Any], subject: str) -> AnchorholdError:
    """The error that a worker has told of.

    Args:
        told: From `error_to_json`; a code that is not known here may be one of a later release.
        subject: The key backend here, for the message.

    Returns:
        The error; if both hosts have different releases, its hint says which to upgrade.
    """
    kind = _classes().get(str(told.get("code")), BackendFailedError)
    problem = f"{subject}: the worker says: {told.get('problem')}"
    other = difference(told.get("releases"))
    hint = "; ".join([str(told.get("hint")), *([other] if other else [])])
    if issubclass(kind, BackendBusyError):
        seconds = told.get("retry_after")
        return kind(problem, hint=hint, retry_after=seconds if isinstance(seconds, int | float) else 0.5)
    return kind(problem, hint=hint)


@cache
def _classes() -> dict[str, type[AnchorholdError]]:
    return {kind.code: kind for kind in error_classes()}
