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
    [settings]                 # other sections of the settings, such as settings.storages
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from anchorhold.errors import AnchorholdError
from anchorhold.seam import Capabilities, KeyHandle, SecretReference
from anchorhold.suggestions import suggestion
from anchorhold.testing.contract import BackendContract

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from anchorhold.seam import CreatedKey

TABLES: Final = (
    "options",
    "other",
    "unreachable",
    "ocsp",
    "key",
    "secrets",
    "wrong-secrets",
    "offers",
    "adoption",
    "old-handles",
    "settings",
)
"""What may stand in the file."""


class TestBackend(BackendContract):
    """The contract, told by a file.

    Attributes:
        told: Its content.
    """

    told: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """See the module."""
        return dict(self.told.get("options", {}))

    @pytest.fixture
    def other_options(self) -> dict[str, Any] | None:
        """See the module."""
        return self.told.get("other")

    @pytest.fixture
    def unreachable_options(self) -> dict[str, Any] | None:
        """See the module."""
        return self.told.get("unreachable")

    @pytest.fixture
    def ocsp_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """See the module."""
        return dict(self.told.get("ocsp", options))

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """See the module."""
        return dict(self.told.get("settings", {}))

    @pytest.fixture
    def key_options(self) -> dict[str, Any]:
        """See the module."""
        return dict(self.told.get("key", {}))

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        """See the module."""
        return {name: _secret(name, value) for name, value in self.told.get("secrets", {}).items()}

    @pytest.fixture
    def wrong_secrets(self, secrets: dict[str, str]) -> dict[str, str]:
        """See the module."""
        given = {name: _secret(name, value) for name, value in self.told.get("wrong-secrets", {}).items()}
        return {**{name: value[::-1] + "x" for name, value in secrets.items()}, **given}

    @pytest.fixture
    def adoption(self) -> Callable[[CreatedKey], Mapping[str, Any]] | None:
        """See the module."""
        told = self.told.get("adoption")
        return None if told is None else lambda created: _filled(told, created.handle)

    @pytest.fixture
    def old_handles(self) -> Callable[[KeyHandle], Sequence[KeyHandle]]:
        """See the module."""
        told = self.told.get("old-handles", {})
        return lambda handle: [KeyHandle(version=int(old), data=_filled(told[old], handle)) for old in told]


def _filled(told: Mapping[str, Any], handle: KeyHandle) -> dict[str, Any]:
    """A table with what a handle has in the places of names in braces."""
    return {name: value.format(**handle.data) if isinstance(value, str) else value for name, value in told.items()}


def tell(backend: str, path: Path | None) -> None:
    """Say what is to be tested.

    Args:
        backend: Its type.
        path: The file; None for a backend that needs no options.

    Raises:
        pytest.UsageError: The backend cannot be used, the file not be read, or something in it is not known.
    """
    told = _read(path) if path is not None else {}
    for name in told:
        if name not in TABLES:
            raise pytest.UsageError(f"{path}: [{name}] is not known; {suggestion(name, TABLES)}")
    TestBackend.backend = backend
    TestBackend.told = told
    TestBackend.offers = None
    try:
        declared = TestBackend.capabilities()[0]
    except AnchorholdError as error:
        raise pytest.UsageError(f"--anchorhold-backend: {str(error).partition(': ')[2]}") from error
    if "offers" in told:
        TestBackend.offers = replace(declared, **_offers(told["offers"], path))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise pytest.UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise pytest.UsageError(f"{path}: is not valid TOML ({error})") from error


def _offers(given: Mapping[str, Any], path: Path | None) -> dict[str, Any]:
    known = [field.name for field in fields(Capabilities)]
    for name in given:
        if name not in known:
            raise pytest.UsageError(f"{path}: offers.{name} is not known; {suggestion(name, known)}")
    return {name: tuple(values) for name, values in given.items()}


def _secret(name: str, value: object) -> str:
    try:
        found = SecretReference.parse(value).resolve(os.environ)
    except ValueError as error:
        raise pytest.UsageError(f"secrets.{name}: {error}") from None
    if not found:
        raise pytest.UsageError(f"secrets.{name}: is not set or empty")
    return found.reveal()
