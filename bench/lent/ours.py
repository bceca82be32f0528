"""``python -m bench.lent.ours NAME``: certificates with the key to which the settings lead."""

from __future__ import annotations

import sys

import anchorhold
from bench.issuance.kinds import HOST
from bench.issuance.request import request
from bench.worker import serve


def main(name: str) -> None:
    """Make an authority of that name, and issue when asked to."""
    order = anchorhold.Order(csr=request(), names=[HOST])
    with anchorhold.open_installation() as installation:
        installation.authorities.create(name, f"CN={name}", key=anchorhold.key_spec("EC"))
        with installation.certificates.issuer(name) as issuer:

            def single(count: int) -> None:
                for _ in range(count):
                    issuer.sign(order)

            serve({"single": single, "batch": lambda count: issuer.sign_many([order] * count)})


if __name__ == "__main__":
    main(*sys.argv[1:])
