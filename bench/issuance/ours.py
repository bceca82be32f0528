"""``python -m bench.issuance.ours KIND FOLDER [URL]``: the same by anchorhold's Python API, with a key in a file."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anchorhold
from bench.issuance.kinds import HOST, THREADS
from bench.issuance.request import request
from bench.worker import serve

KEYS = {
    "EC P-256": ("EC", None),
    "RSA-2048": ("RSA", 2048),
    "RSA-4096": ("RSA", 4096),
    "Ed25519": ("Ed25519", None),
    "ML-DSA-65": ("ML-DSA-65", None),
}


def main(kind: str, folder: Path, url: str = "") -> None:
    """Make an authority, and issue when asked to. Without a URL the ledger is the default one, on SQLite."""
    order = anchorhold.Order(csr=request(), names=[HOST])
    environment = {"ANCHORHOLD_CA_DIR": str(folder / "ca"), "HOME": str(folder)}
    if url:
        environment["ANCHORHOLD_DATABASE"] = url
    with anchorhold.open_installation(environment=environment) as installation:
        installation.authorities.create("Bench", "CN=Bench", key=anchorhold.key_spec(*KEYS[kind]))
        with installation.certificates.issuer("Bench") as issuer, ThreadPoolExecutor(THREADS) as pool:

            def single(count: int) -> None:
                for _ in range(count):
                    issuer.sign(order)

            def threads(count: int) -> None:
                list(pool.map(single, [count // THREADS] * THREADS))  # whose connections stay open

            serve({"single": single, "threads": threads, "batch": lambda count: issuer.sign_many([order] * count)})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
