"""A store that takes a while to answer, and people who take what is slow for dead: no key is lost.

``ANCHORHOLD_SLOW`` says how many authorities are made and moved, and how many seconds an answer takes, as ``20x1.5``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from anchorhold import open_installation
from anchorhold.errors import BusyError, UnknownAuthorityError
from interleaving.slowness import slow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storages.servers import Bucket

TIMES, SECONDS = (float(part) for part in os.environ.get("ANCHORHOLD_SLOW", "1x0.3").split("x"))
WHOLE: Final = "ANCHORHOLD_SLOW" in os.environ
FORMS: Final = ("--abandon", "--finish") if WHOLE else ("--abandon",)
SOURCES: Final = ("--delete-source", "keep") if WHOLE else ("--delete-source",)
PAUSES: Final = (0.7, 1.5, 2.4, 3.3)
"""Answers of the store after which somebody loses patience."""

pytestmark = [pytest.mark.databases("sqlite", "postgresql", because="claims are in the ledger")]
if WHOLE:
    pytestmark.append(pytest.mark.slow(because="each form of recover is tried beside as many commands as it says"))


@dataclass(frozen=True)
class Host:
    """An installation with a slow store and a quick one.

    Attributes:
        folder: Of its files.
        environment: Of its commands.
        bucket: The slow store, asked directly.
    """

    folder: Path
    environment: dict[str, str]
    bucket: Bucket

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "anchorhold", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """A command to its end: its exit code and its talk."""
        running = self.start(*arguments)
        talk = running.communicate(timeout=120)[1]
        return running.returncode, talk

    def beside(self, first: subprocess.Popen[str], name: str, form: str, pause: float) -> None:
        """Lose patience with a command after a while; it is left alone all the same, and works."""
        time.sleep(pause * SECONDS)
        assert self.run("recover")[0] == 0
        second, talk = self.run("recover", f"{form}={name}")
        assert second in (BusyError.exit_code, UnknownAuthorityError.exit_code), talk
        talk = first.communicate(timeout=120)[1]
        assert first.returncode == 0, talk


@pytest.fixture
def host(database: str, bucket: Bucket, tmp_path: Path) -> Iterator[Host]:
    """A host whose default store is slow."""
    with slow(bucket.url, SECONDS) as url:
        options = bucket.options.replace(bucket.url, url)
        (tmp_path / "config.toml").write_text(f"""
ca_dir = "data"
[storages.default]
backend = "s3://{bucket.name}/keys"
[storages.default.options]
{options}
[storages.quick]
backend = "local"
options = {{ location = "quick" }}
[key_backends.default]
backend = "storages"
[key_backends.quick]
backend = "storages"
options = {{ storage_alias = "quick" }}
""")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "ANCHORHOLD_CONFIG": str(tmp_path / "config.toml"),
            "ANCHORHOLD_DATABASE": database,
        }
        yield Host(tmp_path, environment, bucket)


def usable(host: Host, name: str) -> bool:
    """Whether the key of an authority signs."""
    with open_installation(environment=host.environment) as installation:
        found = installation.authorities.get(name)
        return found.record.status == "active" and installation.keys.check(found).condition == "usable"


@pytest.mark.parametrize("form", FORMS)
def test_an_authority_that_is_slow_to_come_is_not_taken_for_dead(host: Host, form: str) -> None:
    for number in range(int(TIMES)):
        name = f"CA {number}"
        host.beside(host.start("init-ca", name, f"CN={name}"), name, form, PAUSES[number % len(PAUSES)])
        assert usable(host, name)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_key_that_is_slow_to_move_is_not_taken_for_lost(host: Host, form: str, source: str) -> None:
    for number in range(int(TIMES)):
        name = f"CA {number}"
        assert host.run("init-ca", name, f"CN={name}", "--key-backend=quick")[0] == 0
        options = ("--delete-source",) if source == "--delete-source" else ()
        first = host.start("move-key", name, "--to=default", *options)
        host.beside(first, name, form, PAUSES[number % len(PAUSES)])
        assert usable(host, name)
        assert len(list((host.folder / "quick").rglob("*.key"))) == (0 if options else number + 1)
