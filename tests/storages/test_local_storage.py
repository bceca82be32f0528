"""Key files in local folders: private from the first moment, durable, never replaced, never left half-written."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.errors import BackendFailedError, InputError, KeyExistsError, SettingsError
from anchorhold.installation import open_installation
from anchorhold_storages.local import LocalStorage
from anchorhold_storages.options import LocalOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.installation import Installation
    from anchorhold_storages.storage import Storage
    from conftest import Command

CALLS = ("open", "fchmod", "chmod", "fsync", "link", "mkdir", "unlink", "rename", "replace", "close")
"""What the storage can do to files, each a moment after which somebody else may look."""


@pytest.fixture(autouse=True)
def _no_umask() -> Iterator[None]:
    """A umask that takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


def _storage(place: Path, **options: object) -> Storage:
    return LocalStorage(LocalOptions.model_validate({"location": place, **options}), "storage 'default'")


def _modes(folder: Path) -> dict[str, int]:
    """The mode of the folder and of everything below it."""
    found = [folder, *folder.rglob("*")] if folder.exists() else []
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in found}


def _watch(monkeypatch: pytest.MonkeyPatch, after: Callable[[str, tuple[Any, ...]], None]) -> None:
    """Call a function after each of `CALLS`."""
    for name in CALLS:
        real = getattr(os, name)

        def watched(*arguments: Any, _real: Any = real, _name: str = name, **more: Any) -> Any:
            result = _real(*arguments, **more)
            after(_name, (*arguments, result))
            return result

        monkeypatch.setattr(os, name, watched)


def test_keys_are_private_whatever_the_umask(anchorhold: Command, ca_dir: Path) -> None:
    created = anchorhold("init-ca", "Root", "CN=Root", "--path", "one/two")
    assert created.exit_code == 0, created.talk
    (key,) = ca_dir.rglob("*.key")
    assert key.parent == ca_dir / "one/two"
    modes = _modes(ca_dir)
    assert {name: mode for name, mode in modes.items() if (ca_dir / name).is_dir()} == dict.fromkeys(
        (".", "one", "one/two"), 0o700
    )
    assert modes[str(key.relative_to(ca_dir))] == 0o600


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o600, 0o700), (0o640, 0o750), (0o400, 0o700)])
def test_there_is_no_moment_at_which_more_is_allowed_than_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_mode: int, folder_mode: int
) -> None:
    place, moments = tmp_path / "place", []
    storage = _storage(place, file_permissions_mode=file_mode, directory_permissions_mode=folder_mode)
    with monkeypatch.context() as patched:
        _watch(patched, lambda name, _: moments.append((name, _modes(place))))
        storage.write_new("a/b/x.key", b"content")
    assert {"open", "mkdir", "fsync", "link"} <= {name for name, _ in moments}
    for name, modes in moments:
        for path, mode in modes.items():
            allowed = file_mode if path.endswith(".key") or ".key." in path else folder_mode
            assert mode & ~allowed == 0, (name, path, oct(mode))
    assert _modes(place) == {".": folder_mode, "a": folder_mode, "a/b": folder_mode, "a/b/x.key": file_mode}


def test_the_temporary_file_is_new_private_and_follows_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[int, int]] = []

    def after(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "open" and arguments[1] & os.O_CREAT:
            opened.append((arguments[1], arguments[2]))

    with monkeypatch.context() as patched:
        _watch(patched, after)
        _storage(tmp_path).write_new("x.key", b"content")
    ((flags, mode),) = opened
    assert flags & (os.O_EXCL | os.O_NOFOLLOW) == os.O_EXCL | os.O_NOFOLLOW
    assert mode == 0o600


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_folders_are_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[tuple[str, int]] = []

    def after(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "fsync":
            log.append(("fsync", os.fstat(arguments[0]).st_ino))
        elif name == "link":
            log.append(("link", Path(arguments[0]).stat().st_ino))

    with monkeypatch.context() as patched:
        _watch(patched, after)
        _storage(tmp_path).write_new("a/b/x.key", b"content")
    inode = {name: (tmp_path / name).stat().st_ino for name in (".", "a", "a/b", "a/b/x.key")}
    assert log == [
        ("fsync", inode["."]),  # which has got a
        ("fsync", inode["a"]),  # which has got b
        ("fsync", inode["a/b/x.key"]),
        ("link", inode["a/b/x.key"]),
        ("fsync", inode["a/b"]),
    ]


def test_a_deletion_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, log = _storage(tmp_path), []
    storage.write_new("a/x.key", b"content")
    with monkeypatch.context() as patched:
        _watch(patched, lambda name, arguments: log.append((name, arguments[0])))
        assert storage.delete("a/x.key") is True
    names = [name for name, _ in log]
    assert names.index("unlink") < names.index("fsync")
    assert storage.read("a/x.key") is None
    assert storage.delete("a/x.key") is False


@pytest.mark.parametrize("taken", ["file", "link", "dangling link", "folder"])
def test_what_is_there_is_never_replaced(tmp_path: Path, taken: str) -> None:
    target, elsewhere = tmp_path / "x.key", tmp_path / "elsewhere"
    match taken:
        case "file":
            target.write_bytes(b"old")
        case "link":
            elsewhere.write_bytes(b"old")
            target.symlink_to(elsewhere)
        case "dangling link":
            target.symlink_to(elsewhere)
        case "folder":
            target.mkdir()
    before = _modes(tmp_path)
    with pytest.raises(KeyExistsError, match=r"storage 'default': x\.key exists already"):
        _storage(tmp_path).write_new("x.key", b"new")
    assert _modes(tmp_path) == before
    assert taken not in ("file", "link") or target.read_bytes() == b"old"
    assert taken != "dangling link" or not elsewhere.exists()


def _fail_at(monkeypatch: pytest.MonkeyPatch, call: str, number: int, error: BaseException) -> None:
    """Let the nth call of a function of ``os`` fail."""
    real, count = getattr(os, call), iter(range(1_000))

    def failing(*arguments: Any, **more: Any) -> Any:
        if next(count) == number:
            raise error
        return real(*arguments, **more)

    monkeypatch.setattr(os, call, failing)


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("call", "error", "kind"),
    [
        ("open", FULL, BackendFailedError),
        ("fchmod", PermissionError(errno.EPERM, "Operation not permitted"), BackendFailedError),
        ("fsync", FULL, BackendFailedError),
        ("link", FULL, BackendFailedError),
        ("fsync", KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_no_temporary_file_and_says_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException, kind: type[BaseException]
) -> None:
    storage = _storage(tmp_path)
    with monkeypatch.context() as patched:
        _fail_at(patched, call, 0, error)
        with pytest.raises(kind) as caught:
            storage.write_new("x.key", b"content")
    assert list(tmp_path.iterdir()) == []
    if isinstance(caught.value, BackendFailedError):
        assert caught.value.problem == f"storage 'default': cannot write {tmp_path}/x.key ({error.strerror})"  # type: ignore[attr-defined]
    storage.write_new("x.key", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["x.key"]


@pytest.mark.databases("sqlite", because="the ledger has made the folder already")
@pytest.mark.parametrize("number", range(4))
def test_an_authority_whose_key_is_not_surely_on_the_disk_is_not_made(
    installation: Installation, ca_dir: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    _ = installation.ledger
    with monkeypatch.context() as patched:
        _fail_at(patched, "fsync", number, FULL)
        attempt = _created(installation)
    assert (attempt is None) is (number < 3)  # the folder above, the file, the folder; then all has been done
    assert len(list(ca_dir.rglob("*.key*"))) == (attempt is not None)
    assert installation.recovery.pending().authorities == ()
    if attempt is None:
        assert installation.authorities.create("Root", "CN=Root").name == "Root"


def _created(installation: Installation) -> object:
    try:
        return installation.authorities.create("Root", "CN=Root")
    except BackendFailedError:
        return None


def _configure(folder: Path, monkeypatch: pytest.MonkeyPatch, options: str) -> None:
    path = folder / "config.toml"
    path.write_text(
        f'[storages.default]\nbackend = "local"\n[storages.default.options]\nlocation = "keys"\n{options}\n'
    )
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(path))


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("file_mode", "folder_mode"), [('"0640"', '"0750"'), ("0o640", "0o750"), ('"640"', '"750"')])
def test_modes_may_be_written_as_numbers_or_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_mode: str, folder_mode: str
) -> None:
    options = f"file_permissions_mode = {file_mode}\ndirectory_permissions_mode = {folder_mode}"
    _configure(tmp_path, monkeypatch, options)
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    modes = _modes(tmp_path / "keys")
    assert sorted(modes.values()) == [0o640, 0o750, 0o750]


@pytest.mark.parametrize("mode", ['"rw-"', '"0800"', "600", "0", "-1", "0o1000600", '""', "true", "[]", '"0077"'])
@pytest.mark.parametrize("command", [("config", "check"), ("init-ca", "Root", "CN=Root")], ids=["check", "init-ca"])
def test_a_mode_that_cannot_be_meant_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, mode: str, command: tuple[str, ...]
) -> None:
    _configure(tmp_path, monkeypatch, f"file_permissions_mode = {mode}")
    refused = anchorhold(*command)
    assert refused.exit_code == SettingsError.exit_code, refused.talk
    assert "storages.default.options.file_permissions_mode" in refused.talk
    assert refused.talk.count("\n") == 1
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("path", ["/etc", "..", "../keys", "a/../../b", "a\\..\\b", "//etc", "a/.."])
def test_no_key_is_written_outside_the_storage(anchorhold: Command, ca_dir: Path, path: str) -> None:
    refused = anchorhold("init-ca", "Root", "CN=Root", "--path", path)
    assert refused.exit_code == InputError.exit_code, refused.talk
    assert "must be a relative path without .." in refused.talk
    assert list(ca_dir.parent.rglob("*.key")) == []
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0  # the name was not used up


@pytest.mark.parametrize("outcome", ["--finish", "--abandon"])
def test_a_bad_path_leaves_nothing_that_cannot_be_cleared_up(anchorhold: Command, outcome: str) -> None:
    anchorhold("init-ca", "Root", "CN=Root", "--path", "/etc")
    waiting = anchorhold("recover")
    if waiting.exit_code:
        assert anchorhold("recover", outcome, "Root").exit_code == (30 if outcome == "--finish" else 0)


@pytest.mark.parametrize("path", ["/etc", "../keys"])
def test_the_settings_cannot_name_a_folder_outside_the_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, path: str
) -> None:
    aliases = f'[key_backends.default]\nbackend = "storages"\n[key_backends.default.options]\npath = "{path}"'
    _configure(tmp_path, monkeypatch, aliases)
    refused = anchorhold("config", "check")
    assert refused.exit_code == SettingsError.exit_code
    assert "key_backends.default.options.path" in refused.talk


def test_a_file_in_place_of_a_folder_is_one_clear_error(anchorhold: Command, ca_dir: Path) -> None:
    ca_dir.mkdir()
    (ca_dir / "ca").write_text("in the way")
    refused = anchorhold("init-ca", "Root", "CN=Root")
    assert refused.exit_code == BackendFailedError.exit_code, refused.talk
    assert refused.talk.startswith("anchorhold: storage 'default': cannot read ")
    assert "Not a directory" in refused.talk
    assert refused.talk.count("\n") == 1
    assert "Root" not in anchorhold("list-cas").text
