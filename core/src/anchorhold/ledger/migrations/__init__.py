"""The history of the ledger's tables. A step that was released never changes."""

from pathlib import Path
from typing import Final

from anchorhold.databases import Migrations
from anchorhold.ledger.schema import PREFIX

MIGRATIONS: Final = Migrations(program="anchorhold", folder=Path(__file__).parent, prefix=PREFIX, lock=0x616E63686F72)
