"""The backend keeps the contract, with a worker that has its keys in files; the kit has a ledger of its own."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from anchorhold.plugin import BACKENDS_GROUP, Capabilities
from anchorhold.testing import BackendContract, key_kinds
from anchorhold.testing.rules import rule_of
from celery_worker.kit_ledger import FILE
from celery_worker.two_hosts import TwoHosts, running_worker
from plugin.fake_backends import offer
from storages.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.plugin import CreatedKey
    from celery_worker.brokers import Broker

TESTS = Path(__file__).parents[1]


class TestTheStart(BackendContract):
    """What the backend that is shipped imports; the kit's own imports this one."""

    backend = "celery"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        place = "redis://127.0.0.1:1/0"
        return {"broker": place, "result_backend": place, "peer": "a", "message_key": "a", "worker_keys": ["b"]}


for _name, _rule in inspect.getmembers(TestTheStart, inspect.isfunction):
    if (found := rule_of(_rule)) is not None and found.id != "start.imports":
        setattr(TestTheStart, _name, None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the kit closes no backend
@pytest.mark.only_in_full(because="commands and forged requests are tried over the same worker")
@pytest.mark.slow(because="a worker starts for each rule")
@pytest.mark.databases("sqlite", because="the ledger of both sides is a file of one test")
class TestKeysOnAnotherHost(BackendContract):
    """A worker over Redis."""

    backend = "kit"
    time_limit: ClassVar[float] = 120.0

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One kind of key: all are made and used by the backend of the worker's alias, which keeps the contract."""
        for name in {"kind", "kind_of_type"}.intersection(metafunc.fixturenames):
            kind = key_kinds.simplest(self.capabilities()[1])
            metafunc.parametrize(name, [kind], ids=[str(kind).replace(" ", "-")])

    @classmethod
    def capabilities(cls) -> Any:
        return Capabilities(), Capabilities()

    @pytest.fixture
    def hosts(
        self,
        tmp_path: Path,
        tmp_path_factory: pytest.TempPathFactory,
        redis_broker: Broker,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Iterator[TwoHosts]:
        folder = tmp_path_factory.mktemp("kit")
        offer(monkeypatch, folder / "site", BACKENDS_GROUP, {"kit": "celery_worker.kit_ledger:KitBackend"})
        (folder / "kit.sqlite3").touch(mode=0o600)
        monkeypatch.setenv(FILE, str(folder / "kit.sqlite3"))
        monkeypatch.setenv("PYTHONPATH", str(TESTS))
        ledger = f"sqlite:///{tmp_path}/contract/ca/ledger.sqlite3"
        storages = {"one": "ca", "two": "other"}
        place = redis_broker.separate()
        hosts = TwoHosts(folder / "hosts", ledger, place, place)
        hosts.back = {
            "storages": {
                name: {"backend": "local", "options": {"location": str(hosts.folder / place)}}
                for name, place in storages.items()
            },
            "key_backends": {
                "default": {"backend": "storages", "options": {"storage_alias": "one"}},
                "other": {"backend": "storages", "options": {"storage_alias": "two"}},
            },
            "ocsp_key_backends": {
                "default": {
                    "backend": "storages",
                    "options": {"storage_alias": "one", "encrypt_private_key": False},
                }
            },
        }
        hosts.worker = {"aliases": {"default": {}, "other": {}}}
        hosts.aliases = ("default", "other")
        hosts.write()
        command = (sys.executable, "-m", "celery_worker.kit_ledger", str(hosts.folder / "back/settings.toml"))
        with running_worker(hosts, *command):
            yield hosts

    @pytest.fixture
    def settings(self, hosts: TwoHosts) -> dict[str, Any]:
        return {"database": hosts.database}

    @pytest.fixture
    def options(self, hosts: TwoHosts) -> dict[str, Any]:
        return {**hosts.asking(), "alias": "default"}

    @pytest.fixture
    def other_options(self, hosts: TwoHosts) -> dict[str, Any]:
        return {**hosts.asking(), "alias": "other"}

    @pytest.fixture
    def unreachable_options(self, hosts: TwoHosts) -> dict[str, Any]:
        return {**hosts.asking(), "broker": f"redis://127.0.0.1:{free_port()}/0"}

    @pytest.fixture
    def stored(self, hosts: TwoHosts) -> Callable[[], int]:
        return lambda: sum(path.is_file() for path in (hosts.folder / "ca").rglob("*"))

    @pytest.fixture
    def vanish(self, hosts: TwoHosts) -> Callable[[CreatedKey], None]:
        return lambda created: (hosts.folder / "ca" / created.handle.data["handle"]["data"]["path"]).unlink()


setattr(TestKeysOnAnotherHost, "test_a_start_loads_no_library_of_others", None)  # noqa: B010  # see `TestTheStart`
