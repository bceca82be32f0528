"""Templates: escaped throughout, and strict, so that a name that is not there is an error and not an empty place."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from anchorhold.x509.validity import now
from anchorhold_desk.pages.languages import catalogs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold_desk.pages.static_files import StaticFiles

EXTENSIONS: Final = ("jinja2.ext.i18n",)


class Templates:
    """The templates, compiled once for each language.

    Args:
        static: Tells the paths of style sheets and scripts.
    """

    def __init__(self, static: StaticFiles) -> None:
        self._catalogs = catalogs()
        self._environments = {
            language: _environment(language, catalog.gettext, static) for language, catalog in self._catalogs.items()
        }

    def text(self, language: str, message: str) -> str:
        """A message in a language."""
        return self._catalogs[language].gettext(message)

    def render(self, language: str, name: str, values: Mapping[str, Any]) -> str:
        """A page.

        Args:
            language: Its language.
            name: Of the template.
            values: For the template.
        """
        return self._environments[language].get_template(name).render(values)


def _environment(language: str, gettext: Any, static: StaticFiles) -> Environment:
    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=PackageLoader("anchorhold_desk.pages"),
        extensions=list(EXTENSIONS),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_callables(gettext, _plural, newstyle=True)  # type: ignore[attr-defined]  # of the extension
    made.globals.update(static=static.url, language=language, now=now, pairs=_pairs)
    made.filters.update(moment=_moment, day=_day, since_1970=_since_1970, groups=_groups, inline=inline)
    return made


def _plural(one: str, many: str, number: int) -> str:
    """Not used: messages are written so that the number does not matter."""
    return one if number == 1 else many


def _pairs(names: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Choices whose text is their value."""
    return [(name, name) for name in names]


def _moment(value: dt.datetime) -> str:
    """In UTC, to the minute."""
    return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _day(value: dt.datetime) -> str:
    return f"{value.astimezone(dt.UTC):%Y-%m-%d}"


def _since_1970(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _groups(text: str) -> str:
    """A secret in base 32 in groups of four, so that it can be typed."""
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def inline(value: Any) -> str:
    """A value of JSON on one line.

    Args:
        value: As the JSON of a certificate has it.
    """
    if isinstance(value, dict):
        return ", ".join(f"{name}: {inline(part)}" for name, part in value.items() if part not in (None, []))
    if isinstance(value, list | tuple):
        return ", ".join(map(inline, value))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
