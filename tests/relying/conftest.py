"""These tests run programs of others for minutes; `nox -s relying` runs them, and nothing else does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from relying.report import REPORT
from relying.validators import NOT_RUN

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave the folder out of other runs."""
    return None if os.environ.get("ANCHORHOLD_RELYING") else (collection_path.name.startswith("test_") or None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was tried and what the programs said."""
    for line in REPORT.lines():
        terminalreporter.write_line(line)
    if REPORT.rows:
        terminalreporter.write_line(f"LEFT OUT: {', '.join(NOT_RUN)}: no test runs them")
