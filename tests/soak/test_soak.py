"""`serve` and `maintain --every` go on for long while other commands come and go; no answer is ever an old one.

``ANCHORHOLD_SOAK_SECONDS`` (30) are shared by both databases; ``ANCHORHOLD_SOAK_SEED`` repeats a run's choices.
"""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from databases import CHOSEN
from server.serving import running, until
from soak.soaking import KINDS, SETTINGS, Runner, prepare, soak

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = float(os.environ.get("ANCHORHOLD_SOAK_SECONDS", "30")) / len(CHOSEN)
RUNNERS = 3


@contextmanager
def maintaining(folder: Path) -> Iterator[None]:
    """`maintain` looks again and again, and has not ended by itself."""
    with (folder / "maintain.log").open("wb") as log:
        command = [sys.executable, "-m", "anchorhold", "maintain", "--every", "1s"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
        assert process.poll() is None, (folder / "maintain.log").read_text()
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.slow(because="a server and commands at random for a quarter of a minute")
def test_what_a_command_has_done_is_in_the_next_answer(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(os.environ.get("ANCHORHOLD_SOAK_SEED", secrets.randbelow(1_000_000)))
    print(f"ANCHORHOLD_SOAK_SEED={seed} ANCHORHOLD_SOAK_SECONDS={SECONDS * len(CHOSEN):.0f}")
    (tmp_path / "config.toml").write_text(f'ca_dir = "{tmp_path / "ca"}"\n{SETTINGS}')
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    prepared = [prepare(number) for number in range(RUNNERS)]
    with running(tmp_path, "--workers", "2") as server, maintaining(tmp_path):
        workers = server.workers()
        runners = [
            Runner(number, tmp_path, server, random.Random(seed + number), foreign, own)  # noqa: S311  # to be repeated
            for number, (own, foreign) in enumerate(prepared)
        ]
        wrong = soak(runners, SECONDS)
        counts = {kind: sum(runner.counts[kind] for runner in runners) for kind in KINDS}
        print(sum(counts.values()), "commands:", counts)
        assert not wrong, f"seed {seed}: {wrong}"
        assert server.workers() == workers, "no worker was blind, or died"
        until(lambda: server.ready()[0] == 200, 60)  # `maintain` has given each new authority what it needs
