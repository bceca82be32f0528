"""Looking at what a backend says of its keys, in this process and, as steps of child processes, in others."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from anchorhold.testing.subprocess_runner import from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold.plugin import CreatedKey
    from anchorhold.testing.harness import Harness


def list_ids(harness: Harness) -> list[str]:
    """The ids of all keys that are listed without a secret of one, in hex; keys without an id are left out."""
    return [found.key_id.hex() for found in harness.listed(harness.shared_secrets) if found.key_id is not None]


def describe(harness: Harness, keys: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is said of some keys."""
    return [asdict(harness.described(from_json(key))) for key in keys]


def look(harness: Harness, key: CreatedKey) -> None:
    """List all keys and describe one, as far as the backend does so; what it answers is the matter of other rules."""
    if harness.backend.supports("list_keys"):
        with suppress(Exception):
            harness.listed()
    if harness.backend.supports("describe_key"):
        with suppress(Exception):
            harness.described(key)
