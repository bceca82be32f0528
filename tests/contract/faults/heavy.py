"""A backend that loads a library it does not need yet: a fault of `contract.faults.table`, in a module of its own."""

from __future__ import annotations

import hypothesis

from contract.file_backend import FileBackend


class HeavyBackend(FileBackend):
    """Nothing but the import above is wrong with it."""

    library = hypothesis.__version__
