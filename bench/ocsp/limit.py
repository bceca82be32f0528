"""The limits of answers: building and signing them in a loop, without any server; and writing them to files, too."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from bench.command import BenchError
from bench.folders import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
END = START + dt.timedelta(days=1)
FIRST = 1 << 150
"""The first serial number that is asked for."""


def built_and_signed(seconds: float) -> float:
    """Answers a second with a nonce, by one process."""
    return _rate(_answers(nonce=True), seconds)


def written_on_all_cores(folder: Path, seconds: float) -> float:
    """Answers a second without a nonce that are written to files of their own, by as many processes as processors.

    Each process has a new folder below that one, in which nothing was removed.
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.ocsp.limit", tempfile.mkdtemp(dir=folder), str(seconds)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
        )
        for _ in range(len(os.sched_getaffinity(0)))
    ]
    told = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise BenchError("a process that writes answers has failed")
    return sum(map(float, told))


def _answers(*, nonce: bool) -> Callable[[int], bytes]:
    """Makes the answer for a serial number, with a P-256 key, by ``cryptography``'s builder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Responder")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(START).not_valid_after(END)
    certificate = builder.sign(key, hashes.SHA256())

    def answer(serial: int) -> bytes:
        response = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=b"n" * 20,
            issuer_key_hash=b"k" * 20,
            serial_number=serial,
            algorithm=hashes.SHA1(),  # noqa: S303  # as most clients name certificates
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=START,
            next_update=END,
            revocation_time=None,
            revocation_reason=None,
        )
        response = response.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).certificates([certificate])
        if nonce:
            response = response.add_extension(x509.OCSPNonce(os.urandom(32)), critical=False)
        return response.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)

    return answer


def _rate(work: Callable[[int], object], seconds: float) -> float:
    """How often a second something is done, for each number from the first serial number on."""
    begun = time.perf_counter()
    for number in count(1):
        work(FIRST + number)
        if (passed := time.perf_counter() - begun) >= seconds:
            return number / passed
    raise AssertionError


def _write(folder: Path, seconds: float) -> float:
    answer = _answers(nonce=False)
    return _rate(lambda number: (folder / f"{number:x}").write_bytes(answer(number)), seconds)


if __name__ == "__main__":
    print(_write(Path(sys.argv[1]), float(sys.argv[2])))
