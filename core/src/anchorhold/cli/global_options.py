"""The options before the name of a command, as the command sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from anchorhold.errors import AnchorholdError


@dataclass(slots=True)
class GlobalOptions:
    """What a command knows from before its name.

    Attributes:
        config: The settings file, if one was named.
        retry_refused_pins: Whether to forget which PINs were refused before the command works.
        timeout: Seconds that the command waits for keys; None for as long as it takes.
        broken: Aliases that cannot be used and so have no options, each with why.
    """

    config: Path | None = None
    retry_refused_pins: bool = False
    timeout: float | None = None
    broken: dict[str, AnchorholdError] = field(default_factory=dict)

    def cause(self, arguments: Sequence[str]) -> AnchorholdError | None:
        """Why an option in these arguments may be unknown: the alias that it is for cannot be used."""
        for alias, error in self.broken.items():
            prefix = "--" if alias == "default" else f"--{alias}-"
            if any(argument.startswith(prefix) for argument in arguments):
                return error
        return None
