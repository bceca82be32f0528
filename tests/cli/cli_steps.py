"""What the tests of the command line share: expecting success or one clear refusal, and what a command left behind."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anchorhold.errors import AnchorholdError
    from conftest import Command, Outcome

LEDGER: Final = "ledger.sqlite3"


def good(outcome: Outcome) -> Outcome:
    """The outcome of a command that must have worked."""
    assert outcome.exit_code == 0, outcome.talk
    return outcome


def refused(outcome: Outcome, error: type[AnchorholdError], *words: str) -> Outcome:
    """The outcome of a command that must have ended with one clear line, the error's exit code, and no data."""
    assert outcome.exit_code == error.exit_code, f"exit code {outcome.exit_code}: {outcome.talk}"
    assert outcome.data == b""
    assert outcome.talk.endswith("\n")
    assert len(outcome.talk.splitlines()) == 1, outcome.talk
    assert outcome.talk.startswith("anchorhold: "), outcome.talk
    assert "; " in outcome.talk, f"does not say what to do: {outcome.talk}"
    for word in words:
        assert word in outcome.talk, f"{word!r} is not in: {outcome.talk}"
    return outcome


def left_behind(folder: Path) -> dict[str, Any]:
    """Every file below a folder, and what each ledger in it has that counts: authorities, certificates, reservations.

    Abandoned rows are traces of what was taken back; serial numbers stay used on purpose.
    """
    found = sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if not path.name.startswith(LEDGER) and "__pycache__" not in str(path)
    )
    books = {str(path.relative_to(folder)): _book(path) for path in folder.rglob(LEDGER)}
    return {"files": found, "ledgers": books}


def _book(path: Path) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as ledger:
        return [
            ledger.execute(f"SELECT {columns} FROM anchorhold_{table} WHERE status <> 'abandoned'").fetchall()  # noqa: S608
            for table, columns in (("authority", "name, status, serial, issuing"), ("certificate", "serial, status"))
        ]


def listed(anchorhold: Command, command: str = "list-cas", *arguments: str) -> list[dict[str, Any]]:
    """What a list command shows, as JSON."""
    found: list[dict[str, Any]] = json.loads(good(anchorhold(command, "--output-format", "json", *arguments)).data)
    return found


def certificate(outcome: Outcome) -> x509.Certificate:
    """The PEM certificate that a command wrote to standard output."""
    return x509.load_pem_x509_certificate(good(outcome).data)


def program(
    *arguments: str, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run ``python -m anchorhold`` as a process of its own."""
    variables = {**os.environ, **(env or {})}
    command = [sys.executable, "-m", "anchorhold", *arguments]
    options = {"capture_output": True, "timeout": 60, **options}
    return subprocess.run(command, env=variables, check=False, **options)


def settings_file(folder: Path, text: str) -> Path:
    """Write a settings file and return its path."""
    path = folder / "config.toml"
    path.write_text(text)
    return path


def two_storages(folder: Path) -> Path:
    """Settings with two storages and an alias of the type ``storages`` on each: ``default`` and ``eu``."""
    return settings_file(
        folder,
        f"""
        [storages.default]
        options = {{ location = "{folder}/here" }}
        [storages.vienna]
        options = {{ location = "{folder}/vienna" }}
        [key_backends.default]
        backend = "storages"
        [key_backends.eu]
        backend = "storages"
        options = {{ storage_alias = "vienna" }}
        """,
    )
