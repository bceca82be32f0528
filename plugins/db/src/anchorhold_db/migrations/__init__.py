"""The history of the table of keys. A step that was released never changes."""

from pathlib import Path
from typing import Final

from anchorhold.databases import Migrations
from anchorhold_db.schema import PREFIX

MIGRATIONS: Final = Migrations(
    program="anchorhold-db", folder=Path(__file__).parent, prefix=PREFIX, lock=0x616E63686F7264
)
