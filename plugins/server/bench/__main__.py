"""``python -m bench.server [--seconds S] [--rounds N] [--django]``: measure, and print a table.

Each round starts every side anew, one after the other, and measures it for some seconds; the best round of a side
counts, because everything else that a machine does only ever takes something away.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from cryptography.x509 import ocsp

from bench.command import BenchError
from bench.folders import cache_folder, fresh_folder
from bench.openssl import make_request
from bench.server.django_side import django_side
from bench.server.house import House, make_house, requests_for
from bench.server.limit import built_and_signed
from bench.server.load import Request, answers_a_second, single_answers_a_second
from bench.server.sides import Side, granian, openssl_responder, ours, running

if TYPE_CHECKING:
    from pathlib import Path


class Line(NamedTuple):
    """A server with a request."""

    name: str
    side: Side
    request: Request


def main() -> None:
    """Read the arguments, measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.server", description="OCSP answers a second.")
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of all of them")
    parser.add_argument("--django", action="store_true", help="django-ca too; its environment is made by `bench`")
    arguments = parser.parse_args()
    for variable in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        os.environ.pop(variable, None)
    try:
        folder = fresh_folder(cache_folder() / "server")
        found = _measured(_lines(folder, django=arguments.django), arguments.rounds, arguments.seconds, folder)
    except BenchError as error:
        sys.exit(f"bench: {error}")
    width = max(map(len, found))
    for name, rate in found.items():
        print(f"{name:{width}}  {rate:>8,.0f}/s")  # the table is what this is for


def _lines(folder: Path, *, django: bool) -> list[Line]:
    house = make_house(folder)
    plain, with_nonce = requests_for(house.leaf, house.issuer, folder)
    body = _answer(house, plain, folder)
    lines = [Line(f"granian, fixed body, {count} worker(s)", granian(body, count), plain) for count in (1, 2)]
    for count in (1, 2):
        side = ours(house, folder, count)
        lines += [Line(f"ours, cached, {count} worker(s)", side, plain)]
        lines += [Line(f"ours, nonce, {count} worker(s)", side, with_nonce)]
    lines.append(Line("openssl ocsp -port", openssl_responder(house, folder), plain))
    if django:
        side, requests = django_side(cache_folder(), make_request(folder), folder, 2)
        lines += [Line("django-ca, gunicorn, 2 workers", side, requests[0])]
    return lines


def _answer(house: House, request: Request, folder: Path) -> Path:
    """A real answer as a file; it must say that the certificate is good."""
    import urllib.request

    side = ours(house, folder, 1)
    with running(side):
        post = urllib.request.Request(  # noqa: S310  # our own server
            side.url, request.file.read_bytes(), {"Content-Type": "application/ocsp-request"}
        )
        with urllib.request.urlopen(post) as answer:  # noqa: S310  # the same
            body: bytes = answer.read()
    if ocsp.load_der_ocsp_response(body).certificate_status is not ocsp.OCSPCertStatus.GOOD:
        raise BenchError("our server does not say what it should")
    file = folder / "answer.der"
    file.write_bytes(body)
    return file


def _measured(lines: list[Line], rounds: int, seconds: float, folder: Path) -> dict[str, float]:
    best: dict[str, float] = {}
    for _ in range(rounds):
        name = "build + sign in a loop, 1 process"
        best[name] = max(best.get(name, 0), built_and_signed(seconds))
        for line in lines:
            best[line.name] = max(best.get(line.name, 0), _rate(line, seconds, folder))
    return best


def _rate(line: Line, seconds: float, folder: Path) -> float:
    with running(line.side):
        if line.side.fragile:
            return single_answers_a_second(line.side.url, line.request, seconds)
        answers_a_second(line.side.url, line.request, 1, folder)  # warm
        return answers_a_second(line.side.url, line.request, seconds, folder)


if __name__ == "__main__":
    main()
