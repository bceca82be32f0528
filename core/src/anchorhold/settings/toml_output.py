"""Settings as they are in force, as TOML that can be put into a file; what is masked stands in comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import tomli_w

from anchorhold.secret import MASK, SecretReference, is_secret_reference
from anchorhold.settings.masking import backend_of, leaves, masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.settings.load import LoadedSettings


def display_settings(loaded: LoadedSettings) -> Iterator[tuple[str, str, str]]:
    """Each setting as (path of the key, value fit to be shown, origin), in the order of the file.

    Path and value are TOML. What is masked as a whole, or has no value, is a comment: its path begins with ``#``, so
    that no key is ever encrypted with a mask. A URL of which a part is masked stays, and its service refuses it:
    without it, another ledger or storage would be used.
    """
    dumped = loaded.settings.model_dump(mode="json", by_alias=True)
    dumped["database"] = _reference(loaded.settings.database)
    for section, content in dumped.items():
        for key, leaf in leaves((section,), content):
            value = leaf if is_secret_reference(leaf) else masked(key, leaf, backend_of(dumped, key))
            text = "null" if value is None else _toml(value)
            path = ".".join(map(_key, key))
            whole = value is None or value == MASK or (isinstance(value, list) and MASK in value)
            yield (f"# {path}" if whole else path), text, loaded.origins[section]


def _reference(reference: SecretReference) -> Any:
    """As it is written in the settings."""
    if reference.literal is not None:
        return reference.literal.reveal()
    return {reference.source: reference.place}


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(value: Any) -> str:
    """In one line."""
    if isinstance(value, dict):
        parts = ", ".join(f"{_key(str(name))} = {_toml(part)}" for name, part in value.items() if part is not None)
        return f"{{ {parts} }}" if parts else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return tomli_w.dumps({"value": value}).partition("= ")[2].strip()
