"""The signing service of the tests, in a process of its own, and settings that lead to it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bench.command import BenchError
from bench.folders import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TESTS: Final = REPOSITORY / "tests"
"""Where the service and its backends are, which the tests use too."""
BACKENDS: Final = {"sixteen": "SixteenBackend", "batch": "BatchingBackend"}
"""Those that ask for sixteen signatures at once, each by itself or fifty by one request."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs.

    Attributes:
        port: Where it listens.
    """

    port: int

    def plan(self, **members: Any) -> None:
        """Tell it how signatures fare from now on."""
        self._ask("plan", json.dumps(members).encode())

    def seen(self) -> dict[str, int]:
        """What it has seen."""
        return dict(json.loads(self._ask("seen")))

    def environment(self, folder: Path, backend: str) -> dict[str, str]:
        """Variables of an installation in a folder whose keys are in the service.

        Args:
            folder: An empty one.
            backend: Of `BACKENDS`.
        """
        site = folder / "site"
        information = site / "distant_keys-1.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: distant-keys\nVersion: 1\n")
        points = "".join(f"{name} = distant.distant_backend:{found}\n" for name, found in BACKENDS.items())
        (information / "entry_points.txt").write_text(f"[anchorhold.backends]\n{points}")
        settings = folder / "config.toml"
        sections = ("key_backends", "ocsp_key_backends")
        options = f'.default]\nbackend = "{backend}"\noptions = {{ port = {self.port} }}\n'
        settings.write_text("".join(f"[{section}{options}" for section in sections))
        return {
            "ANCHORHOLD_CONFIG": str(settings),
            "ANCHORHOLD_CA_DIR": str(folder / "ca"),
            "HOME": str(folder),
            "PYTHONPATH": os.pathsep.join(map(str, (site, TESTS))),
        }

    def _ask(self, path: str, body: bytes = b"") -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", f"/{path}", body)
        answer = connection.getresponse().read()
        connection.close()
        return answer


@contextmanager
def signing_service() -> Iterator[Service]:
    """The service for as long as it is needed.

    Raises:
        BenchError: It does not start.
    """
    command = [sys.executable, str(TESTS / "distant" / "signing_service.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline() if process.stdout is not None else ""
            if not port:
                raise BenchError("the signing service does not start")
            yield Service(int(port))
        finally:
            process.kill()
