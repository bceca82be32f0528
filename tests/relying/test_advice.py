"""What ``advise`` says of authorities of many kinds is what the programs say that can be had here."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509

from anchorhold.advice.programs import PROGRAMS
from anchorhold.errors import NotAcceptedError
from programs import find_program
from relying.artefacts import HOST, command, make_chain, settings_of
from relying.documented import begins, is_measured
from relying.report import REPORT, found_version
from relying.validators import VALIDATORS, Said, Validator, newer_openssl, run, version_of
from server.serving import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.databases(because="each authority is made in an installation of its own"),
    pytest.mark.slow(because="other programs start for each authority"),
]
KEYS: Final = ("RSA-PSS", "Ed25519", "Ed448", "EC with SHA3-256", "ML-DSA-65", "brainpoolP256r1")
AUTHORITIES: Final = {
    "EC P-256, path length 0": ("EC P-256", ""),
    **{
        kind: (kind, "") for kind in ("RSA-PSS", "Ed25519", "Ed448", "EC with SHA3-256", "ML-DSA-65", "brainpoolP256r1")
    },
    "DNS, all addresses excluded": ("EC P-256", "DNS, all addresses excluded"),
    **{f"{kind} permitted": ("EC P-256", kind) for kind in ("IP", "dirname", "URI")},
    "must-staple": ("EC P-256", ""),
}
"""Kind of key and kind of constraints, by what the report calls them."""
STAPLED: Final = """\
[profiles.stapled]
extended_key_usage = ["serverAuth"]
tls_features = ["status_request"]
"""
NGINX: Final = """\
daemon off;
pid nginx.pid;
error_log stderr;
events {}
http { access_log off; server { listen 127.0.0.1:8640 ssl; ssl_certificate chain.pem; ssl_certificate_key www.key; } }
"""


def _python(folder: Path) -> Said:
    """A server and a client of Python's ssl, without a connection."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    serving, asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=folder / "root.pem")
    try:
        serving.load_cert_chain(folder / "chain.pem", folder / "www.key")
        ends = [asking.wrap_bio(back, there, server_hostname=HOST), serving.wrap_bio(there, back, server_side=True)]
        for end in (*ends, *ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    except ssl.SSLError as error:
        return Said(accepted=False, output=str(error))
    return Said(accepted=ends[0].version() is not None, output="")


def _nginx(folder: Path) -> Said:
    """Whether it starts with the chain."""
    (folder / "nginx.conf").write_text(NGINX)
    return run(folder, str(find_program("nginx")), "-t", "-p", folder, "-c", "nginx.conf")


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """The port of a server that staples nothing, with an OpenSSL that reads each of these chains."""
    found_version("OpenSSL", version_of(newer_openssl(), "version"), "OpenSSL 3.5 or newer")
    port = str(free_port())
    chain = ("-cert", "www.pem", "-key", "www.key", "-cert_chain", "issuing.pem")
    with (folder / "server.log").open("wb") as log:
        argv = [newer_openssl(), "s_server", "-accept", port, "-www", *chain]
        server = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        waiting = ("--retry", "30", "--retry-connrefused", "--retry-delay", "1", "--silent", "--insecure")
        run(folder, "curl", *waiting, f"https://127.0.0.1:{port}/")
        yield port
    finally:
        server.terminate()
        server.wait(20)


def _curl(folder: Path) -> Said:
    with _serving(folder) as port:
        where = ("--resolve", f"{HOST}:{port}:127.0.0.1", f"https://{HOST}:{port}/")
        return run(folder, "curl", "--silent", "--show-error", "--cacert", "root.pem", *where)


def _gnutls_cli(folder: Path) -> Said:
    with _serving(folder) as port:
        trust = ("--x509cafile", "root.pem", "--sni-hostname", HOST, "--verify-hostname", HOST)
        return run(folder, "gnutls-cli", *trust, "--port", port, "127.0.0.1")


SESSIONS: Final = (
    Validator("Python's ssl", lambda: ssl.OPENSSL_VERSION.split()[1], _python),
    Validator("nginx", lambda: version_of(str(find_program("nginx")), "-v"), _nginx),
    Validator("curl", lambda: version_of("curl", "--version"), _curl),
    Validator("GnuTLS", lambda: version_of("gnutls-cli", "--version"), _gnutls_cli),
)
"""Programs that are asked by TLS sessions."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of an authority, made when it is first asked for."""

    def make(name: str) -> Path:
        folder = make_chain(tmp_path_factory.mktemp("advice"), *AUTHORITIES[name])
        if name == "must-staple":
            (folder / "stapled.toml").write_text(STAPLED)
            order = ("--csr", "www.csr", "--alt", HOST, "--profile", "stapled", "--output-format", "pem")
            settings = {"ANCHORHOLD_CONFIG": str(folder / "stapled.toml")}
            content = command(folder, "sign-cert", "--ca", "Issuing", *order, variables=settings)
            (folder / "www.pem").write_bytes(content)
            (folder / "chain.pem").write_bytes(content + (folder / "issuing.pem").read_bytes())
        return folder

    return cache(make)


def _named(validator: Validator, version: str) -> str | None:
    """The name that ``--for`` takes for this version of a program; None if it was not measured."""
    family = {"Python's ssl": "python-ssl"}.get(validator.name, validator.name.lower())
    known = [name for name, program in PROGRAMS.items() if program.family == family]
    fitting = [name for name in known if begins(version, name.removeprefix(family) or version)]
    return fitting[0] if fitting and is_measured(validator.name, version) else None


def _refused(folder: Path, program: str) -> bool:
    """Whether ``advise --for`` fails for the certificate of the server, with this program."""
    serial = x509.load_pem_x509_certificate((folder / "www.pem").read_bytes()).serial_number
    argv = ("-m", "anchorhold", "advise", f"{serial:040x}", "--for", program, "--output-format", "json")
    done = subprocess.run(
        [sys.executable, *argv], cwd=folder, env=settings_of(folder), capture_output=True, check=False
    )
    (found,) = json.loads(done.stdout)
    assert done.returncode == (NotAcceptedError.exit_code if found["advice"] else 0), done.stderr
    return bool(found["advice"])


@pytest.mark.parametrize("authority", AUTHORITIES)
@pytest.mark.parametrize("validator", [*VALIDATORS, *SESSIONS], ids=lambda validator: validator.name)
def test_a_program_refuses_what_advise_says_and_nothing_else(
    validator: Validator, authority: str, made: Callable[[str], Path]
) -> None:
    version = found_version(validator.name, validator.version(), validator.package)
    if authority == "must-staple" and validator in VALIDATORS:
        pytest.skip("a server that staples no response is refused in sessions, which this program has not")
    program, said = _named(validator, version), validator.check(made(authority))
    if program is None:
        verdict = "version not measured"
    else:
        verdict = "yes" if _refused(made(authority), program) is not said.accepted else "NO"
    given = f"advise, {authority}" + (", in a session" if validator in SESSIONS else "")
    REPORT.rows.append((f"{validator.name} {version}", given, said.short, verdict))
    assert verdict != "NO", said
