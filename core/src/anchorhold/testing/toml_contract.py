"""The contract for the backend that the command line of pytest names, told by a TOML file.

::

    [options]                  # as in key_backends.<alias>.options
    folder = "/tmp/keys"
    [other]                    # of a second alias, whose keys are somewhere else
    folder = "/tmp/other-keys"
    [unreachable]              # of a place that cannot be reached
    folder = "/dev/null/keys"
    [ocsp]                     # of an alias for OCSP keys, where they differ
    [key]                      # options of new keys, as on the command line
    [secrets]                  # by name: a value, { env = "VARIABLE" } or { file = "PATH" }
    password = { env = "TEST_PASSWORD" }
    [wrong-secrets]            # where a value turned around would not be a wrong one
    [offers]                   # what this instance offers, in what that is less than its class declares
    key_types = ["EC"]
    [adoption]                 # options by which a key is adopted; {name} stands for what its handle has there
    key-id = "{id}"
    [old-handles.1]            # what a handle of that version has for the same key, likewise
    file = "{id}.key"
    [vanish]                   # makes a key go away behind the backend's back, needed where that cannot delete
    command = ["rm", "/tmp/keys/{id}.key"]
    [stored]                   # prints how many private keys there are; without it leftovers are not looked for
    command = ["sh", "-c", "ls /tmp/keys | wc -l"]
    [settings]                 # other sections of the settings, such as settings.storages

The sections are not called as the fixtures of a subclass are: ``[other]`` is its `other_options`.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from anchorhold.errors import (
    AnchorholdError,
    BackendContractError,
    BackendLoadError,
    UnknownBackendError,
)
from anchorhold.plugin import KeyHandle
from anchorhold.testing import options_file as files
from anchorhold.testing.contract import BackendContract
from anchorhold.testing.harness import Harness
from anchorhold.testing.rules import UnmetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anchorhold.plugin import CreatedKey

_TABLES: Final = {
    "other_options": "other",
    "unreachable_options": "unreachable",
    "adoption": "adoption",
    "old_handles": "old-handles",
    "vanish": "vanish",
    "stored": "stored",
    "secrets": "secrets",
}
"""The fixtures that a subclass may lack, and where the file says the same."""
_FIXTURES: Final = {
    **{fixture: table for fixture, table in _TABLES.items() if fixture != table},
    "ocsp_options": "ocsp",
    "key_options": "key",
    "wrong_secrets": "wrong-secrets",
}
"""Fixtures of a subclass that are called otherwise in the file."""
TIMEOUT: Final = 120
"""Seconds after which a command of the file is given up."""


class TestBackend(BackendContract):
    """The contract, told by a file.

    Attributes:
        description: Its content.
    """

    description: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """See the module."""
        return dict(self.description.get("options", {}))

    @pytest.fixture
    def other_options(self) -> dict[str, Any] | None:
        """See the module."""
        return self.description.get("other")

    @pytest.fixture
    def unreachable_options(self) -> dict[str, Any] | None:
        """See the module."""
        return self.description.get("unreachable")

    @pytest.fixture
    def ocsp_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """See the module."""
        return dict(self.description.get("ocsp", options))

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """See the module."""
        return dict(self.description.get("settings", {}))

    @pytest.fixture
    def key_options(self) -> dict[str, Any]:
        """See the module."""
        return dict(self.description.get("key", {}))

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        """See the module."""
        return {name: files.secret(name, value) for name, value in self.description.get("secrets", {}).items()}

    @pytest.fixture
    def wrong_secrets(self, secrets: dict[str, str]) -> dict[str, str]:
        """See the module."""
        given = {name: files.secret(name, value) for name, value in self.description.get("wrong-secrets", {}).items()}
        return {**{name: value[::-1] + "x" for name, value in secrets.items()}, **given}

    @pytest.fixture
    def adoption(self) -> Callable[[CreatedKey], Mapping[str, Any]] | None:
        """See the module."""
        told = self.description.get("adoption")
        return None if told is None else lambda created: _filled("adoption", told, created.handle)

    @pytest.fixture
    def old_handles(self) -> Callable[[KeyHandle], Sequence[KeyHandle]]:
        """See the module."""
        told = self.description.get("old-handles", {})
        return lambda handle: [
            KeyHandle(version=int(old), data=_filled("old-handles", told[old], handle)) for old in told
        ]

    @pytest.fixture
    def vanish(self, harness: Harness) -> Callable[[CreatedKey], None]:
        """See the module; by default as for every subclass."""
        if "vanish" not in self.description:
            return self.deleted_by_another(harness)

        def run(created: CreatedKey) -> None:
            _run("vanish", self.description["vanish"]["command"], created.handle)

        return run

    @pytest.fixture
    def stored(self) -> Callable[[], int] | None:
        """See the module."""
        told = self.description.get("stored")
        return None if told is None else lambda: _number("stored", told["command"])

    @classmethod
    def ask(cls, fixture: str) -> str:
        """The place in the file."""
        return f"write [{_TABLES[fixture]}] into the file of --anchorhold-options"


def _filled(table: str, told: Mapping[str, Any], handle: KeyHandle) -> dict[str, Any]:
    """A table with what a handle has in the places of names in braces."""
    return {name: _text(table, value, handle) if isinstance(value, str) else value for name, value in told.items()}


def _text(table: str, text: str, handle: KeyHandle) -> str:
    try:
        return text.format(**handle.data)
    except (LookupError, ValueError, AttributeError) as error:
        names = ", ".join(f"{{{name}}}" for name in handle.data)
        raise UnmetError(f"[{table}] says {text!r}, and a handle has: {names or 'nothing'}") from error


def _run(table: str, command: Sequence[str], handle: KeyHandle | None = None) -> str:
    """Run a command of the file; what it prints."""
    words = command if handle is None else [_text(table, word, handle) for word in command]
    try:
        ran = subprocess.run(words, capture_output=True, text=True, check=True, timeout=TIMEOUT)
    except (OSError, subprocess.SubprocessError) as error:
        raise UnmetError(f"the command of [{table}] has failed ({error})") from error
    return ran.stdout


def _number(table: str, command: Sequence[str]) -> int:
    printed = _run(table, command).strip()
    if not printed.isdecimal():
        raise UnmetError(f"the command of [{table}] has printed {printed[:20]!r}, which is not a number")
    return int(printed)


def describe_backend(backend: str, path: Path | None) -> None:
    """Say what is to be tested.

    Args:
        backend: Its type.
        path: The file; None for a backend that needs no options.

    Raises:
        pytest.UsageError: The backend is not installed, the file cannot be read, or something in it is wrong.
    """
    TestBackend.backend = backend
    TestBackend.description = _read(path) if path is not None else {}
    TestBackend.offers = None
    try:
        declared = TestBackend.capabilities()[0]
    except UnknownBackendError as error:
        raise pytest.UsageError(f"--anchorhold-backend: {str(error).partition(': ')[2]}") from error
    except (BackendContractError, BackendLoadError):
        return  # it is what the rule `plugin.binds` tells of
    if path is not None and "offers" in TestBackend.description:
        TestBackend.offers = files.offered(TestBackend.description["offers"], declared, path)
    _check_options(path)


def _read(path: Path) -> dict[str, Any]:
    """The file; one that has the name of a fixture in it is told that of the table."""
    told = files.read(path, {**files.TABLES, **dict.fromkeys(_FIXTURES, files.OPTIONS)})
    for fixture in told.keys() & _FIXTURES.keys():
        raise pytest.UsageError(f"{path}: [{fixture}] is not known; did you mean {_FIXTURES[fixture]!r}?")
    return told


def _check_options(path: Path | None) -> None:
    """Refuse options that no alias can have, once and before each rule stumbles over them."""
    told = TestBackend.description
    aliases = {"default": told.get("options", {}), **({"other": told["other"]} if "other" in told else {})}
    tables = {"default": "options", "other": "other"}
    with tempfile.TemporaryDirectory() as folder:
        config = TestBackend().write_settings(Path(folder) / "settings", aliases, {}, told.get("settings", {}))
        for alias in aliases:
            try:
                Harness(config=config, alias=alias).backend  # noqa: B018  # binding it validates
            except (BackendContractError, BackendLoadError):
                return
            except AnchorholdError as error:
                said = str(error).removeprefix(f"{config}: ")
                raise pytest.UsageError(f"{path or '--anchorhold-options'}: [{tables[alias]}]: {said}") from error
