"""``quickstart``: a root, an issuing CA and a server certificate, in one command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.destination import check_new, write_new
from anchorhold.cli.output import info
from anchorhold.cli.rendering import der
from anchorhold.errors import OutputError
from anchorhold.quickstart import ISSUING, ROOT, check_host, server_request, verify_chain
from anchorhold.x509.pem import pem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchorhold.cli.command_context import CommandContext
    from anchorhold.cli.protected_files import ProtectedFiles


def quickstart(
    context: CommandContext,
    host: Annotated[list[str], typer.Argument(help="DNS names or IP addresses of the server.", metavar="HOST")],
) -> None:
    """Create a root CA, an issuing CA and a server certificate with key and chain, in the current folder.

    The CA keys are stored in the default key backend without passwords, and are reused by later runs.
    """
    from anchorhold import Order

    for name in host:
        check_host(name)
    stem = host[0].replace("*", "_").replace(":", "_").replace("/", "_")
    files = {part: Path(f"{stem}{part}") for part in (".key", ".pem", ".chain.pem")}
    _check_free(files.values(), context.protected_files)
    installation = context.installation
    made = installation.authorities.list() if installation.access.exists else ()  # which looking would make
    known = {authority.name: authority for authority in made}
    for name, path in ((ROOT, Path("root.pem")), (ISSUING, Path("issuing.pem"))):
        if not os.path.lexists(path):
            check_new(path, context.protected_files())
        elif name not in known or _content(path) != pem_of(der(known[name])).encode():
            raise OutputError(f"{path}: belongs to another authority", hint="move it away, or use another folder")
    root = known.get(ROOT) or installation.authorities.create(ROOT, f"CN={ROOT}", path_length=1)
    issuing = known.get(ISSUING) or installation.authorities.create(
        ISSUING, f"CN={ISSUING}", parent=root, path_length=0
    )
    key, csr = server_request()
    with installation.certificates.issuer(issuing) as issuer:
        issued = issuer.sign(Order(csr=csr, names=host))
    verify_chain(issued.certificate, [issuing.certificate], root.certificate, host[0])
    _write(files[".key"], key, 0o600)
    _write(files[".pem"], pem_of(issued.der).encode(), 0o644)
    _write(files[".chain.pem"], (pem_of(issued.der) + pem_of(der(issuing))).encode(), 0o644)
    for path, authority in ((Path("root.pem"), root), (Path("issuing.pem"), issuing)):
        if not path.exists():
            _write(path, pem_of(der(authority)).encode(), 0o644)
    info(f"Chain verified: {ROOT} → {ISSUING} → {host[0]}.")
    info(f"Wrote root.pem, issuing.pem, {', '.join(str(path) for path in files.values())}.")
    for line in _next_commands(files):
        info(line)


def _next_commands(files: dict[str, Path]) -> tuple[str, ...]:
    return (
        "",
        "Next:",
        f"  openssl verify -CAfile root.pem -untrusted issuing.pem {files['.pem']}",
        f"  openssl s_server -accept 8443 -www -key {files['.key']} -cert {files['.pem']} -cert_chain issuing.pem",
        "  anchorhold list-certs",
    )


def _content(path: Path) -> bytes | None:
    """Of a regular file; None if it is none, or leads nowhere."""
    return path.read_bytes() if path.is_file() else None


def _check_free(paths: Iterable[Path], kept: Callable[[], ProtectedFiles]) -> None:
    for path in paths:
        check_new(path, kept())
        if os.path.lexists(path):
            raise OutputError(f"{path}: already exists", hint="move it away, or use another folder")


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        write_new(content, path, mode)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})", hint="use another folder") from error
