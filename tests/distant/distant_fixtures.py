"""A signing service that runs, and an installation whose keys are in it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.plugin import BACKENDS_GROUP
from plugin.fake_backends import offer, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


@dataclass
class Distant:
    """The service, and how the installation reaches it.

    Attributes:
        port: Of the service.
        folder: Of the test.
        site: Where the distribution of the backend is.
        process: The service.
    """

    port: int
    folder: Path
    site: Path
    process: subprocess.Popen[str]
    _monkeypatch: pytest.MonkeyPatch = field(repr=False)

    def plan(self, **members: Any) -> None:
        """Tell the service how signatures fare from now on."""
        self._ask("plan", json.dumps(members).encode())

    def seen(self) -> dict[str, int]:
        """What the service has seen."""
        return dict(json.loads(self._ask("seen")))

    def configure(self, backend: str = "distant", more: str = "", **options: Any) -> Path:
        """Write the settings."""
        lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in {"port": self.port, **options}.items())
        sections = "".join(
            f'[{section}.default]\nbackend = "{backend}"\n[{section}.default.options]\n{lines}'
            for section in ("key_backends", "ocsp_key_backends")
        )
        return settings_file(self.folder, self._monkeypatch, sections + more)

    def run(self, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command, or Python code, in a process of its own."""
        command = [sys.executable, *(["-c", code] if code else ["-m", "anchorhold"]), *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False, timeout=120)

    def start(self, code: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Python code in a process of its own."""
        return subprocess.Popen([sys.executable, "-c", code, *arguments], env=self._environment)

    @property
    def tests(self) -> Path:
        """The folder from which the modules of the backends are imported."""
        return HERE.parent

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": os.pathsep.join([str(self.site), *sys.path])}

    def _ask(self, path: str, body: bytes = b"") -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", f"/{path}", body)
        answer = connection.getresponse().read()
        connection.close()
        return answer


@pytest.fixture
def distant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Distant]:
    """The service, with the settings written for it."""
    names = {"distant": "Distant", "distant-one": "One", "distant-sixteen": "Sixteen", "distant-batch": "Batching"}
    offers = {name: f"distant.distant_backend:{backend}Backend" for name, backend in names.items()}
    site = offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, offers, distribution="acme-distant")
    with subprocess.Popen(
        [sys.executable, str(HERE / "signing_service.py")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        made = Distant(int(process.stdout.readline()), tmp_path, site, process, monkeypatch)
        made.configure()
        yield made
        process.kill()
