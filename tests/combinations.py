"""Whether this run tries combinations of which the default run has a few; `nox -s everything` tries all.

A test marked ``only_in_full(because="…")`` is left out of the default run: ``because`` says what guards the same there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

ALL: Final = os.environ.get("ANCHORHOLD_TEST_COMBINATIONS") == "all"
"""Set ``ANCHORHOLD_TEST_COMBINATIONS=all`` for it."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "only_in_full(because): left out unless all combinations run, for a reason")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked."""
    chosen = [item for item in items if ALL or not _is_left_out(item)]
    if len(chosen) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if _is_left_out(item)])
        items[:] = chosen


def _is_left_out(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("only_in_full")
    assert marker is None or marker.kwargs["because"]
    return marker is not None
