"""What the unit and the compose file leave to a worker is enough for it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from celery_worker.two_hosts import new_hosts, run_verified, running_worker
from programs import program

if TYPE_CHECKING:
    from celery_worker.brokers import Broker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="hosts and worker share a database of their own")

COMPOSE = (Path(__file__).parents[2] / "plugins/celery/deploy/compose.yaml").read_text()
ONLY = 'mount --bind "$KEYS" "$KEYS"; mount -t tmpfs none "$TMPDIR"; mount -o remount,bind,ro /; exec "$@"'
"""A file system on which nothing can be written but keys and temporary files."""


@pytest.mark.slow(because="a worker, and a command for each thing that people do")
def test_a_worker_writes_keys_and_temporary_files_only(
    cluster: Cluster, redis_broker: Broker, tmp_path: Path, make_csr: MakeCsr
) -> None:
    if os.geteuid() != 0:
        pytest.fail("this test mounts file systems: run it as root")
    (worker,) = re.findall(r"^  worker:\n(.*?)\n\n", COMPOSE, re.MULTILINE | re.DOTALL)
    assert "read_only: true\n" in worker
    assert "tmpfs: [/tmp]\n" in worker
    assert '"keys:/var/lib/anchorhold"' in worker
    assert "ports:" not in worker
    with new_hosts(cluster, redis_broker, tmp_path) as hosts:
        keys, temporary = hosts.folder / "back/ca", hosts.folder / "tmp"
        keys.mkdir()
        temporary.mkdir()
        alone = [program("unshare", "util-linux"), "--mount", "env", f"KEYS={keys}", f"TMPDIR={temporary}", "sh", "-ec"]
        hosts.prefixes["back"] = (*alone, ONLY, "sh")
        refused = subprocess.run([*hosts.prefixes["back"], "touch", str(hosts.folder / "a")], check=False)
        assert refused.returncode != 0
        with running_worker(hosts):
            run_verified(hosts, make_csr())
    assert list(keys.rglob("*.key"))
