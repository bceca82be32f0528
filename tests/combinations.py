"""Whether this run tries combinations of which the default run has a few; `nox -s everything` tries all."""

from __future__ import annotations

import os
from typing import Final

ALL: Final = os.environ.get("ANCHORHOLD_TEST_COMBINATIONS") == "all"
"""Set ``ANCHORHOLD_TEST_COMBINATIONS=all`` for it."""
