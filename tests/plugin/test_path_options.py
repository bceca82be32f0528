"""Paths in the options of plugins start at the folder of the settings, and keys at the old place are still found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict

from anchorhold.plugin import BACKENDS_GROUP, WRAPPERS_GROUP
from plugin.fake_backends import MemoryBackend, Recorder, configured, offer, settings_file

if TYPE_CHECKING:
    from anchorhold.plugin import BackendContext


class PathOptions(BaseModel):
    """One path that must be there, one that need not, several, and a text that looks like one."""

    model_config = ConfigDict(extra="forbid")

    keys: Path
    log: Path | None = None
    trusted: tuple[Path, ...] = ()
    label: str = "a/b"


class PlacedBackend(MemoryBackend):
    """Shows what it was constructed with."""

    Options = PathOptions
    seen: ClassVar[list[tuple[Any, BackendContext]]] = []

    def __init__(self, options: Any, context: Any) -> None:
        super().__init__(options, context)
        self.seen.append((options, context))


class PlacedWrapper(Recorder):
    """The same of a wrapper."""

    Options = PathOptions
    seen: ClassVar[list[tuple[Any, Any]]] = []

    def __init__(self, options: Any, context: Any) -> None:
        super().__init__(options, context)
        self.seen.append((options, context))


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the settings; the working folder is another one."""
    for found, group, name in ((PlacedBackend, BACKENDS_GROUP, "placed"), (PlacedWrapper, WRAPPERS_GROUP, "near")):
        monkeypatch.setattr(found, "seen", [])
        offer(monkeypatch, tmp_path / name, group, {name: f"{__name__}:{found.__name__}"}, distribution=f"acme-{name}")
    place, work = tmp_path / "settings", tmp_path / "work"
    for each in (place, work):
        each.mkdir()
    monkeypatch.chdir(work)
    return place


def _bind(folder: Path, monkeypatch: pytest.MonkeyPatch, keys: str) -> PathOptions:
    """The options as the backend gets them."""
    options = f'keys = "{keys}"\nlog = "log/x"\ntrusted = ["a.pub", "/b.pub"]\n'
    content = f'[key_backends.default]\nbackend = "placed"\n[key_backends.default.options]\n{options}'
    settings_file(folder, monkeypatch, f"{content}[wrappers.near.options]\n{options}")
    configured({"SOME": "value"}).get("default")
    found: PathOptions = PlacedBackend.seen[-1][0]
    return found


def test_relative_paths_start_at_the_folder_of_the_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    options = _bind(folder, monkeypatch, "keys")
    assert (options.keys, options.log, options.label) == (folder / "keys", folder / "log/x", "a/b")
    assert options.trusted == (folder / "a.pub", Path("/b.pub"))
    wrapper, context = PlacedWrapper.seen[-1]
    assert (wrapper.keys, context.folder, context.environment["SOME"]) == (folder / "keys", folder, "value")
    assert PlacedBackend.seen[-1][1].folder == folder
    assert caplog.records == []


def test_absolute_paths_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _bind(folder, monkeypatch, "/srv/keys").keys == Path("/srv/keys")


def test_what_lies_at_the_old_place_alone_is_used_and_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Path("keys").mkdir()
    assert _bind(folder, monkeypatch, "keys").keys == Path.cwd() / "keys"
    warnings = {record.getMessage() for record in caplog.records}
    assert any(f"{Path.cwd() / 'keys'} in the working folder is used" in line for line in warnings)
    assert any(line.startswith("key_backends.default.options.keys: ") for line in warnings)


def test_what_lies_at_both_places_is_taken_from_the_folder_of_the_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("keys").mkdir()
    (folder / "keys").mkdir()
    assert _bind(folder, monkeypatch, "keys").keys == folder / "keys"
