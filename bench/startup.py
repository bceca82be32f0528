"""The lines of the start-up part: each of our commands beside a peer's command or a limit."""

from dataclasses import dataclass
from pathlib import Path

from bench.anchorhold_setup import Anchorhold
from bench.command import Command
from bench.peers.django_ca import DjangoCa
from bench.peers.openssl_ca import OpensslCa


@dataclass(frozen=True)
class Line:
    """One comparison: our command, what it is measured against, and the ratio to reach, if there is one."""

    name: str
    against: str
    ours: Command
    peer: Command
    target: float | None = None


def startup_lines(ours: Anchorhold, django_ca: DjangoCa, openssl_ca: OpensslCa, request: Path) -> tuple[Line, ...]:
    """Return all lines, in the order in which they are measured and reported.

    The limits are imports alone: a command line built on typer cannot be faster than importing typer.
    """
    typer = ours.imports("typer")
    typer_and_x509 = ours.imports("typer, cryptography.x509")
    init_help = ours.command("init-ca", "--help")
    list_cas = ours.command("list-cas")
    sign = ours.sign(request)
    return (
        Line("--help", "import typer", ours.command("--help"), typer, target=2.0),
        Line("init-ca --help", "django-ca init_ca --help", init_help, django_ca.manage("init_ca", "--help")),
        Line("init-ca --help", "import typer, cryptography.x509", init_help, typer_and_x509),
        Line("list-cas", "django-ca list_cas", list_cas, django_ca.manage("list_cas")),
        Line("list-cas", "import typer, cryptography.x509", list_cas, typer_and_x509),
        Line("sign-cert", "django-ca sign_cert", sign, django_ca.sign(request), target=0.4),
        Line("sign-cert", "openssl ca", sign, openssl_ca.ca(request)),
        Line("sign-cert", "openssl x509 -req", sign, openssl_ca.x509(request)),
    )
