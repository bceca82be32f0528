"""Our own backends keep the contract: files in folders and in S3, tokens of SoftHSM, rows in SQLite and PostgreSQL."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.plugin import Capabilities
from anchorhold.testing import BackendContract, key_kinds
from anchorhold.testing.rules import rule_of
from combinations import ALL
from databases import SERVER, new_database
from storages.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anchorhold.plugin import CreatedKey
    from hsm.softhsm import SoftHsm
    from storages.servers import Bucket

PASSWORD = "a password of the contract"
PIN = "pin-71594823"


ABOUT_STORES = (
    *("aliases.", "create.", "delete.", "describe.", "errors.", "find."),
    *("import.", "list.", "processes.killed", "use."),
)
"""How the rules begin that ask what a store does; what becomes of keys in memory is the same with each."""


def rules_about_stores(contract: type[BackendContract]) -> type[BackendContract]:
    """Leave out the other rules, unless all combinations run."""
    for name, test in [] if ALL else inspect.getmembers(contract, inspect.isfunction):
        rule = rule_of(test)
        if rule is not None and not rule.id.startswith(ABOUT_STORES):
            setattr(contract, name, None)
    return contract


class OneKindOfKey(BackendContract):
    """Every rule with one kind of key, for places where keys of each kind are written by the code of another class."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Leave out the other kinds, unless all combinations run."""
        if ALL:
            super().pytest_generate_tests(metafunc)
            return
        for name in {"kind", "kind_of_type"}.intersection(metafunc.fixturenames):
            kind = key_kinds.simplest(self.capabilities()[1])
            metafunc.parametrize(name, [kind], ids=[str(kind).replace(" ", "-")])


class StoragesContract(BackendContract):
    """Files, wherever they are: which storages there are is left to say."""

    backend = "storages"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"storage_alias": "one"}

    @pytest.fixture
    def other_options(self) -> dict[str, Any]:
        return {"storage_alias": "two"}

    @pytest.fixture
    def unreachable_options(self) -> dict[str, Any]:
        return {"storage_alias": "nowhere"}

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        return {"password": PASSWORD}


class TestFilesInFolders(StoragesContract):
    """The default of everybody."""

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        places = {"one": tmp_path / "one", "two": tmp_path / "two", "nowhere": "/dev/null/files"}
        return {
            "storages": {
                name: {"backend": "local", "options": {"location": str(place)}} for name, place in places.items()
            }
        }

    @pytest.fixture
    def stored(self, tmp_path: Path) -> Callable[[], int]:
        return lambda: sum(path.is_file() for path in (tmp_path / "one").rglob("*"))  # temporary ones, too

    @pytest.fixture
    def vanish(self, tmp_path: Path) -> Callable[[CreatedKey], None]:
        return lambda created: (tmp_path / "one" / created.handle.data["path"]).unlink()


@rules_about_stores
@pytest.mark.slow(because="processes that rules start import s3fs, which takes long")
@pytest.mark.only_in_full(because="files keep the contract in folders, and tests/storages tries S3")
class TestFilesInS3(OneKindOfKey, StoragesContract):
    """A bucket; the files in it are those of `TestFilesInFolders`."""

    @pytest.fixture
    def settings(self, bucket: Bucket) -> dict[str, Any]:
        options = {
            "endpoint_url": bucket.url,
            "key": "AKIDEXAMPLE",
            "secret": "hunter2hunter2",
            "client_kwargs": {"region_name": "us-east-1"},
        }
        nowhere = {**options, "endpoint_url": f"http://127.0.0.1:{free_port()}", "deadline": 1}
        return {
            "storages": {
                "one": {"backend": f"s3://{bucket.name}/one", "options": options},
                "two": {"backend": f"s3://{bucket.name}/two", "options": options},
                "nowhere": {"backend": f"s3://{bucket.name}/one", "options": nowhere},
            }
        }

    @pytest.fixture
    def stored(self, bucket: Bucket) -> Callable[[], int]:
        return lambda: len([name for name in bucket.names() if name.startswith("one/")])

    @pytest.fixture
    def vanish(self, bucket: Bucket) -> Callable[[CreatedKey], None]:
        def remove(created: CreatedKey) -> None:
            bucket.request("DELETE", f"one/{created.handle.data['path']}")

        return remove


class TestKeysInTokens(BackendContract):
    """SoftHSM, which has no ML-DSA."""

    backend = "hsm"
    offers = Capabilities(key_types=("EC", "RSA", "Ed25519", "Ed448"))

    @pytest.fixture
    def options(self, softhsm: SoftHsm) -> dict[str, Any]:
        softhsm.add_token("contract", pin=PIN)
        return {"library_path": softhsm.library, "token": "contract"}

    @pytest.fixture
    def other_options(self, softhsm: SoftHsm) -> dict[str, Any]:
        softhsm.add_token("other", pin=PIN)
        return {"library_path": softhsm.library, "token": "other"}

    @pytest.fixture
    def unreachable_options(self, softhsm: SoftHsm) -> dict[str, Any]:
        return {"library_path": softhsm.library, "token": "lost"}

    @pytest.fixture
    def ocsp_options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {**options, "user_pin": PIN}

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        return {"user-pin": PIN}

    @pytest.fixture
    def stored(self, softhsm: SoftHsm) -> Callable[[], int]:
        listing = ("--list-objects", "--type", "privkey")
        return lambda: softhsm.tool(*listing, token="contract", pin=PIN).count("Private Key Object")

    @pytest.fixture
    def adoption(self) -> Callable[[CreatedKey], dict[str, Any]]:
        return lambda created: {"key-id": created.handle.data["id"]}


@pytest.fixture(scope="session")
def databases_for_keys(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Two databases on PostgreSQL."""
    server = SERVER or request.getfixturevalue("cluster").url
    with new_database(server) as one, new_database(server) as other:
        yield [one, other]


class DatabaseContract(BackendContract):
    """Rows, wherever they are."""

    backend = "db"

    @pytest.fixture
    def urls(self, request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> list[str]:
        """Two databases of the same kind; those on a server are shared, because each key has an id of its own."""
        if database_kind == "sqlite":
            return [f"sqlite:///{tmp_path}/{name}/keys.sqlite3" for name in ("one", "other")]
        shared: list[str] = request.getfixturevalue("databases_for_keys")
        return shared

    @pytest.fixture
    def options(self, urls: list[str]) -> dict[str, Any]:
        return {"database": urls[0]}

    @pytest.fixture
    def other_options(self, urls: list[str]) -> dict[str, Any]:
        return {"database": urls[1]}

    @pytest.fixture
    def unreachable_options(self, database_kind: str) -> dict[str, Any]:
        nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/keys"
        return {"database": "sqlite:////dev/null/keys.sqlite3" if database_kind == "sqlite" else nowhere}

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        return {"password": PASSWORD}


@pytest.mark.databases("sqlite", because="the rows are in files")
class TestKeysInSqlite(DatabaseContract):
    """Files of SQLite."""


@pytest.mark.databases("postgresql", because="the rows are on a server")
class TestKeysInPostgresql(OneKindOfKey, DatabaseContract):
    """A server; what is in the rows is as in `TestKeysInSqlite`."""
