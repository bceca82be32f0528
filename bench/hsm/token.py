"""A throw-away token of SoftHSM, and what leads a process to it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command import Command, bare_environment, run

if TYPE_CHECKING:
    from collections.abc import Mapping

LABEL, PIN = "bench", "1234"
FOLDERS = ("usr/lib/softhsm", "usr/lib/*/softhsm", "usr/local/lib/softhsm", "opt/homebrew/lib/softhsm")
CONFIGURATION = "directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"


@dataclass(frozen=True, slots=True)
class Token:
    """An initialised token with nothing in it.

    Attributes:
        folder: Where it is.
        library: The PKCS#11 module.
    """

    folder: Path
    library: Path

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment variables that lead to it, for programs of this benchmark; and SoftHSM's own."""
        return {
            "SOFTHSM2_CONF": str(self.folder / "softhsm2.conf"),
            "BENCH_LIBRARY": str(self.library),
            "BENCH_TOKEN": LABEL,
            "BENCH_PIN": PIN,
        }


def missing() -> str | None:
    """Why there can be no token; None if there can."""
    if _library() is None or shutil.which("softhsm2-util") is None:
        return "SoftHSM (Debian's package softhsm2) is not there"
    return None


def make_token(folder: Path) -> Token:
    """Initialise a token in an empty folder; only where nothing is `missing`."""
    library = _library()
    if library is None:
        raise FileNotFoundError("libsofthsm2.so")
    token = Token(folder, library)
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(CONFIGURATION.format(folder=folder))
    arguments = ("--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN)  # a secret of nobody
    run(Command(("softhsm2-util", *arguments), bare_environment(folder, **token.variables), folder))
    return token


def version(token: Token) -> str:
    """What SoftHSM calls itself."""
    return run(Command(("softhsm2-util", "--version"), bare_environment(token.folder), token.folder)).stdout.strip()


def _library() -> Path | None:
    return next((path for folder in FOLDERS for path in Path("/").glob(f"{folder}/libsofthsm2.so")), None)
