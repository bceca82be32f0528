"""What a process imports whose copies are commands: all that a command may need, so that a copy imports nothing."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from typing import Final

COMMANDS: Final = (
    "anchorhold_storages.backend",
    "anchorhold_storages.local",
    "cryptography.hazmat.backends.openssl.backend",
    "encodings.utf_8_sig",
    "playhouse.migrations",
    "psycopg",
    "pydantic.type_adapter",
    "tomllib",
    "typer._adapters",
)
"""What commands import beside the modules of core."""
_NOT_FOR_COMMANDS: Final = (
    "anchorhold.__main__",
    "anchorhold.template",
    "anchorhold.testing",
    "anchorhold.wrapper_template",
)


def import_all(*more: str) -> None:
    """Import it, and read the entry points, which are read once."""
    import anchorhold
    from anchorhold.plugin import BACKENDS_GROUP, WRAPPERS_GROUP
    from anchorhold.plugin.discovery import entry_points

    found = (module.name for module in pkgutil.walk_packages(anchorhold.__path__, "anchorhold."))
    for name in (*COMMANDS, *more, *(name for name in found if not name.startswith(_NOT_FOR_COMMANDS))):
        importlib.import_module(name)
    for group in (BACKENDS_GROUP, WRAPPERS_GROUP):
        entry_points(group=group)
    gc.freeze()  # or the first collection in each copy would copy all pages
