"""What the worker imports beyond the promised names, each with why; the list only shrinks."""

from __future__ import annotations

from typing import Final

CELERY_EXCEPTIONS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "anchorhold.cli.command_context": (
        ("CommandContext",),
        "`worker` is a command of the table, built as those of core are",
    ),
    "anchorhold.plugin.key_backend": (("KeyBackend",), "type of the alias that a worker lends"),
}
"""Modules, each with the names and the reason."""
