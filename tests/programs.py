"""Programs that tests run: found, or the test fails with what to install."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_missing_allowed = False


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--allow-missing``: leave out tests that need a program which is not there, and say so."""
    parser.addoption("--allow-missing", action="store_true", help="leave out tests that need a missing program")


def pytest_configure(config: pytest.Config) -> None:
    """Remember the option for `program`."""
    global _missing_allowed
    _missing_allowed = config.getoption("--allow-missing")


def find_program(name: str) -> str | None:
    """Its path; Debian keeps servers, and PostgreSQL's programs, out of the PATH of most accounts."""
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name) or shutil.which(name, path="/usr/sbin") or (str(newest[0]) if newest else None)


def program(name: str, package: str | None = None) -> str:
    """The path of a program the test runs; a test that lacks it fails with what to install."""
    found = find_program(name)
    if found is None:
        import pytest  # for servers alone, which the benchmark starts too, nothing needs it

        message = f"this test needs the program {name}: as root on Debian, apt-get install {package or name}"
        (pytest.skip if _missing_allowed else pytest.fail)(message)
    return found


def openssl(*arguments: str | Path, stdin: bytes = b"") -> str:
    """Run openssl; its output. The test fails with its error."""
    result = subprocess.run([program("openssl"), *map(str, arguments)], input=stdin, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode()
