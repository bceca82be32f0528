"""The openssl command: the signing request that all sides sign, and the check of what they made of it."""

import shutil
from pathlib import Path

from bench.command import BenchError, Command, bare_environment, run

HOST = "bench.example.com"
"""The name in the request and in every certificate signed."""


def openssl(folder: Path, *arguments: str, output: Path | None = None) -> Command:
    """Return an openssl command that runs in the folder."""
    found = shutil.which("openssl")
    if found is None:
        raise BenchError("openssl is not installed: the benchmark makes its signing request with it.")
    return Command((found, *arguments), bare_environment(folder), folder, output)


def openssl_version(folder: Path) -> str:
    """Return the version of openssl, such as "3.0.19"."""
    return run(openssl(folder, "version")).stdout.split()[1]


def make_request(folder: Path) -> Path:
    """Make an EC P-256 key and a signing request for ``HOST`` in the folder; return the request's path."""
    request = folder / "request.pem"
    key_options = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    files = ("-keyout", str(folder / "request.key"), "-out", str(request))
    run(openssl(folder, "req", "-new", *key_options, "-subj", f"/CN={HOST}", *files))
    return request


def check_certificate(certificate: Path, trusted: Path) -> None:
    """Fail unless openssl verifies the certificate for ``HOST``, with the trusted certificate as its anchor.

    A command that is fast because it signs nothing of use would otherwise pass for a fast one.
    """
    anchor = ("-CAfile", str(trusted), "-verify_hostname", HOST)
    run(openssl(certificate.parent, "verify", *anchor, str(certificate)))
