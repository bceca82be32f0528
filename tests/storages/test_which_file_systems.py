"""Which file systems may keep keys: local ones have our modes or are refused, and no option is dropped in silence."""

from __future__ import annotations

import ast
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from typing import TYPE_CHECKING, Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.spec import AbstractFileSystem

from anchorhold.errors import KeyExistsError, SettingsError
from anchorhold.settings import load_settings
from anchorhold_storages.filesystems import check_options
from cli.cli_steps import good, refused
from plugin.fake_backends import NO_SECRETS, configured, create_request, settings_file

if TYPE_CHECKING:
    from conftest import Command


def _storage(folder: Path, monkeypatch: pytest.MonkeyPatch, backend: str, *options: str) -> None:
    lines = [f'[storages.default]\nbackend = "{backend}"', "[storages.default.options]", *options]
    settings_file(folder, monkeypatch, "\n".join(lines) + "\n")


def _modes(folder: Path) -> set[int]:
    """Of every key, and of every folder they are in."""
    keys = list(folder.rglob("*.key"))
    assert keys
    return {path.stat().st_mode & 0o7777 for path in (*keys, *(key.parent for key in keys))}


@pytest.mark.parametrize("backend", ["local://{}", "file://{}", "local", "file"])
def test_a_local_folder_has_our_modes_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, backend: str
) -> None:
    folder, named = tmp_path / "keys", "{}" in backend
    location = () if named else (f'location = "{folder}"',)
    _storage(tmp_path, monkeypatch, backend.format(folder), *location)
    good(anchorhold("init-ca", "Root", "CN=Root"))
    assert _modes(folder) == {0o600, 0o700}
    _storage(tmp_path, monkeypatch, backend.format(folder / "more"), 'file_permissions_mode = "0640"', *location)
    good(anchorhold("init-ca", "Second", "CN=Second", "--path=second"))
    assert 0o640 in _modes(folder)


@pytest.mark.parametrize("storage", ['"local:///keys"', '"local"\noptions = { location = "/keys" }', '"s3://keys"'])
def test_a_folder_of_keys_is_known_however_it_is_written(tmp_path: Path, storage: str) -> None:
    (tmp_path / "config.toml").write_text(f"[storages.default]\nbackend = {storage}\n")
    folders = load_settings(tmp_path / "config.toml", {}).folders_of_keys({})
    assert (Path("/keys") in folders) == ("local" in storage)


@pytest.mark.parametrize(
    ("backend", "options", "words"),
    [
        ("local://keys", (), ("absolute", "local:///")),
        ("file://localhost/keys", (), ("absolute",)),
        ("local:///one", ('location = "/two"',), ("both",)),
        ("local:///one", ('endpoint_url = "x"',), ("endpoint_url is not known",)),
        ("/var/lib/keys", (), ('backend = "local"', 'location = "/var/lib/keys"')),
        ("django.core.files.storage.FileSystemStorage", (), ('backend = "local"',)),
        ("memory://keys", ('location = "/two"',), ("location", "only for local folders")),
        ("memory://keys", ("file_permissions_mode = 0o600",), ("file_permissions_mode", "only for local folders")),
        ("s3://keys", ("directory_permissions_mode = 0o700",), ("directory_permissions_mode", "only for local")),
        ("local", ('location = "/two"', "file_permissions_mode = 0o2640"), ("setgid", "0o640")),
        ("local", ('location = "/two"', 'directory_permissions_mode = "2750"'), ("setgid", "0o750", "chmod g+s")),
    ],
)
def test_what_cannot_be_meant_is_found_before_a_key_is_made(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    anchorhold: Command,
    backend: str,
    options: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    _storage(tmp_path, monkeypatch, backend, *options)
    refused(anchorhold("config", "check"), SettingsError, *words)
    refused(anchorhold("init-ca", "Root", "CN=Root"), SettingsError, *words)


class OtherName(LocalFileSystem):  # type: ignore[misc]
    """The class of fsspec under a name of its own."""

    protocol = "othername"


class Plain(AbstractFileSystem):  # type: ignore[misc]
    """One that nobody has heard of, and that has nothing of fsspec's local one."""

    protocol = "plain"

    def cat_file(self, path: str, *_: Any, **__: Any) -> bytes:
        return Path(path).read_bytes()

    def pipe_file(self, path: str, value: bytes, *_: Any, **__: Any) -> None:
        Path(path).write_bytes(value)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        Path(path).mkdir(parents=True, exist_ok=exist_ok)

    def rm_file(self, path: str) -> None:
        Path(path).unlink()


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("othername://{}", ()),
        ("plain://{}", ()),
        ("dir://{}", ('target_protocol = "file"', 'path = "{}"')),
        ("simplecache://{}", ('target_protocol = "memory"',)),
        ("filecache://{}", ('target_protocol = "memory"',)),
        ("blockcache://{}", ('target_protocol = "memory"',)),
        ("generic://{}", ()),
        ("zip://{}", ('fo = "{}/keys.zip"', 'mode = "w"')),
        ("reference://{}", ('fo = "{}/references"',)),
    ],
)
def test_a_class_that_writes_to_the_local_disk_gets_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, url: str, options: tuple[str, ...]
) -> None:
    for kind in (OtherName, Plain):
        fsspec.register_implementation(kind.protocol, kind, clobber=True)
    folder = tmp_path / "keys"
    _storage(tmp_path, monkeypatch, url.format(folder), *(option.format(folder) for option in options))
    refused(anchorhold("init-ca", "Root", "CN=Root"), SettingsError, "storage 'default'")
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert "Root" not in anchorhold("list-cas").text


class Named(AbstractFileSystem):  # type: ignore[misc]
    """Names its options, takes some more by name, and hands on the rest, which is forgotten."""

    def __init__(self, bucket: str = "", **rest: Any) -> None:
        self.bucket, self.region = bucket, rest.pop("region", "")
        super().__init__(**rest)


class Below(Named):
    """One that adds an option."""

    def __init__(self, tier: str = "", **rest: Any) -> None:
        super().__init__(**rest)
        self.tier = tier


class Dropping(AbstractFileSystem):  # type: ignore[misc]
    """Takes everything, and hands on nothing."""

    def __init__(self, bucket: str = "", **_: Any) -> None:
        super().__init__()
        self.bucket = bucket


class Using(AbstractFileSystem):  # type: ignore[misc]
    """Hands what it does not know to a client."""

    def __init__(self, **rest: Any) -> None:
        super().__init__()
        self.client = dict(rest)


@pytest.mark.parametrize(
    ("kind", "option", "is_known"),
    [
        (MemoryFileSystem, "user", False),
        (MemoryFileSystem, "use_listings_cache", True),
        (Dropping, "bucket", True),
        (Dropping, "bukcet", False),
        (Using, "anything", True),
    ],
)
def test_an_option_that_a_class_would_drop_is_refused(kind: type, option: str, is_known: bool) -> None:
    if is_known:
        check_options(kind, [option], "storage")
        return
    with pytest.raises(SettingsError, match="has no such option"):
        check_options(kind, [option], "storage")


def test_options_taken_by_name_are_known() -> None:
    for option in ("bucket", "region"):
        check_options(Named, [option], "storage")
        check_options(Below, [option, "tier"], "storage")


def test_sources_are_parsed_by_one_thread_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In several at once that fails now and then in Python 3.11, and servers open storages in threads."""
    parse, inside, met = ast.parse, Semaphore(1), []

    def slowly(*arguments: Any) -> Any:
        met.append(inside.acquire(blocking=False))
        time.sleep(0.01)
        if met[-1]:
            inside.release()
        return parse(*arguments)

    monkeypatch.setattr(ast, "parse", slowly)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: check_options(Below, ["bucket"], "storage"), range(16)))
    assert met
    assert all(met)


@pytest.mark.parametrize(("url", "option"), [("memory://keys", "regoin"), ("s3://bucket", "endpiont_url")])
def test_a_misspelt_option_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, url: str, option: str
) -> None:
    _storage(tmp_path, monkeypatch, url, f'{option} = "x"')
    refused(anchorhold("init-ca", "Root", "CN=Root"), SettingsError, option, "no such option")


class Overwriting(MemoryFileSystem):  # type: ignore[misc]
    """Pays no attention to mode="create", as many do."""

    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    protocol = "overwriting"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.partition("://")[2].strip("/") if "://" in path else path

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> Any:
        return super().pipe_file(path, value, mode="overwrite", **options)


@pytest.mark.parametrize("protocol", ["overwriting", "gs", "gcs", "abfs", "abfss", "az", "adl"])
def test_our_own_check_stands_before_a_write_that_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    fsspec.register_implementation(protocol, type("Store", (Overwriting,), {"protocol": protocol}), clobber=True)
    Overwriting.store.clear()
    _storage(tmp_path, monkeypatch, f"{protocol}://bucket")
    backend = configured().get("default")
    backend.create_key(create_request(), NO_SECRETS)
    before = {path: file.getvalue() for path, file in Overwriting.store.items()}
    assert len(before) == 1
    with pytest.raises(KeyExistsError, match="exists already"):
        backend.create_key(create_request(), NO_SECRETS)
    assert {path: file.getvalue() for path, file in Overwriting.store.items()} == before
