"""The OCSP part: answers a second of our server beside those of its peers, and beside what it stands on."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cryptography.x509 import ocsp

from bench.command import BenchError
from bench.folders import fresh_folder
from bench.measure import alternately
from bench.ocsp import load, presigned
from bench.ocsp.django_side import django_side
from bench.ocsp.house import make_house, requests_for
from bench.ocsp.limit import built_and_signed, written_on_all_cores
from bench.ocsp.load import Load, answers_a_second
from bench.ocsp.sides import Server, granian, openssl_responder, ours, posted, running
from bench.results import Comparison, Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.measure import Side
    from bench.modes import Mode
    from bench.ocsp.house import House

CACHED, SIGNED, ALONE = "without a nonce", "with a nonce", "without a nonce, a new connection each"
ONE, TWO = "1 worker", "2 workers"
FIXED = {loop: f"granian, fixed body, {loop}" for loop in ("asyncio", "uvloop")}
OPENSSL, DJANGO, LOOP = "openssl ocsp", "django-ca, gunicorn", "build + sign in a loop"
MADE, FILES = "pre-signed, made", "pre-signed, nginx"
WRITTEN, SERVE = "build + sign + write in loops", "anchorhold serve, 1 worker"
PRESIGNED, MADE_PAIRS = 20_000, 3
"""Certificates with responses signed in advance, and how often these are made: each time they are 40,000 files more."""
TARGETS = {
    **dict.fromkeys(FIXED.values(), Target(sign=">=", ratio=0.8)),
    OPENSSL: Target(sign=">=", ratio=1.0),
    DJANGO: Target(sign=">=", ratio=10.0),
    LOOP: Target(sign=">=", ratio=0.8),
    WRITTEN: Target(sign=">=", ratio=0.7),
    SERVE: Target(sign=">=", ratio=1.0),
}


def ocsp_lines(cache: Path, request: Path, mode: Mode, django_missing: str | None) -> Iterator[list[Comparison]]:
    """Measure each peer beside ours; all servers run all the time, and only one of them has something to do."""
    reason = load.missing()
    if reason is not None:
        yield [Comparison(labels=("all", ""), against="all", not_measured=reason)]
        return
    folder = fresh_folder(cache / "ocsp")
    house = make_house(folder)
    plain, with_nonce = requests_for(house.leaf, house.issuer, folder)

    def rate(server: Server, request: Path, *, kept: bool = True) -> Side:
        return partial(answers_a_second, server.url, Load(request, kept=kept), mode.seconds)

    with ExitStack() as stack:
        one, two = (stack.enter_context(running(ours(house, folder, workers))) for workers in (1, 2))
        body = _answer(one, plain, folder)
        fixed = {name: stack.enter_context(running(granian(body, loop))) for loop, name in FIXED.items()}
        openssl = stack.enter_context(running(openssl_responder(house, folder)))
        for name, server in fixed.items():
            yield _compared((CACHED, ONE), name, rate(one, plain), rate(server, plain), mode)
        theirs = rate(openssl, plain, kept=False)  # it keeps none open
        yield _compared((CACHED, ONE), OPENSSL, rate(one, plain), theirs, mode)
        alone = rate(one, plain, kept=False)
        for name, server in fixed.items():
            yield _compared((ALONE, ONE), name, alone, rate(server, plain, kept=False), mode)
        yield _compared((ALONE, ONE), OPENSSL, alone, theirs, mode, target=False)
        yield _compared((SIGNED, ONE), LOOP, rate(one, with_nonce), partial(built_and_signed, mode.seconds), mode)
        yield from _presigned(house, plain, one, theirs, folder, mode)
        if django_missing is not None:
            yield [Comparison(labels=(CACHED, TWO), against=DJANGO, not_measured=django_missing)]
            return
        server, their_request = django_side(cache, request, folder, 2)
        django = stack.enter_context(running(server))
        yield _compared((CACHED, TWO), DJANGO, rate(two, plain), rate(django, their_request), mode)


def _presigned(
    house: House, plain: Path, serve: Server, openssl: Side, folder: Path, mode: Mode
) -> Iterator[list[Comparison]]:
    """Answers that are signed in advance: making them, and nginx with them beside servers that answer by themselves."""
    made, written = fresh_folder(folder / "made"), fresh_folder(folder / "written")
    presigned.fill(house, PRESIGNED)
    loop = partial(written_on_all_cores, written, 5 * mode.seconds)
    rounds = replace(mode, pairs=min(mode.pairs, MADE_PAIRS))
    yield _compared((MADE, f"{PRESIGNED:,} certificates"), WRITTEN, partial(presigned.made, house, made), loop, rounds)
    answers = next(made.iterdir())
    reason = presigned.nginx_missing()
    if reason is not None:
        yield [Comparison(labels=(FILES, ONE), against=SERVE, not_measured=reason)]
        return
    with running(presigned.nginx(house, answers, folder / "nginx", serve.url.removesuffix("/ocsp"))) as nginx:
        files = partial(answers_a_second, nginx.url, Load(plain, get=True), mode.seconds)
        kept = partial(answers_a_second, serve.url, Load(plain), mode.seconds)
        yield _compared((FILES, ONE), SERVE, files, kept, mode)
        yield _compared((FILES, ONE), OPENSSL, files, openssl, mode)


def _compared(
    labels: tuple[str, str], against: str, our: Side, their: Side, mode: Mode, *, target: bool = True
) -> list[Comparison]:
    rates = alternately({"ours": our, "theirs": their}, mode.pairs)
    wanted = TARGETS[against] if target else None
    return [Comparison(labels=labels, against=against, ours=rates["ours"], theirs=rates["theirs"], target=wanted)]


def _answer(server: Server, request: Path, folder: Path) -> Path:
    """A real answer as a file; it must say that the certificate is good."""
    body = posted(server.url, request.read_bytes())
    if ocsp.load_der_ocsp_response(body).certificate_status is not ocsp.OCSPCertStatus.GOOD:
        raise BenchError("our server does not say what it should")
    file = folder / "answer.der"
    file.write_bytes(body)
    return file
