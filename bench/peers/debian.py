"""Peers that Debian packages: fetched and unpacked below the scratch folder, installed nowhere."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from bench.command import BenchError, Command, run
from bench.folders import fresh_folder

if TYPE_CHECKING:
    from pathlib import Path


def unpacked(package: str, cache: Path) -> tuple[Path, str]:
    """Return the folder that the package is unpacked in, and its version; later runs use the same folder again.

    Raises:
        BenchError: This is not Debian, or its archive cannot be reached.
    """
    folder = cache / f"debian-{package}"
    version = folder / "version.txt"
    if not version.exists():
        _fetch(package, folder, version)
    return folder / "root", version.read_text().strip()


def _fetch(package: str, folder: Path, version: Path) -> None:
    """Download and unpack; the version is written last and marks the folder as complete."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise BenchError(f"Debian's package {package} can only be had where apt-get and dpkg are")
    fresh_folder(folder)
    _download(package, folder)
    archive = str(next(folder.glob("*.deb")))
    run(_command(folder, "dpkg-deb", "-x", archive, "root"))
    version.write_text(run(_command(folder, "dpkg-deb", "-f", archive, "Version")).stdout)


def _download(package: str, folder: Path) -> None:
    """Download the package; where its lists are missing, as on new machines, root may get them."""
    download = _command(folder, "apt-get", "download", "-qq", package)
    try:
        run(download)
    except BenchError:
        if os.geteuid() != 0:
            raise
        run(_command(folder, "apt-get", "update", "-qq"))
        run(download)


def _command(folder: Path, *argv: str) -> Command:
    return Command(argv, dict(os.environ), folder)  # apt may be told of a proxy by the caller's environment
