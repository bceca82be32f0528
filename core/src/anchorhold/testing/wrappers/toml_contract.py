"""The contract for the wrapper that the command line of pytest names, told by a TOML file.

::

    passes = ["certificate", "crl"]  # purposes that it lets pass, if it does not let all pass
    slowest = 0.5                    # seconds that it may add to a signature, if 0.1 is too little
    [options]                        # as in wrappers.<name>.options
    suffixes = ["example.com"]
    [allowed]                        # a certificate that it lets pass: names, subject, profile
    names = ["www.example.com"]
    [refused]                        # one that it refuses; left out if it refuses nothing
    names = ["www.example.net"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from anchorhold.errors import UnknownBackendError
from anchorhold.plugin import WRAPPERS_GROUP, discovery
from anchorhold.testing import options_file as files
from anchorhold.testing.options_file import OPTIONS, TableShape
from anchorhold.testing.wrappers.bench import PURPOSES
from anchorhold.testing.wrappers.contract import WrapperContract

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from anchorhold.plugin import Purpose


def _is_order(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and value.keys() <= {"names", "subject", "profile"}


def _are_purposes(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and set(value) <= set(PURPOSES)


_ORDER: Final = TableShape(_is_order, 'write names = ["NAME"], subject = "NAME" or profile = "PROFILE" below it')
TABLES: Final[Mapping[str, TableShape]] = {
    "options": OPTIONS,
    "allowed": _ORDER,
    "refused": _ORDER,
    "passes": TableShape(_are_purposes, f"write a list of at least one of: {', '.join(PURPOSES)}"),
    "slowest": TableShape(lambda value: type(value) in (int, float) and value > 0, "write a number of seconds"),
}
"""What may stand in the file."""


class TestWrapper(WrapperContract):
    """The contract, told by a file.

    Attributes:
        description: Its content.
    """

    description: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """See the module; like all below."""
        return dict(self.description.get("options", {}))

    @pytest.fixture
    def allowed(self) -> dict[str, Any]:
        """A certificate."""
        return dict(self.description.get("allowed", {"names": ["www.example.com"]}))

    @pytest.fixture
    def refused(self) -> dict[str, Any] | None:
        """Another one."""
        return self.description.get("refused")

    @pytest.fixture
    def passes(self) -> Sequence[Purpose]:
        """Purposes."""
        return tuple(self.description.get("passes", PURPOSES))

    @pytest.fixture
    def slowest(self) -> float:
        """Seconds."""
        return float(self.description.get("slowest", 0.1))

    @classmethod
    def ask(cls, fixture: str) -> str:
        """The place in the file."""
        return f"write [{fixture}] into the file of --anchorhold-options"


def describe_wrapper(wrapper: str, path: Path | None) -> None:
    """Say what is to be tested.

    Args:
        wrapper: Its name.
        path: The file; None for a wrapper that needs no options.

    Raises:
        pytest.UsageError: The wrapper is not installed, the file cannot be read, or something in it is wrong.
    """
    TestWrapper.wrapper = wrapper
    TestWrapper.description = files.read(path, TABLES) if path is not None else {}
    try:
        discovery.find(WRAPPERS_GROUP, wrapper, "--anchorhold-wrapper")
    except UnknownBackendError as error:
        raise pytest.UsageError(str(error)) from error
