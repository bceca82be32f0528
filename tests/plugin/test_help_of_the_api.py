"""``help(anchorhold.plugin)`` is a page that names everything authors may import."""

from __future__ import annotations

import pydoc
import re

import pytest

import anchorhold.plugin

pytestmark = pytest.mark.databases(because="help is text")

PAGE = pydoc.plain(pydoc.render_doc(anchorhold.plugin))


def test_the_help_of_the_api_can_be_read_at_once() -> None:
    assert len(PAGE.splitlines()) <= 150
    assert "Method resolution order" not in PAGE


@pytest.mark.parametrize("name", anchorhold.plugin.__all__)
def test_the_help_of_the_api_names_what_can_be_imported(name: str) -> None:
    assert re.search(rf"\b{name}\b", anchorhold.plugin.__doc__ or "")
    assert hasattr(anchorhold.plugin, name)
