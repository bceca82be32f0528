"""The peer django-ca: installed from PyPI into a virtual environment of its own, which later runs use again."""

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.command import Command, bare_environment, run
from bench.folders import fresh_folder
from bench.openssl import HOST, check_certificate
from bench.peers.django_project import FILES

VERSION = "3.2.0"
REPORTED = {"django-ca": "django-ca", "Django": "Django", "cryptography": "cryptography (django-ca)"}
"""The packages whose versions are reported, with the names they are reported under."""


@dataclass(frozen=True)
class DjangoCa:
    """A Django project with a certificate authority ``Bench``, and the environment it runs in."""

    environment: Path
    project: Path

    @property
    def versions(self) -> dict[str, str]:
        """The versions of what is installed, by the names they are reported under."""
        lines = (self.environment / "installed.txt").read_text().splitlines()
        installed = dict(line.split("==") for line in lines if "==" in line)
        return {name: installed[package] for package, name in REPORTED.items()}

    def python(self, *arguments: str) -> Command:
        """Return a command of the peer's interpreter."""
        env = bare_environment(self.project, DJANGO_SETTINGS_MODULE="settings")
        return Command((str(self.environment / "bin" / "python"), *arguments), env, self.project)

    def manage(self, *arguments: str) -> Command:
        """Return a management command."""
        return self.python("manage.py", *arguments)

    def sign(self, request: Path) -> Command:
        """Return the command that signs the request; django-ca writes the certificate to standard output."""
        return self.manage("sign_cert", "--ca", "Bench", "--csr", str(request), "--alt", f"DNS:{HOST}")


def prepare(cache: Path, request: Path) -> DjangoCa:
    """Install django-ca where it is not yet, set up its project anew, and check that it signs."""
    tag = f"django-ca-{VERSION}-python-{platform.python_version()}"
    peer = DjangoCa(environment=cache / tag, project=cache / "django-project")
    if not (peer.environment / "installed.txt").exists():
        _install(peer.environment)
    _set_up(peer)
    _check(peer, request)
    return peer


def _install(environment: Path) -> None:
    """Make the virtual environment; the list of what is installed is written last and marks it as complete."""
    fresh_folder(environment)
    python = str(environment / "bin" / "python")
    steps = (
        (sys.executable, "-m", "venv", str(environment)),
        (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"django-ca=={VERSION}"),
        (python, "-m", "compileall", "-q", str(environment / "lib")),
    )
    for argv in steps:
        run(Command(argv, _callers_environment(), environment))
    freeze = Command((python, "-m", "pip", "freeze"), _callers_environment(), environment)
    (environment / "installed.txt").write_text(run(freeze).stdout)


def _callers_environment() -> dict[str, str]:
    """Return the caller's environment, for pip: it may name an index, a proxy or certificates."""
    return dict(os.environ)


def _set_up(peer: DjangoCa) -> None:
    """Write the project, make its database and its certificate authority, and byte-compile it."""
    fresh_folder(peer.project)
    for name, text in FILES.items():
        (peer.project / name).write_text(text)
    run(peer.python("-m", "compileall", "-q", "."))
    run(peer.manage("migrate", "--verbosity", "0"))
    run(peer.manage("init_ca", "--key-type", "EC", "--elliptic-curve", "secp256r1", "Bench", "CN=Bench"))


def _check(peer: DjangoCa, request: Path) -> None:
    """Sign once and let openssl verify the certificate against the authority's own."""
    outputs = {
        "authority.pem": peer.manage("view_ca", "--output-format", "pem", "Bench"),
        "cert.pem": peer.sign(request),
    }
    for name, command in outputs.items():
        (peer.project / name).write_text(run(command).stdout)
    check_certificate(peer.project / "cert.pem", trusted=peer.project / "authority.pem")
