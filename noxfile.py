"""All that is done with this repository: `nox` runs what must pass, `nox -l` lists the rest.

Every session sets up all that it needs. Sessions that need parts of the system (openssl …) install them where they
can, which is as root on Debian or Ubuntu, and name what is missing where they cannot.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).parent
DISTRIBUTIONS = ("core", "plugins/storages", "plugins/hsm", "plugins/db", "plugins/server")
EXAMPLES = (
    "examples/aws-kms",
    "examples/minimal-backend",
    "examples/quorum-wrapper",
    "examples/suffix-policy",
    "examples/vault-transit",
)
SUPPORTED = ("3.11", "3.12", "3.13")
SYSTEM_PARTS = {
    "openssl": "openssl",
    "initdb": "postgresql",
    "softhsm2-util": "softhsm2",
    "pkcs11-tool": "opensc",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "certutil": "libnss3-tools",
    "curl": "curl",
    "nginx": "nginx",
    "ocsptool": "gnutls-bin",
    "sqlite3": "sqlite3",
    "faketime": "faketime",
    "p11-kit": "p11-kit p11-kit-modules",
    "jq": "jq",
    "pgloader": "pgloader",
}
"""Programs the tests run, and the Debian packages they are in."""

SAME_ON_EACH_PYTHON = ("conformance", "contract", "downstream", "examples")
"""Folders of tests that run with the first Python alone: what a certificate contains, and the packages of others."""

IN_BETWEEN = ("tests/seam", "tests/hsm", "tests/server")
"""What runs with a Python that is neither the first nor the last: plugins, threads, forks and event loops."""

EVERYTHING = ("tests/company", "tests/clocks", "tests/reading", "tests/conformance/test_generated_orders.py")
"""What draws a sample in the tests, and all of it in the session `everything`."""

BENCH_PARTS = {"wrk": "wrk", "ab": "apache2-utils", "cc": "gcc libc6-dev"}
"""Those of the benchmark alone; it says which lines it leaves out without them."""

nox.options.sessions = ["lint", "types", "docs", "tests"]
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"


def _pyenv_first() -> None:
    """Put the Pythons of pyenv before its shims, which are found for versions that are not active."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [folder for version in SUPPORTED for folder in sorted(root.glob(f"versions/{version}.*/bin"))]
    os.environ["PATH"] = os.pathsep.join([*map(str, found), os.environ.get("PATH", "")])


_pyenv_first()

PYTHONS = [version for version in SUPPORTED if shutil.which(f"python{version}")] or [f"3.{sys.version_info.minor}"]
"""Those that are found; whatever runs nox if none is, so that tests run everywhere."""


def isolated(function: Callable[[nox.Session], None]) -> Callable[[nox.Session], None]:
    """Keep the packages that nox itself was started with out of a session."""

    @functools.wraps(function)
    def run(session: nox.Session) -> None:
        session.env["PYTHONPATH"] = ""
        function(session)

    return run


def _group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(nox.project.load_toml(HERE / "pyproject.toml"), name))


def _wheels(session: nox.Session, *folders: str) -> list[str]:
    """Build wheels and return their paths."""
    target = Path(session.create_tmp()).resolve() / "wheels"
    shutil.rmtree(target, ignore_errors=True)
    session.run(
        "python", "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(target), *(f"./{folder}" for folder in folders)
    )
    return [str(wheel) for wheel in sorted(target.glob("*.whl"))]


def _install_wheels(session: nox.Session) -> None:
    """Install our distributions as their users do, replacing what an earlier run installed."""
    wheels = _wheels(session, *DISTRIBUTIONS)
    session.install("-q", *wheels)
    session.install("-q", "--no-deps", "--force-reinstall", *wheels)


def _system_parts(session: nox.Session, parts: Mapping[str, str]) -> list[str]:
    """Install missing programs where that is possible; returns those that stay missing."""
    missing = [program for program in parts if not _is_installed(program)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        session.run("apt-get", "update", "-qq", external=True, env=quiet)
        for program in missing:
            install = ("install", "-qq", "-y", "--no-install-recommends", *parts[program].split())
            session.run("apt-get", *install, external=True, env=quiet)
    return [program for program in missing if not _is_installed(program)]


def _is_installed(program: str) -> bool:
    """Debian keeps servers, and the programs of PostgreSQL's, out of the PATH of most accounts."""
    elsewhere = (Path("/usr/sbin") / program, *Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    return shutil.which(program) is not None or any(place.exists() for place in elsewhere)


@nox.session
@isolated
def quickstart(session: nox.Session) -> None:
    """Run the main job on the file-system default, from wheels, in a folder of its own."""
    _install_wheels(session)
    folder = Path(session.create_tmp()).resolve() / "quickstart"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    session.chdir(folder)
    hosts = session.posargs or ["localhost", "127.0.0.1"]
    session.run("anchorhold", "quickstart", *hosts, env={"ANCHORHOLD_CA_DIR": str(folder / "ca")})
    if shutil.which("openssl"):
        (chain,) = folder.glob("*.chain.pem")  # its first certificate is the server's
        arguments = ("-CAfile", "root.pem", "-untrusted", "issuing.pem", chain.name)
        session.run("openssl", "verify", "-x509_strict", *arguments, external=True)
    session.log(f"The files are in {folder}; the command is {Path(session.bin).resolve() / 'anchorhold'}")
    session.log(f"Go on there with ANCHORHOLD_CA_DIR={folder / 'ca'}")


@nox.session(python=PYTHONS)
@isolated
def tests(session: nox.Session) -> None:
    """Run the tests, on each Python that is found."""
    missing = _system_parts(session, SYSTEM_PARTS)
    _install_wheels(session)
    session.install("-q", *_group("test"))
    first, last = session.python == PYTHONS[0], session.python == PYTHONS[-1]
    arguments = session.posargs or ["-n", "auto", *(["tests"] if first or last else IN_BETWEEN)]
    if not first and not session.posargs:
        arguments += [f"--ignore=tests/{folder}" for folder in SAME_ON_EACH_PYTHON]
    if missing and not os.environ.get("CI"):
        session.warn(f"Tests that need {', '.join(missing)} do not run; install them to run all")
        arguments += ["--allow-missing", "--no-fold-skipped"]
    plain = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONUNBUFFERED": ""}  # the same everywhere
    if not first:
        plain["ANCHORHOLD_TEST_DATABASES"] = "sqlite"  # on both with the first Python, which halves the whole
    session.run("python", "-m", "pytest", *arguments, env=plain)


@nox.session
@isolated
def soak(session: nox.Session) -> None:
    """Run commands at random beside a server, and ask it after each, for two hours; `-- 600` for so many seconds."""
    _system_parts(session, {name: SYSTEM_PARTS[name] for name in ("openssl", "initdb")})
    _install_wheels(session)
    session.install("-q", *_group("test"))
    plain = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONUNBUFFERED": ""}
    seconds = {"ANCHORHOLD_SOAK_SECONDS": session.posargs[0] if session.posargs else "7200"}
    session.run("python", "-m", "pytest", "-s", "-rP", "tests/soak", env=plain | seconds)


@nox.session
@isolated
def everything(session: nox.Session) -> None:
    """Run in full what the tests sample: the table, slow stores, damaged files, generated orders; this takes hours.

    `-- 3/10` runs the third tenth of the table and nothing else.
    """
    _system_parts(session, SYSTEM_PARTS)
    _install_wheels(session)
    session.install("-q", *_group("test"))
    plain = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONUNBUFFERED": ""}
    part = session.posargs[0] if session.posargs else "0/1"
    whole = {
        "ANCHORHOLD_TABLE": part,
        "ANCHORHOLD_SLOW": "10x1.5",
        "ANCHORHOLD_FUZZ": "500000",
        "ANCHORHOLD_ORDERS": "10000",
    }
    chosen = ["tests/company/test_table.py"] if session.posargs else EVERYTHING
    session.run("python", "-m", "pytest", "-n", "auto", *chosen, env=plain | whole)


@nox.session
@isolated
def downstream(session: nox.Session) -> None:
    """Try the examples as their users have them: installed from wheels beside core from a wheel."""
    _system_parts(session, {name: SYSTEM_PARTS[name] for name in ("openssl", "softhsm2-util", "pkcs11-tool")})
    wheels = _wheels(session, *DISTRIBUTIONS, *EXAMPLES)
    session.install("-q", *wheels)
    session.install("-q", "--no-deps", "--force-reinstall", *wheels)
    session.install("-q", *_group("test"))
    arguments = session.posargs or ["-n", "auto", "tests/downstream", "tests/examples"]
    session.run("python", "-m", "pytest", "-o", "pythonpath=tests", *arguments, env={"PYTHONDONTWRITEBYTECODE": ""})


@nox.session
@isolated
def contract(session: nox.Session) -> None:
    """Print which rule of the contract catches each seeded fault; then try the kit on our own backends."""
    parts = ("openssl", "initdb", "softhsm2-util", "pkcs11-tool", "ssh-keygen")
    _system_parts(session, {name: SYSTEM_PARTS[name] for name in parts})
    _install_wheels(session)
    session.install("-q", *_group("test"))
    plain = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONUNBUFFERED": ""}
    session.run("python", "-m", "contract.faulting", env={**plain, "PYTHONPATH": "tests"})
    session.run("python", "-m", "pytest", *(session.posargs or ["-n", "auto", "tests/contract"]), env=plain)


@nox.session
@isolated
def lint(session: nox.Session) -> None:
    """Check style, spelling, the project files, and which layer imports which."""
    session.install("-q", *_group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("validate-pyproject", *(f"{folder}/pyproject.toml" for folder in (".", *DISTRIBUTIONS, *EXAMPLES)))
    sources = os.pathsep.join(str(HERE / folder / "src") for folder in DISTRIBUTIONS)
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": sources})


@nox.session
@isolated
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    _install_wheels(session)
    session.install("-q", *_group("types"), *_group("test"))
    session.run("mypy")
    for tests in sorted(HERE.glob("examples/*/tests")):  # apart, because strangers call their files alike
        session.run("mypy", str(tests))


@nox.session
@isolated
def bench(session: nox.Session) -> None:
    """Measure side by side with peers and limits; `-- quick` takes under five minutes, `-- full --page` writes docs."""
    _system_parts(session, SYSTEM_PARTS | BENCH_PARTS)
    _install_wheels(session)
    if any("page" in argument for argument in session.posargs):
        session.install("-q", "matplotlib>=3.9")
    # Apart from the rest: peewee imports psycopg where it finds it, and the usual installation has none.
    driver = Path(session.create_tmp()).resolve() / "psycopg"
    wanted = nox.project.load_toml(HERE / "core" / "pyproject.toml")["project"]["optional-dependencies"]["postgresql"]
    session.run("python", "-m", "pip", "install", "-q", "--upgrade", "--target", str(driver), *wanted)
    packages = (str(Path(session.virtualenv.location) / "lib"), str(driver))
    session.run("python", "-m", "compileall", "-q", "-j", "0", *packages, success_codes=[0, 1])
    variables = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(driver)}
    session.run("python", "-m", "bench", *session.posargs, env=variables)


@nox.session
@isolated
def docs(session: nox.Session) -> None:
    """Build the guide into site/; a warning is an error. `-- serve` shows it while it is written."""
    session.install("-q", *_group("docs"))
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]))


@nox.session
@isolated
def changelog(session: nox.Session) -> None:
    """Show the section that the fragments in changelog.d/ become; `-- write` moves them into CHANGELOG.md."""
    session.install("-q", *_group("release"))
    version = nox.project.load_toml(HERE / "core" / "pyproject.toml")["project"]["version"]
    how = ["--yes"] if "write" in session.posargs else ["--draft"]
    session.run("towncrier", "build", "--version", version, *how)


@nox.session
@isolated
def release(session: nox.Session) -> None:
    """Build into dist/ what is published, check it, and add SBOMs and checksums; nothing is uploaded.

    `-- final` stops at the first where something is not ready, such as a changelog without a date.
    """
    session.install("-q", *_group("release"))
    final = "final" in session.posargs
    session.run("python", "tools/release.py", "check", success_codes=[0] if final else [0, 1])
    shutil.rmtree(HERE / "dist", ignore_errors=True)
    for folder in DISTRIBUTIONS:
        session.run("python", "-m", "build", "-q", "-o", "dist", folder)
    session.run("twine", "check", "--strict", *(str(archive) for archive in sorted((HERE / "dist").iterdir())))
    session.run("python", "tools/release.py", "write")
