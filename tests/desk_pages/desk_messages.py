"""The messages of the pages, as Babel extracts them from templates and modules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.extract import extract
from jinja2.ext import babel_extract

import anchorhold_desk.pages

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = Path(anchorhold_desk.pages.__file__).parent


def messages() -> Iterator[str]:
    """Each message, perhaps several times."""
    options = {"extensions": "jinja2.ext.i18n", "trim_blocks": "true", "silent": "false"}
    for template in sorted(PAGES.glob("templates/*.html")):
        with template.open("rb") as file:
            for _, _, found, _ in babel_extract(file, ("_",), [], options):
                message = found[0] if isinstance(found, tuple) else found
                if message is not None:  # of a name in a table, whose messages are marked where they stand
                    yield message
    for module in sorted(PAGES.glob("*.py")):
        with module.open("rb") as file:
            yield from (str(found[1]) for found in extract("python", file, {"marked": None}))
