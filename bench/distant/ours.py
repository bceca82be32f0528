"""``python -m bench.distant.ours``: certificates with a key in the service that the settings lead to."""

from __future__ import annotations

import anchorhold
from bench.issuance.kinds import HOST
from bench.issuance.request import request
from bench.worker import serve


def main() -> None:
    """Make an authority with a responder, and issue when asked to."""
    order = anchorhold.Order(csr=request(), names=[HOST])
    with anchorhold.open_installation() as installation:
        authority = installation.authorities.create("Bench", "CN=Bench")
        installation.responders.renew(authority)
        with installation.certificates.issuer("Bench") as issuer:
            serve({"batch": lambda count: issuer.sign_many([order] * count)})


if __name__ == "__main__":
    main()
