"""Secrets of the settings are kept out of what is printed about a failure, wherever a library has put them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anchorhold.secret import MASK, is_secret_reference, tells_secret
from anchorhold.settings.masking import backend_of, leaves, masked_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MIN_SECRET_LENGTH: Final = 4
"""Letters of a text that is looked for."""


def redacted(text: str, arguments: Sequence[str], *, telling: bool = False) -> str:
    """The same with every value of the settings masked that `config show` masks.

    Args:
        text: What would be printed.
        arguments: Of the command line, which may name the settings file.
        telling: Only those whose names tell that they are secrets: messages of ours say other values on purpose.
    """
    found = {part for part in _secrets(_content(arguments), telling=telling) if len(part) >= MIN_SECRET_LENGTH}
    for secret in sorted(found, key=len, reverse=True):
        for form in {secret, repr(secret)[1:-1]}:
            text = text.replace(form, MASK)
    return text


def _content(arguments: Sequence[str]) -> dict[str, Any]:
    """Of the settings file, right or wrong; empty if there is none that can be read."""
    from anchorhold.errors import AnchorholdError
    from anchorhold.settings.load import find_file, read_file

    named = None
    for option, value in zip(arguments, (*arguments[1:], ""), strict=True):
        if option in ("--config", "-c"):
            named = Path(value)
        elif option.startswith("--config="):
            named = Path(option.partition("=")[2])
    try:
        path = find_file(named, os.environ)
        return read_file(path) if path is not None else {}
    except (AnchorholdError, OSError, ValueError):
        return {}


def _secrets(content: dict[str, Any], *, telling: bool) -> Iterator[str]:
    url = os.environ.get("ANCHORHOLD_DATABASE")
    for section, value in (*content.items(), *([("database", url)] if url else [])):
        for key, leaf in leaves((section,), value):
            named = tells_secret(key[-1]) or key == ("database",) or "://" in str(leaf)
            if not telling or named:
                yield from _in(key, leaf, content)


def _in(key: tuple[str, ...], leaf: Any, content: dict[str, Any]) -> Iterable[str]:
    if not is_secret_reference(leaf):
        yield from masked_values(key, leaf, backend_of(content, key) if isinstance(content.get(key[0]), dict) else "")
    elif "env" in leaf:
        value = os.environ.get(leaf["env"], "")
        yield from masked_values(key, value, "") if key == ("database",) else (value,)
