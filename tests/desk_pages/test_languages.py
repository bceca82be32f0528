"""Each message of the pages has a German translation, with the same values in it."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from babel.messages.pofile import read_po

from anchorhold_desk.pages.languages import LANGUAGES, catalogs, preferred, read_catalog
from desk_pages.desk_messages import PAGES, messages

_VALUE = re.compile(r"%\(\w+\)s")


def test_each_message_is_translated_and_nothing_else_is() -> None:
    catalog = dict(read_catalog("de"))
    assert set(messages()) == set(catalog)
    assert [message for message, translation in catalog.items() if not translation] == []


def test_translations_have_the_values_of_their_messages() -> None:
    pairs = list(read_catalog("de"))
    assert [pair for pair in pairs if Counter(_VALUE.findall(pair[0])) != Counter(_VALUE.findall(pair[1]))] == []
    assert len(pairs) == len(dict(pairs)) > 200


def test_the_catalog_is_read_as_gettext_does() -> None:
    with (PAGES / "locale" / "de.po").open("rb") as file:
        read = {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id}
    assert read == dict(read_catalog("de"))


def test_what_is_not_in_a_catalog_stays_as_it_is() -> None:
    assert catalogs()["de"].gettext("not there") == "not there"
    assert catalogs()["de"].gettext("Certificates") == "Zertifikate"
    assert catalogs()["en"].gettext("Certificates") == "Certificates"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("en;q=0.5, de;q=0.9", "de"),
        ("fr, de-AT;q=0.8, en;q=0.5", "de"),
        ("de;q=x, en", "en"),
        ("fr", "en"),
        (";;;,,", "en"),
    ],
)
def test_the_language_is_the_one_that_is_wanted_most(accepted: str, language: str) -> None:
    assert preferred(accepted) == language
    assert language in LANGUAGES
