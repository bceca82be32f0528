"""``python -m bench.issuance.ours KIND COUNT single|batch FOLDER``: the same by anchorhold's Python API.

Prints certificates per second.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

import anchorhold


def main(kind: str, count: int, mode: str, folder: Path) -> None:
    """Make an authority with a key in a file, issue, and print the rate."""
    name, _, size = kind.partition("-") if kind.startswith("RSA") else (kind, "", "")
    holder = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(holder, hashes.SHA256())
    order = anchorhold.Order(csr=request.public_bytes(Encoding.PEM), names=["limit.example.com"])
    environment = {"ANCHORHOLD_CA_DIR": str(folder / "ca"), "HOME": str(folder)}
    with anchorhold.open_installation(environment=environment) as installation:
        root = f"Bench {time.time_ns()}"
        installation.create_authority(root, "CN=Bench", key=anchorhold.key_spec(name, int(size) if size else None))
        with installation.issuer(root) as issuer:
            issuer.sign(order)
            begun = time.perf_counter()
            if mode == "single":
                for _ in range(count):
                    issuer.sign(order)
            else:
                issuer.sign_many([order] * count)
            print(count / (time.perf_counter() - begun))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
