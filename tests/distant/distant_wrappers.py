"""Wrappers for keys that are far away."""

from __future__ import annotations

from typing import Any, ClassVar

from anchorhold.errors import RefusedError
from anchorhold.plugin import hookimpl


class Picky:
    """A wrapper that refuses certificates for hosts that are called bad."""

    anchorhold_api = 1

    def __init__(self, options: Any, context: Any) -> None:
        """Take nothing."""

    @hookimpl(wrapper=True)
    def sign(self, request: Any) -> Any:
        """Refuse, or pass on."""
        if request.draft is not None and "bad" in str(request.draft.subject):
            raise RefusedError("picky: refuses bad hosts", hint="be good")
        return (yield)


class Witness:
    """A wrapper that remembers what was to be signed."""

    anchorhold_api = 1
    seen: ClassVar[list[Any]] = []

    def __init__(self, options: Any, context: Any) -> None:
        """Take nothing."""

    @hookimpl(wrapper=True)
    def sign(self, request: Any) -> Any:
        """Remember, and pass on."""
        self.seen.append(request)
        return (yield)
