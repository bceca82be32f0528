"""How the contract is told about the backend of files, and about its faulty variants."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.plugin import Capabilities, CreatedKey, KeyHandle
from anchorhold.testing import BackendContract

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class FileContract(BackendContract):
    """Everything that may be overridden, for keys in files of one folder."""

    unreachable_within = 2.0

    @classmethod
    def capabilities(cls) -> tuple[Capabilities, Capabilities]:
        """The options leave out a curve."""
        declared = super().capabilities()[0]
        return declared, replace(declared, curves=("secp256r1", "secp384r1"))

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Where the keys are."""
        return tmp_path / "keys"

    @pytest.fixture
    def options(self, folder: Path) -> dict[str, Any]:
        """As in the settings."""
        return {"folder": str(folder)}

    @pytest.fixture
    def other_options(self, tmp_path: Path) -> dict[str, Any]:
        """Another folder."""
        return {"folder": str(tmp_path / "other keys")}

    @pytest.fixture
    def unreachable_options(self) -> dict[str, Any]:
        """A folder below a file."""
        return {"folder": "/dev/null/keys"}

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        """The password."""
        return {"password": "correct horse battery"}

    @pytest.fixture
    def vanish(self, folder: Path) -> Callable[[CreatedKey], None]:
        """Somebody removes the file."""

        def remove(created: CreatedKey) -> None:
            for path in folder.glob("*.key"):
                path.unlink()

        return remove

    @pytest.fixture
    def stored(self, folder: Path) -> Callable[[], int]:
        """Files in the folder."""
        return lambda: len(list(folder.glob("*.key")))

    @pytest.fixture
    def adoption(self) -> Callable[[CreatedKey], dict[str, Any]]:
        """The id of the file."""
        return lambda created: {"file-id": created.handle.data["id"]}

    @pytest.fixture
    def old_handles(self) -> Callable[[KeyHandle], Sequence[KeyHandle]]:
        """The name of the file, as it was once."""
        return lambda handle: [KeyHandle(version=1, data={"file": f"{handle.data['id']}.key"})]
