"""What every peer is to the benchmark: commands that do the work of one of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A peer that is set up.

    Attributes:
        commands: Its commands, by the names in its module's ``LINES``.
        versions: Of what is installed, by the names under which they are reported.
    """

    commands: Mapping[str, Command]
    versions: Mapping[str, str] = field(default_factory=dict)


class PeerModule(Protocol):
    """What a module of this package offers."""

    @property
    def NAME(self) -> str:  # noqa: N802  # a constant of the module
        """The peer's name."""

    @property
    def LINES(self) -> Mapping[str, tuple[str, ...]]:  # noqa: N802  # a constant of the module
        """The names of its commands, by the command of ours that does the same."""

    def prepare(self, cache: Path, request: Path) -> Peer:
        """Install it where it is not yet, set it up anew, and check that what it signs is verified."""
