"""The peer django-ca: installed from PyPI into a virtual environment of its own, which later runs use again."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.command import Command, bare_environment, run
from bench.folders import fresh_folder
from bench.openssl import HOST, check_certificate
from bench.peers.django_project import FILES, JOURNALS
from bench.peers.peer import Peer

if TYPE_CHECKING:
    from pathlib import Path

NAME = "django-ca"
VERSION = "3.2.0"
LINES = {
    "--help": ("django-ca help",),
    "init-ca --help": ("django-ca init_ca --help",),
    "list-cas": ("django-ca list_cas",),
    "view-ca": ("django-ca view_ca",),
    "sign-cert": ("django-ca sign_cert",),
}
REPORTED = {"django-ca": "django-ca", "Django": "Django", "cryptography": "cryptography (django-ca)"}
"""The packages whose versions are reported, with the names they are reported under."""


@dataclass(frozen=True, slots=True)
class DjangoProject:
    """A Django project with a certificate authority ``Bench``, and the environment it runs in.

    Attributes:
        environment: The virtual environment.
        folder: The project.
    """

    environment: Path
    folder: Path

    def python(self, *arguments: str, **environment: str) -> Command:
        """Return a command of the peer's interpreter."""
        env = bare_environment(self.folder, DJANGO_SETTINGS_MODULE="settings", **environment)
        return Command((str(self.environment / "bin" / "python"), *arguments), env, self.folder)

    def manage(self, *arguments: str) -> Command:
        """Return a management command."""
        return self.python("manage.py", *arguments)

    def versions(self) -> dict[str, str]:
        """Return the versions of what is installed, by the names they are reported under."""
        lines = (self.environment / "installed.txt").read_text().splitlines()
        installed = dict(line.split("==") for line in lines if "==" in line)
        return {name: installed[package] for package, name in REPORTED.items()}


def project(cache: Path) -> DjangoProject:
    """Return where the project is, or will be."""
    tag = f"django-ca-{VERSION}-hsm-python-{platform.python_version()}"
    return DjangoProject(environment=cache / tag, folder=cache / "django-project")


def prepare(cache: Path, request: Path) -> Peer:
    """Install django-ca where it is not yet, set up its project anew, and check that it signs."""
    django = project(cache)
    if not (django.environment / "installed.txt").exists():
        _install(django.environment)
    _set_up(django)
    sign = django.manage("sign_cert", "--ca", "Bench", "--csr", str(request), "--alt", f"DNS:{HOST}")
    _check(django, sign)
    commands = {
        "django-ca help": django.manage("help"),
        "django-ca init_ca --help": django.manage("init_ca", "--help"),
        "django-ca list_cas": django.manage("list_cas"),
        "django-ca view_ca": django.manage("view_ca", "Bench"),
        "django-ca sign_cert": sign,
    }
    return Peer(commands=commands, versions=django.versions())


def _install(environment: Path) -> None:
    """Make the virtual environment; the list of what is installed is written last and marks it as complete."""
    fresh_folder(environment)
    python = str(environment / "bin" / "python")
    steps = (
        (sys.executable, "-m", "venv", str(environment)),
        (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"django-ca[hsm]=={VERSION}"),
        (python, "-m", "compileall", "-q", "-j", "0", str(environment / "lib")),
    )
    for argv in steps:
        run(Command(argv, _callers_environment(), environment))
    freeze = Command((python, "-m", "pip", "freeze"), _callers_environment(), environment)
    (environment / "installed.txt").write_text(run(freeze).stdout)


def _callers_environment() -> dict[str, str]:
    """Return the caller's environment, for pip: it may name an index, a proxy or certificates.

    Not the caller's path, though: pip would take what is there for installed.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _set_up(django: DjangoProject) -> None:
    """Write the project, make its databases and its certificate authority, and byte-compile it."""
    fresh_folder(django.folder)
    for name, text in FILES.items():
        (django.folder / name).write_text(text)
    run(django.python("-m", "compileall", "-q", "."))
    run(django.manage("migrate", "--verbosity", "0"))
    usual, *others = JOURNALS
    for journal in others:
        shutil.copy(django.folder / f"{usual}.sqlite3", django.folder / f"{journal}.sqlite3")
    key = ("--key-type", "EC", "--elliptic-curve", "secp256r1", "--algorithm", "SHA-256")
    run(django.manage("init_ca", *key, "Bench", "CN=Bench"))


def _check(django: DjangoProject, sign: Command) -> None:
    """Sign once and let openssl verify the certificate against the authority's own."""
    outputs = {"authority.pem": django.manage("view_ca", "--output-format", "pem", "Bench"), "cert.pem": sign}
    for name, command in outputs.items():
        (django.folder / name).write_text(run(command).stdout)
    check_certificate(django.folder / "cert.pem", trusted=django.folder / "authority.pem")
