"""Unpack the OpenSSL of the next release of Debian beside that of the system, which stays as it is.

``python tools/newer_openssl.py FOLDER`` leaves a program ``FOLDER/bin/openssl``. It needs apt and nothing of root's.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

RELEASE: Final = "trixie"
WRAPPER: Final = """\
#!/bin/sh
export OPENSSL_CONF={root}/etc/ssl/openssl.cnf OPENSSL_MODULES={libraries}/ossl-modules
exec {libraries}/ld-linux-x86-64.so.2 --library-path {libraries} {root}/usr/bin/openssl "$@"
"""
"""Its libraries need the C library of the same release, and so its loader."""


def main(folder: Path) -> None:
    """Download the packages with what they need, and unpack them."""
    apt, root = folder / "apt", folder / "root"
    for each in (apt / "lists" / "partial", apt / "cache" / "archives" / "partial", root, folder / "bin"):
        each.mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb {_mirror()} {RELEASE} main\n")
    options = _options(apt)
    _run("apt-get", *options, "update", "-qq")
    _run("apt-get", *options, "install", "-qq", "-y", "--download-only", "--no-install-recommends", "openssl")
    for package in (apt / "cache" / "archives").glob("*.deb"):
        _run("dpkg", "-x", str(package), str(root))
    program = folder / "bin" / "openssl"
    program.write_text(WRAPPER.format(root=root, libraries=root / "usr" / "lib" / "x86_64-linux-gnu"))
    program.chmod(0o755)
    _run(str(program), "version")


def _mirror() -> str:
    """Where the system has its own packages from."""
    told = subprocess.run(["apt-cache", "policy"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+ (\S+/debian) \S+/main amd64 Packages", told)
    if found is None:
        sys.exit("apt knows no mirror of Debian for amd64")
    return found[1]


def _options(apt: Path) -> list[str]:
    """A state of its own: what the system has installed is not looked at and not changed."""
    named = {
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": apt,
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "root",
    }
    return [word for name, value in named.items() for word in ("-o", f"{name}={value}")]


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
