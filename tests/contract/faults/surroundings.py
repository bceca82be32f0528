"""Faults of where keys are looked for: the place depends on something around the process."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from anchorhold.plugin import KeyRequest

_AT_IMPORT = os.environ.get("CONTRACT_PLACE_AT_IMPORT", "")


class _Somewhere(FileBackend):
    """Has something around the process in the names of its files."""

    def around(self) -> str:
        raise NotImplementedError

    def path(self, key_id: bytes) -> Path:
        place = hashlib.sha256(self.around().encode()).hexdigest()[:8]
        return self.options.folder / f"{key_id.hex()}-{place}.key"

    def path_of(self, request: KeyRequest) -> Path:
        data = request.handle.data
        return self.path(bytes.fromhex(data["id"] if request.handle.version > 1 else Path(data["file"]).stem))


class PlaceByWorkingFolder(_Somewhere):
    """Keeps keys where the command is run."""

    def around(self) -> str:
        return str(Path.cwd())


class PlaceByTimeOfDay(_Somewhere):
    """Begins a new folder every hour."""

    def around(self) -> str:
        return time.strftime("%H", time.gmtime())


class PlaceByDate(_Somewhere):
    """Begins a new folder every day."""

    def around(self) -> str:
        return date.today().isoformat()  # noqa: DTZ011  # the fault


class PlaceByVariable(_Somewhere):
    """Keeps keys where a variable says."""

    def around(self) -> str:
        return os.environ.get("CONTRACT_PLACE", "")


class PlaceByVariableAtImport(_Somewhere):
    """The same, read once."""

    def around(self) -> str:
        return _AT_IMPORT


class PlaceByHome(_Somewhere):
    """Keeps keys in the home folder of whoever runs the command."""

    def around(self) -> str:
        return str(Path.home())


class PlaceBySession(_Somewhere):
    """Keeps keys of a login apart."""

    def around(self) -> str:
        return str(os.getsid(0))


class PlaceByTimeZone(_Somewhere):
    """Calls its files after the local time."""

    def around(self) -> str:
        return time.strftime("%z")


class PlaceByTemporaryFolder(_Somewhere):
    """Keeps keys in the temporary folder of the system, whatever that is."""

    def around(self) -> str:
        return tempfile.gettempdir()
