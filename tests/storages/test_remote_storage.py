"""Keys on file systems of fsspec, several storages and aliases at once, and storages that fail."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from anchorhold.errors import BackendFailedError, KeyExistsError, KeyMissingError, PluginMissingError, SettingsError
from anchorhold.installation import open_installation
from anchorhold.plugin import FindKeyRequest
from plugin.fake_backends import NO_SECRETS, configured, create_request, key_request, settings_file
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Command


class CloudFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """Like an object store: with credentials, and with a network that can fail."""

    protocol = "cloud"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    given: ClassVar[dict[str, Any]] = {}
    failure: ClassVar[Exception | None] = None
    dies_writing: ClassVar[bool] = False
    cachable = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return f"/{path.removeprefix('cloud://').strip('/')}"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        type(self).given = options
        super().__init__(*arguments)

    def cat_file(self, path: str, *arguments: Any, **options: Any) -> Any:
        if self.failure is not None:
            raise self.failure
        return super().cat_file(path, *arguments, **options)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> Any:
        if self.dies_writing:
            super().pipe_file(path, value, mode=mode, **options)
            type(self).failure = ConnectionError("gone before it could answer")
        if self.failure is not None:
            raise self.failure
        return super().pipe_file(path, value, mode=mode, **options)


@pytest.fixture(autouse=True)
def _file_systems(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Empty ones."""
    fsspec.register_implementation("cloud", CloudFileSystem, clobber=True)
    fsspec.register_implementation(
        "nolib", "no_such_library.FileSystem", clobber=True, errtxt="Install nolibfs to access nolib"
    )
    for kind in (MemoryFileSystem, CloudFileSystem):
        kind.store.clear()
        kind.pseudo_dirs[:] = [""]
    monkeypatch.setattr(CloudFileSystem, "failure", None)
    yield
    MemoryFileSystem.store.clear()


def _configure(folder: Path, monkeypatch: pytest.MonkeyPatch, backend: str, options: str = "") -> None:
    settings_file(
        folder, monkeypatch, f'[storages.default]\nbackend = "{backend}"\n[storages.default.options]\n{options}\n'
    )


@pytest.mark.parametrize("url", ["memory://vault", "memory://vault/deep/er", "cloud://bucket", "memory://"])
def test_a_chain_is_made_with_keys_that_are_nowhere_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, csr_file: Path, url: str
) -> None:
    _configure(tmp_path, monkeypatch, url)
    for command in (
        ("init-ca", "Root", "CN=Root", "--password=x", "--path-length=1", "--out=root.pem"),
        ("init-ca", "Issuing", "CN=Issuing", "--parent=Root", "--parent-password=x", "--out=issuing.pem"),
        ("sign-cert", "--ca=Issuing", f"--csr={csr_file}", "--alt=a.example", "--out=cert.pem"),
    ):
        outcome = anchorhold(*command)
        assert outcome.exit_code == 0, outcome.talk
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "cert.pem")
    store = (CloudFileSystem if url.startswith("cloud") else MemoryFileSystem).store
    below = url.partition("://")[2]
    assert len(store) == 2
    assert all(path.strip("/").startswith(f"{below}/ca/".lstrip("/")) for path in store)
    assert list(tmp_path.rglob("*.key")) == []


def test_a_key_is_found_never_replaced_and_really_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _configure(tmp_path, monkeypatch, "memory://vault")
    backend = configured().get("default")
    created = backend.create_key(create_request(), NO_SECRETS)
    ((path, file),) = MemoryFileSystem.store.items()
    before = file.getvalue()
    with pytest.raises(KeyExistsError, match="exists already"):
        backend.create_key(create_request(), NO_SECRETS)
    assert MemoryFileSystem.store[path].getvalue() == before
    assert backend.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS) == (created,)
    assert backend.delete_key(key_request(created), NO_SECRETS) is True
    assert backend.delete_key(key_request(created), NO_SECRETS) is False
    assert MemoryFileSystem.store == {}


def test_a_file_system_lists_its_key_files_in_all_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _configure(tmp_path, monkeypatch, "memory://vault")
    backend = configured().get("default")
    assert backend.list_keys(NO_SECRETS) == ()
    backend.create_key(create_request(), NO_SECRETS)
    backend.create_key(create_request(key_id=b"\1" * 20, options={"path": "a/b"}), NO_SECRETS)
    MemoryFileSystem().pipe_file("/vault/ca/readme.key", b"no key")
    listed = backend.list_keys(NO_SECRETS)
    assert [key.key_id for key in listed] == [b"\1" * 20, bytes(20)]
    assert listed[0].name == f"the file a/b/{'01' * 20}.key in storage 'default'"


_TWO = """
[storages.default]
backend = "memory://one"
[storages.second]
backend = "memory://two"
[key_backends.default]
backend = "storages"
[key_backends.eu]
backend = "storages"
options = { storage_alias = "second" }
"""


def test_two_aliases_do_not_see_the_keys_of_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_file(tmp_path, monkeypatch, _TWO)
    backends = configured()
    one, two = backends.get("default"), backends.get("eu")
    created = one.create_key(create_request(), NO_SECRETS)
    assert [path.split("/")[1] for path in MemoryFileSystem.store] == ["one"]
    assert two.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS) == ()
    with pytest.raises(KeyMissingError, match="key backend 'eu'"):
        two.load_signer(key_request(created), NO_SECRETS)
    assert two.delete_key(key_request(created), NO_SECRETS) is False
    two.create_key(create_request(), NO_SECRETS)  # the same id, elsewhere
    assert len(MemoryFileSystem.store) == 2
    one.load_signer(key_request(created), NO_SECRETS).close()


def test_a_key_lands_in_the_alias_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    settings_file(tmp_path, monkeypatch, _TWO)
    anchorhold("init-ca", "Root", "CN=Root", "--key-backend=eu", "--eu-password=x", "--eu-path=roots")
    ((path, file),) = MemoryFileSystem.store.items()
    assert path.startswith("/two/roots/")
    assert b"ENCRYPTED" in file.getvalue()


def test_options_of_a_storage_may_refer_to_variables_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from file\n")
    options = f"""
key = {{ env = "CLOUD_KEY" }}
secret = {{ file = "{tmp_path}/secret" }}
region = "eu"
client = {{ token = {{ env = "CLOUD_KEY" }}, retries = 3 }}
"""
    _configure(tmp_path, monkeypatch, "cloud://bucket", options)
    configured({"CLOUD_KEY": "from variable"}).get("default").create_key(create_request(), NO_SECRETS)
    assert CloudFileSystem.given == {
        "key": "from variable",
        "secret": "from file",
        "region": "eu",
        "client": {"token": "from variable", "retries": 3},
    }


def test_the_variables_a_program_hands_over_are_those_that_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _configure(tmp_path, monkeypatch, "cloud://bucket", 'key = { env = "CLOUD_KEY" }')
    environment = {"ANCHORHOLD_CONFIG": str(tmp_path / "config.toml"), "ANCHORHOLD_CA_DIR": str(tmp_path / "ca")}
    with open_installation(environment={**environment, "CLOUD_KEY": "handed over"}) as installation:
        installation.authorities.create("Root", "CN=Root")
    assert CloudFileSystem.given == {"key": "handed over"}


@pytest.mark.parametrize(
    ("options", "words"),
    [('key = { env = "NOT_SET" }', ("NOT_SET", "not set")), ('key = { file = "/not/there" }', ("/not/there",))],
)
def test_a_reference_that_leads_nowhere_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, options: str, words: tuple[str, ...]
) -> None:
    _configure(tmp_path, monkeypatch, "cloud://bucket", options)
    refused = anchorhold("init-ca", "Root", "CN=Root")
    assert refused.exit_code == SettingsError.exit_code, refused.talk
    for word in words:
        assert word in refused.talk
    assert refused.talk.count("\n") == 1
    assert anchorhold("list-cas").text.count("Root") == 0


def test_secrets_of_a_storage_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    _configure(tmp_path, monkeypatch, "cloud://bucket", 'secret = "hunter2"\nregion = "eu"')
    shown = anchorhold("config", "show")
    assert "hunter2" not in shown.text + shown.talk
    assert '"eu"' not in shown.text  # nobody knows that it is harmless
    monkeypatch.setattr(CloudFileSystem, "failure", ValueError("hunter2 was refused"))
    assert "hunter2" not in anchorhold("init-ca", "Root", "CN=Root").talk
    debug = anchorhold("--debug", "init-ca", "Root", "CN=Root")
    assert "hunter2" not in debug.talk
    monkeypatch.setattr(CloudFileSystem, "failure", ValueError("eu was refused"))
    assert "ValueError: eu was refused" in anchorhold("--debug", "init-ca", "Root", "CN=Root").talk


def test_a_secret_that_was_referred_to_is_not_in_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    monkeypatch.setenv("CLOUD", "hunter2")
    _configure(tmp_path, monkeypatch, "cloud://bucket", 'deep = { name = ["x", { env = "CLOUD" }] }')
    monkeypatch.setattr(CloudFileSystem, "failure", ValueError("hunter2 was refused"))
    assert "hunter2" not in anchorhold("--debug", "init-ca", "Root", "CN=Root").talk


@pytest.mark.parametrize(
    ("named", "hint"), [("secnd", "did you mean 'second'?"), ("elsewhere", "configured: default, second")]
)
@pytest.mark.parametrize(
    "command",
    [("config", "check"), ("init-ca", "Root", "CN=Root", "--key-backend=eu")],
    ids=["config check", "init-ca"],
)
def test_an_unknown_storage_is_named_with_the_nearest(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    anchorhold: Command,
    named: str,
    hint: str,
    command: tuple[str, ...],
) -> None:
    settings_file(tmp_path, monkeypatch, _TWO.replace('storage_alias = "second"', f'storage_alias = "{named}"'))
    refused = anchorhold(*command)
    assert refused.exit_code == SettingsError.exit_code, refused.talk
    assert f"no storage '{named}' is configured" in refused.talk
    assert hint in refused.talk


@pytest.mark.parametrize(
    ("backend", "exit_code", "words"),
    [
        ("unheardof://bucket", BackendFailedError.exit_code, ("'default'", "unheardof")),
        ("nolib://bucket", BackendFailedError.exit_code, ("'default'", "nolibfs")),
        ("bucket", SettingsError.exit_code, ("storages.default.backend", "neither 'local' nor an fsspec URL")),
        ("simplecache::memory://vault", SettingsError.exit_code, ("storages.default.backend", "copies of keys")),
    ],
)
def test_a_storage_that_cannot_be_opened_is_one_clear_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    anchorhold: Command,
    backend: str,
    exit_code: int,
    words: tuple[str, ...],
) -> None:
    _configure(tmp_path, monkeypatch, backend)
    refused = anchorhold("init-ca", "Root", "CN=Root")
    assert refused.exit_code == exit_code, refused.talk
    for word in words:
        assert word in refused.talk
    assert refused.talk.count("\n") == 1
    assert "recover" not in refused.talk, "no key can exist, so nothing is left to clear up"


@pytest.mark.parametrize("failure", [ConnectionError("reset"), PermissionError(13, "denied"), ValueError("odd")])
def test_a_store_that_fails_is_not_a_key_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, csr_file: Path, failure: Exception
) -> None:
    _configure(tmp_path, monkeypatch, "cloud://bucket")
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0
    monkeypatch.setattr(CloudFileSystem, "failure", failure)
    refused = anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example")
    assert refused.exit_code == BackendFailedError.exit_code, refused.talk
    assert "storage 'default': cannot read ca/" in refused.talk
    assert refused.talk.count("\n") == 1
    again = anchorhold("init-ca", "Second", "CN=Second")
    assert again.exit_code == BackendFailedError.exit_code
    assert "Second" not in anchorhold("list-cas").text


def test_a_store_that_dies_while_a_key_is_written_leaves_an_authority_to_recover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    _configure(tmp_path, monkeypatch, "cloud://bucket")
    monkeypatch.setattr(CloudFileSystem, "dies_writing", True)
    failed = anchorhold("init-ca", "Root", "CN=Root")
    assert failed.exit_code == BackendFailedError.exit_code
    assert "anchorhold recover" in failed.talk  # whether a key was written cannot be known
    monkeypatch.setattr(CloudFileSystem, "dies_writing", False)
    monkeypatch.setattr(CloudFileSystem, "failure", None)
    finished = anchorhold("recover", "--finish", "Root")
    assert finished.exit_code == 0, finished.talk
    assert len(CloudFileSystem.store) == 1


class BucketFileSystem(CloudFileSystem):
    """Like one where making a folder makes the bucket."""

    protocol = "gs"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return f"/{path.removeprefix('gs://').strip('/')}"

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        raise AssertionError("a bucket was made")


def test_no_bucket_is_made_for_a_misspelt_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    fsspec.register_implementation("gs", BucketFileSystem, clobber=True)
    _configure(tmp_path, monkeypatch, "gs://bucket")
    made = anchorhold("init-ca", "Root", "CN=Root")
    assert made.exit_code == 0, made.talk


def test_a_bucket_that_is_not_there_is_found_before_a_key_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    fsspec.register_implementation("gs", BucketFileSystem, clobber=True)
    _configure(tmp_path, monkeypatch, "gs://misspelt/keys")
    outcome = anchorhold("config", "check")
    assert outcome.exit_code == BackendFailedError.exit_code
    assert "storage 'default': there is no misspelt" in outcome.talk
    BucketFileSystem.pseudo_dirs.append("/misspelt")
    found = anchorhold("config", "check")
    assert found.exit_code == 0, found.talk
    assert "whether there is" not in found.talk
    monkeypatch.setattr(BucketFileSystem, "info", lambda *_: (_ for _ in ()).throw(PermissionError(13, "denied")))
    unknown = anchorhold("config", "check")
    assert unknown.exit_code == 0, unknown.talk
    assert "whether there is misspelt could not be checked" in unknown.talk


def test_a_store_that_fails_has_not_deleted_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _configure(tmp_path, monkeypatch, "cloud://bucket")
    backend = configured().get("default")
    created = backend.create_key(create_request(), NO_SECRETS)
    monkeypatch.setattr(CloudFileSystem, "info", lambda *_: (_ for _ in ()).throw(ConnectionError("reset")))
    with pytest.raises(BackendFailedError, match="cannot delete"):
        backend.delete_key(key_request(created), NO_SECRETS)


@pytest.mark.parametrize(
    ("url", "library", "extra"),
    [("s3://bucket", "s3fs", "[s3]"), ("s3://bucket", "botocore", "[s3]"), ("sftp://host/keys", "paramiko", "[sftp]")],
)
def test_a_library_that_is_not_installed_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, url: str, library: str, extra: str
) -> None:
    for name in [name for name in sys.modules if name.startswith(("anchorhold_storages.s", library))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    _configure(tmp_path, monkeypatch, url)
    refused = anchorhold("init-ca", "Root", "CN=Root")
    assert refused.exit_code == PluginMissingError.exit_code, refused.talk
    assert f"needs the package {library}" in refused.talk
    assert f"pip install 'anchorhold-storages{extra}'" in refused.talk
    assert refused.talk.count("\n") == 1


_QUIET = """
import sys
from anchorhold.cli import main
sys.argv = ["anchorhold", *sys.argv[1:]]
try:
    main()
finally:
    print(sorted({"s3fs", "fsspec", "botocore", "aiohttp", "paramiko"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("url", ["s3://bucket", "sftp://host/keys", "memory://vault"])
@pytest.mark.parametrize("command", [("list-cas",), ("init-ca", "--help")], ids=" ".join)
def test_libraries_are_imported_only_when_a_key_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, command: tuple[str, ...]
) -> None:
    _configure(tmp_path, monkeypatch, url)
    done = subprocess.run([sys.executable, "-c", _QUIET, *command], capture_output=True, text=True, check=True)
    assert done.stderr.endswith("[]\n"), done.stderr
