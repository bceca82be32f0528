"""The wrapper ``example``: a policy for host names.

Put your own check in the place of `_check`. Other hooks are wrapped in the same way; `anchorhold.plugin.hookspecs`
documents them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from anchorhold.errors import RefusedError
from anchorhold.plugin import API_VERSION, hookimpl

if TYPE_CHECKING:
    from anchorhold.plugin import Draft, SignRequest, WrapperContext, Wrapping


class ExampleWrapper:
    """Looks at each certificate before it is signed.

    Args:
        options: From the settings.
        context: Whose keys these are; there is an instance for each alias and role.
    """

    anchorhold_api = API_VERSION

    class Options(BaseModel, extra="forbid"):
        """``wrappers.example.options`` in the settings."""

        suffixes: list[str] = Field(min_length=1)

    def __init__(self, options: Options, context: WrapperContext) -> None:
        self._suffixes = tuple(f".{suffix.lower().strip('.')}" for suffix in options.suffixes)

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest) -> Wrapping[bytes]:
        """Raise before the key signs, or hand on what it has signed; several threads may be in here."""
        if request.draft is not None:  # only a certificate has one
            self._check(request.draft)
        return (yield)

    def _check(self, draft: Draft) -> None:
        for name in draft.dns_names:
            if not f".{name.lower()}".endswith(self._suffixes):
                outside = f"{name} is outside {', '.join(self._suffixes)}"
                raise RefusedError(f"example: {outside}", hint="leave it out")
