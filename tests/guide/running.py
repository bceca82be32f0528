"""Runs a page of the guide: its blocks from the first to the last, by one shell, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from forked import forked
from guide.blocks import Block, blocks
from hsm.softhsm import find_library
from programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pytest

DOCS: Final = Path(__file__).parents[2] / "docs"
HOME: Final = "/home/operator"
"""The home folder that pages show."""

SOFTHSM: Final = "/usr/lib/softhsm/libsofthsm2.so"
"""The library of SoftHSM that pages show; another one is used where it is elsewhere."""

_ACTOR: Final = (
    (r"\buser \S+ at {host}(?!\S)", "user operator at ca1"),
    (r'("name":\s*)"[^"]*"(,\s*"origin":\s*)"{host}"', r'\1"operator"\2"ca1"'),
)
"""The user who runs the tests, as the history has it, and what pages show."""

PORT: Final = re.compile(r"\b864\d\b")
"""Ports that pages show; free ones are used in their place."""

LONGEST: Final = 400
"""Seconds that a page may take on a machine that does much else."""

STARTS_BEHIND: Final = re.compile(r"^<!-- starts in the folder of (\S+\.md) -->$", re.MULTILINE)
"""A page that goes on where another one has ended."""

RUN_ELSEWHERE: Final = re.compile(r"^<!-- run by: nox -s relying\b.*-->$", re.MULTILINE)
"""A page that needs programs which the other tests do not; `relying.test_configurations` runs it."""

NEEDS: Final = {
    "openssl": "openssl",
    "curl": "curl",
    "jq": "jq",
    "softhsm2-util": "softhsm2",
    "pkcs11-tool": "opensc",
    "sqlite3": "sqlite3",
    "pg_dump": "postgresql",
    "pgloader": "pgloader",
    "nginx": "nginx",
    "gnutls-cli": "gnutls-bin",
    "certtool": "gnutls-bin",
    "apache2": "apache2-bin",
    "haproxy": "haproxy",
    "caddy": "caddy",
    "openvpn": "openvpn",
    "node": "nodejs",
    "java": "openjdk-17-jdk-headless",
    "keytool": "openjdk-17-jdk-headless",
}
"""Programs that commands use, and the Debian packages they are in."""

_MARK: Final = "\x1e"
_END_SERVERS: Final = "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT"
"""Those that a failed page leaves in the background would hold its output open."""


class PageFailedError(Exception):
    """A command of a page has ended with an error."""


def shell(home: Path) -> dict[str, str]:
    """The variables of a new user: ``anchorhold`` and ``python`` are found, and nothing is configured."""
    programs = home / ".programs"
    programs.mkdir(parents=True)
    quick = f"exec {shlex.join(forked())}"
    for name, lines in {
        "anchorhold": f'case " $* " in *" serve "*) exec "{sys.executable}" -m anchorhold "$@" ;; esac\n{quick} "$@"',
        "python": f'exec "{sys.executable}" "$@"',
        "pytest": f'exec "{sys.executable}" -m pytest -p no:cacheprovider -p no:randomly "$@"',
    }.items():
        script = programs / name
        script.write_text(f"#!/bin/sh\n{lines}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANCHORHOLD_", "SOFTHSM2_"))}
    path = f"{programs}:{os.environ['PATH']}:/usr/sbin"
    return {**kept, "HOME": str(home), "PATH": path, "PYTHONUNBUFFERED": "1", "COLUMNS": "110"}


def run_page(
    name: str,
    home: Path,
    start: Path | None = None,
    variables: Mapping[str, str] | None = None,
    *,
    first: str = "",
) -> list[tuple[Block, str]]:
    """Run the blocks of a page.

    Args:
        name: The page, below ``docs``.
        home: Home folder of the user who runs it.
        start: A folder with which it begins; without one it is empty.
        variables: More variables of its shell.
        first: A folder in which its programs are looked for first.

    Returns:
        Each block that was run, with what it has printed to standard output and standard error.

    Raises:
        PageFailedError: A command ends with an error; the message has all that was printed.
    """
    found = list(blocks((DOCS / name).read_text()))
    script = "\n".join(["set -euo pipefail", _END_SERVERS, *_steps(found)])
    for needed, package in NEEDS.items():
        if re.search(rf"(?:^|[|(])\s*{needed}\b", script, re.MULTILINE):
            program(needed, package)
    if SOFTHSM in script:
        script = script.replace(SOFTHSM, find_library())
    ports = {shown: _free_port() for shown in sorted(set(PORT.findall(script)))}
    for shown, port in ports.items():
        script = _replaced(script, shown, port)
    folder = home / "pki"
    environment = {**shell(home), **(variables or {})}
    if first:
        environment["PATH"] = f"{first}:{environment['PATH']}"
    if start:
        shutil.copytree(start, folder)
    else:
        folder.mkdir()
    code, output = _run(script, folder, environment)
    output = output.replace(str(home), HOME)
    output = _by_the_operator(output)
    for shown, port in ports.items():
        output = _replaced(output, port, shown)
    if code:
        raise PageFailedError(f"{name} ends with {code}:\n{output.replace(_MARK, '')}")
    return list(zip((block for block in found if block.is_run), output.split(_MARK)[1:], strict=True))


def start_of(name: str, factory: pytest.TempPathFactory) -> Path | None:
    """The folder in which a page begins: that of the page before it, or None if it begins with an empty one."""
    before = STARTS_BEHIND.search((DOCS / name).read_text())
    return _folder_after(before[1], factory) if before else None


def _folder_after(name: str, factory: pytest.TempPathFactory) -> Path:
    """The folder in which a page has run, made once for all tests and processes of a run."""
    kept = factory.getbasetemp().parent / f"guide-{name.replace('/', '-')}"
    if not kept.exists():
        home = factory.mktemp("guide") / "operator"
        run_page(name, home, start_of(name, factory))
        try:
            (home / "pki").rename(kept)
        except OSError:  # another process was quicker
            shutil.rmtree(home)
    return kept


def _by_the_operator(output: str) -> str:
    """The same for another user on another host, in a column as wide as that."""
    host = re.escape(socket.gethostname())
    (shown, operator), as_json = _ACTOR
    found = re.search(shown.replace("{host}", host), output)
    if found is not None:
        column = f"{'ACTOR':<{len(found[0])}}"
        output = output.replace(column, f"{'ACTOR':<{len(operator)}}").replace(found[0], operator)
    return re.sub(as_json[0].replace("{host}", host), as_json[1], output)


def _run(script: str, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a script, and end what it has left in the background."""
    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            output, _ = process.communicate(timeout=LONGEST)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
    return process.returncode, output


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def _replaced(text: str, old: str, new: str) -> str:
    return re.sub(rf"\b{old}\b", new, text)


def _steps(found: Sequence[Block]) -> Iterator[str]:
    """A page as lines of a shell script; a mark in the output begins that of each block."""
    for number, block in enumerate(found):
        if block.title:
            yield f"cat > {block.title} <<'END OF FILE {number}'\n{block.body}END OF FILE {number}"
        elif block.is_run:
            yield f"printf '{_MARK}'"
            yield (
                _commands(block.body)
                if block.kind == "bash"
                else f"python - <<'END OF PYTHON'\n{block.body}END OF PYTHON"
            )


def _commands(body: str) -> str:
    """Those of a block, without ``pip install``: what it names is looked at in `guide.test_guide`."""
    return "\n".join(line for line in body.splitlines() if not line.startswith("pip install"))
