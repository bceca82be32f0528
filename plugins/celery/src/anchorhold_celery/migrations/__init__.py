"""The history of the tables of requests. A step that was released never changes."""

from pathlib import Path
from typing import Final

from anchorhold.databases import Migrations

MIGRATIONS: Final = Migrations(
    program="anchorhold-celery", folder=Path(__file__).parent, prefix="anchorhold_celery_", lock=0x616E63686F7263
)
