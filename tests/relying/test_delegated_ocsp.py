"""OCSP responses of responders of every kind are accepted and refused by the programs that the page names."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from relying.artefacts import KINDS, make_chain, settings_of
from relying.documented import refusals
from relying.report import compare
from relying.validators import VALIDATORS, Said, java_revocation, newer_openssl, run
from server.serving import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.databases(because="each answer is made in an installation of its own"),
    pytest.mark.slow(because="a server and other programs start for each kind"),
]
TRIED: Final = [kind for kind in KINDS if kind != "secp256k1"]


def _answer(folder: Path) -> Path:
    """Ask a server about ``www.pem``; the answer is in ``answer.ocsp``."""
    port = str(free_port())
    argv = [sys.executable, "-m", "anchorhold", "serve", "--port", port]
    with (folder / "serve.log").open("wb") as log:
        server = subprocess.Popen(argv, env=settings_of(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        waiting = ("--retry", "30", "--retry-connrefused", "--retry-delay", "1", "--silent", "--fail")
        assert run(folder, "curl", *waiting, f"http://127.0.0.1:{port}/healthz").accepted
        about = ("-issuer", "issuing.pem", "-cert", "www.pem", "-no_nonce", "-noverify")
        run(folder, "openssl", "ocsp", *about, "-url", f"http://127.0.0.1:{port}/ocsp", "-respout", "answer.ocsp")
        assert (folder / "answer.ocsp").exists()
    finally:
        server.terminate()
        server.wait(20)
    return folder


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of the answer for a kind of authority, made when it is first asked for."""
    return cache(lambda kind: _answer(make_chain(tmp_path_factory.mktemp("ocsp"), kind)))


def _openssl(program: str) -> Callable[[Path], Said]:
    def check(folder: Path) -> Said:
        about = ("-issuer", "issuing.pem", "-cert", "www.pem", "-no_nonce")
        said = run(folder, program, "ocsp", *about, "-respin", "answer.ocsp", "-CAfile", "root.pem")
        return Said("Response verify OK" in said.output and "www.pem: good" in said.output, said.output)

    return check


def _ocsptool(folder: Path) -> Said:
    return run(folder, "ocsptool", "--verify-response", "--load-response", "answer.ocsp", "--load-trust", "issuing.pem")


def _java(folder: Path) -> Said:
    return java_revocation(folder, "www.pem", "answer.ocsp")


CHECKS: Final = {0: _openssl("openssl"), 1: _openssl(newer_openssl()), 2: _ocsptool, 4: _java}
"""By the place of the program in `VALIDATORS`."""


@pytest.mark.parametrize("kind", TRIED)
@pytest.mark.parametrize("place", CHECKS, ids=lambda place: VALIDATORS[place].name)
def test_a_response_is_refused_by_the_programs_that_the_page_names(
    place: int, kind: str, answer: Callable[[str], Path]
) -> None:
    given = f"OCSP, {kind}"
    table = [row.of(f"OCSP, {row.what}") for row in refusals("OCSP")]
    compare(VALIDATORS[place], given, table, lambda: CHECKS[place](answer(kind)))
