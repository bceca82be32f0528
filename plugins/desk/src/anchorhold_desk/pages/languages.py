"""The languages of the pages: English as it is written, German from a catalog in the format of gettext."""

from __future__ import annotations

import ast
import re
from gettext import NullTranslations
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LANGUAGES: Final = ("en", "de")
"""The first is the one in which the sources are written."""
_FOLDER: Final = Path(__file__).parent / "locale"
_RANGE: Final = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


def marked(message: str) -> str:
    """Marks a message that stands in a table and is translated where it is shown."""
    return message


class Catalog(NullTranslations):
    """The messages of one language; what is not in it stays as it is.

    Args:
        messages: Translations by message.
    """

    def __init__(self, messages: Mapping[str, str]) -> None:
        super().__init__()
        self._messages = messages

    def gettext(self, message: str) -> str:
        """A message in this language."""
        return self._messages.get(message) or message


def catalogs() -> Mapping[str, Catalog]:
    """The catalogs of all languages."""
    return {name: Catalog(dict(read_catalog(name)) if name != LANGUAGES[0] else {}) for name in LANGUAGES}


def read_catalog(language: str) -> Iterator[tuple[str, str]]:
    """Messages and translations of a language, without the header.

    Args:
        language: Its code (ISO 639).
    """
    text = (_FOLDER / f"{language}.po").read_text(encoding="utf-8")
    for entry in text.split("\n\n"):
        values = {"msgid": "", "msgstr": ""}
        name = ""
        for line in entry.splitlines():
            if line.startswith("#"):
                continue
            keyword, space, rest = line.partition(" ")
            name = keyword if space and keyword in values else name
            values[name] += ast.literal_eval(rest if space and keyword in values else line)
        if values["msgid"]:
            yield values["msgid"], values["msgstr"]


def preferred(accepted: str) -> str:
    """The language that a reader wants most of those there are (RFC 9110, section 12.5.4).

    Args:
        accepted: The value of ``Accept-Language``.
    """
    weights: dict[str, float] = {}
    for part in accepted.split(","):
        found = _RANGE.fullmatch(part)
        if found and found[1].lower() in LANGUAGES:
            weights.setdefault(found[1].lower(), float(found[2] or 1))
    return max(weights, key=weights.__getitem__, default=LANGUAGES[0])
