"""The history of the desk's tables. A step that was released never changes."""

from pathlib import Path
from typing import Final

from anchorhold.databases import Migrations

MIGRATIONS: Final = Migrations(
    program="anchorhold-desk", folder=Path(__file__).parent, prefix="anchorhold_desk_", lock=0x616E63686F7264
)
