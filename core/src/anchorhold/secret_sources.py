"""Where a secret came from, told apart without anything that is derived from it: no digest, not even its length."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MADE_ANEW: Final = ("/run/credentials/", "/run/secrets/", "/var/run/secrets/")
"""Folders that systemd, Docker and Kubernetes fill at each start, so that the times of their files say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where a secret came from.

    Attributes:
        name: In words that follow "from", such as ``the file /etc/anchorhold/pin``. Two hosts that have the same one
            are taken to have the same secret.
        version: Changes when what is there is changed; empty where nobody can see that.
        changed_at: When that was last, in seconds since 1970; None where nobody can see it.
    """

    name: str
    version: str = ""
    changed_at: float | None = None


def variable(name: str) -> SecretSource:
    """An environment variable."""
    return SecretSource(name=f"the variable {name}")


def file(path: Path, status: os.stat_result) -> SecretSource:
    """A file, as it was when it was opened.

    Its device is left out, because its number may be another one after each start of the machine; its size, because
    that tells how long the secret is.

    Args:
        path: Where it is.
        status: Of the open file.
    """
    return _seen(f"the file {path}", path, status)


def settings(path: Path | None) -> Callable[[str], SecretSource]:
    """The settings themselves, as they are now, when they have just been read.

    Args:
        path: The settings file; None if there is none.

    Returns:
        What tells of a place in it (dotted) where a secret that is written there comes from.
    """
    if path is None:
        return lambda key: SecretSource(name=f"{key} in the settings")
    place = path.absolute()
    try:
        seen = _seen("", place, place.stat())
    except OSError:  # it was there a moment ago
        seen = SecretSource(name="")
    return lambda key: replace(seen, name=f"{key} in the settings file {place}")


def _seen(name: str, path: Path, status: os.stat_result) -> SecretSource:
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    made_anew = _MADE_ANEW if given is None else (*_MADE_ANEW, f"{given}/")
    if not stat.S_ISREG(status.st_mode) or str(path).startswith(made_anew):
        return SecretSource(name=name)
    version = f"{status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"
    return SecretSource(name=name, version=version, changed_at=status.st_ctime)
