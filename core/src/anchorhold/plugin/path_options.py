"""Options of plugins that are paths: they start at the folder of the settings, as other paths in that file do."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)


def anchored(model: Any, given: Mapping[str, Any], folder: Path, section: str) -> dict[str, Any]:
    """The options with relative paths made absolute, before their model sees them.

    A release before this one left them relative to the working folder. What lies there, and not at the new place, is
    used where it is, with a warning: keys must not be made twice because a release reads a path otherwise.

    Args:
        model: The pydantic model of the options; its fields of the type `pathlib.Path`, or of several, are paths.
        given: As they stand in the settings.
        folder: Of the settings.
        section: Where they stand, for the warning.
    """
    fields = getattr(model, "model_fields", {})
    paths = {field.alias or name for name, field in fields.items() if _is_path(field.annotation)}
    return {
        name: _all_anchored(value, folder, f"{section}.{name}") if name in paths else value
        for name, value in given.items()
    }


def _all_anchored(value: Any, folder: Path, key: str) -> Any:
    """A path, or each in a list of them; what is neither is left to the model."""
    if isinstance(value, list):
        return [_all_anchored(each, folder, key) for each in value]
    return _anchored(value, folder, key) if isinstance(value, str) else value


def _is_path(annotation: Any) -> bool:
    return annotation is Path or Path in get_args(annotation)


def _anchored(value: str, folder: Path, key: str) -> str:
    here, there = Path(value), folder / Path(value).expanduser()
    if not value or here.is_absolute() or there == Path.cwd() / here:
        return str(there) if value else value
    if here.exists() and not there.exists():
        logger.warning(
            "%s: starts at the folder of the settings, and %s does not exist, so %s in the working folder is used; "
            "write an absolute path, or move it",
            key,
            there,
            here.absolute(),
        )
        return str(here.absolute())
    return str(there)
