"""What a measurement depends on and is reported with: the machine, and the versions of what ran."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def facts(peer_versions: dict[str, str], openssl: str, pairs: int) -> dict[str, str]:
    """Return the facts of this run by name, in the order in which they are reported."""
    load, _, _ = os.getloadavg()
    return {
        "machine": f"{platform.system()} {platform.machine()}, {_processor()}",
        "CPUs": str(os.cpu_count()),
        "load average at the start": f"{load:.2f}",
        "Python": platform.python_version(),
        **{package: _version(package) for package in ("anchorhold", "typer", "cryptography")},
        **peer_versions,
        "openssl": openssl,
        "pairs": str(pairs),
    }


def _processor() -> str:
    """Return the processor's name where the system tells it: on Linux, ``platform.processor()`` often does not."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unnamed processor")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
