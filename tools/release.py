"""Parts of `nox -s release`: what still prevents a release, and the files that stand beside its archives in dist/.

`check` prints one line for each obstacle and ends with exit code 1 if there is one. `write` adds a CycloneDX SBOM for
each distribution, and SHA256SUMS, to dist/. Neither uploads anything.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parents[1]
DIST = HERE / "dist"
FOLDERS = ("core", "plugins/storages", "plugins/hsm", "plugins/db", "plugins/server", "plugins/celery", "plugins/desk")
PROJECTS = tuple(HERE / folder for folder in FOLDERS)
FRAGMENT = "*.*.md"
"""Fragments are called NUMBER.KIND.md or +WORDS.KIND.md; README.md beside them is none."""


def project(folder: Path) -> dict[str, Any]:
    """Read the table `project` of a distribution."""
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return table


def obstacles(version: str) -> Iterator[str]:
    """What has to be done before this version is published, one sentence each."""
    for folder in PROJECTS:
        urls = project(folder).get("urls", {})
        placeholders = [label for label, url in urls.items() if (urlsplit(url).hostname or "").endswith(".example")]
        if placeholders or not urls:
            name = folder.relative_to(HERE)
            yield f"{name}/pyproject.toml: has no addresses of the project; replace {', '.join(placeholders) or 'urls'}"
    changelog = (HERE / "CHANGELOG.md").read_text()
    if not re.search(rf"^## {re.escape(version)} - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        yield f"CHANGELOG.md: has no section {version} with a date; run nox -s changelog -- write"
    if re.search(r"^## .*unreleased", changelog, re.MULTILINE):
        yield "CHANGELOG.md: has a section that is marked unreleased; move its entries into the one with a date"
    for fragment in sorted((HERE / "changelog.d").glob(FRAGMENT)):
        yield f"{fragment.relative_to(HERE)}: is not in CHANGELOG.md; run nox -s changelog -- write"
    describe = ["git", "-C", str(HERE), "describe", "--exact-match", "--dirty", "--match", f"v{version}"]
    done = subprocess.run(describe, capture_output=True, text=True, check=False)
    if done.stdout.strip() != f"v{version}":
        yield f"git: the working tree is not that of the tag v{version}; commit everything, then git tag --sign"


def write_sbom(folder: Path, version: str) -> Path:
    """Install a wheel from dist/ with what it requires, and list that in CycloneDX.

    Returns:
        The file, `NAME-VERSION.cdx.json` in dist/. Extras are not in it.

    Raises:
        subprocess.CalledProcessError: The wheel cannot be installed, or the list is not valid.
    """
    name = project(folder)["name"]
    target = DIST / f"{name.replace('-', '_')}-{version}.cdx.json"
    with tempfile.TemporaryDirectory() as scratch:
        python = Path(scratch) / "venv" / "bin" / "python"
        _python("virtualenv", "-q", "--no-seed", str(python.parents[1]))
        ours = {f"anchorhold-{version}", f"{name.replace('-', '_')}-{version}"}
        wheels = [str(DIST / f"{stem}-py3-none-any.whl") for stem in sorted(ours)]
        _python("pip", "--python", str(python), "install", "-q", "--disable-pip-version-check", *wheels)
        options = ["--output-reproducible", "--mc-type", "library", "--pyproject", str(folder / "pyproject.toml")]
        _python("cyclonedx_py", "environment", *options, "-o", str(target), str(python))
    bom = json.loads(target.read_text())
    # cyclonedx-py reads the version from pyproject.toml, where that of a plugin is dynamic.
    bom["metadata"]["component"] |= {"version": version, "purl": f"pkg:pypi/{name}@{version}"}
    target.write_text(json.dumps(bom, indent=2) + "\n")
    return target


def _python(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], check=True)


def write_checksums() -> Path:
    """Write SHA256SUMS of all else in dist/, as `sha256sum --check` reads it."""
    target = DIST / "SHA256SUMS"
    files = sorted(file for file in DIST.iterdir() if file != target)
    target.write_text("".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files))
    return target


def main(step: str) -> int:
    """Run one step; returns the exit code."""
    version = project(PROJECTS[0])["version"]
    if step == "check":
        found = list(obstacles(version))
        sys.stderr.writelines(f"not ready: {obstacle}\n" for obstacle in found)
        return 1 if found else 0
    for folder in PROJECTS:
        write_sbom(folder, version)
    write_checksums()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
