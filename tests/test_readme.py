"""What the README shows runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from programs import openssl, program

if TYPE_CHECKING:
    from conftest import MakeCsr

pytestmark = pytest.mark.usefixtures("database")

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_python_of_the_readme_runs(tmp_path: Path, make_csr: MakeCsr) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "example.csr").write_bytes(make_csr())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(" 1000")


@pytest.mark.slow(because="five commands, each a process")
def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    """As they stand there, but for the question of a password, which needs a terminal (see test_prompts)."""
    section = README.partition("## Use")[2].partition("From Python")[0]
    lines = [line.strip() for line in section.splitlines() if re.match(r"    (anchorhold|openssl) ", line)]
    assert len(lines) == 5
    program("openssl")
    script = (
        "\n".join(["set -e", *lines])
        .replace("--password-prompt", "")
        .replace("anchorhold ", f"{sys.executable} -m anchorhold ")
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    openssl("verify", "-x509_strict", "-untrusted", "example.pem", "-CAfile", _root(tmp_path), "example.pem")


def _root(folder: Path) -> Path:
    """The last certificate of the bundle."""
    end = "-----END CERTIFICATE-----\n"
    root = folder / "root.pem"
    root.write_text((folder / "example.pem").read_text().split(end)[-2] + end)
    return root
