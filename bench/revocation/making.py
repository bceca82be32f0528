"""``python -m bench.revocation.making``: make the lists of ``Bench`` in a process that has its ledger open already.

As `anchorhold maintain` does. Prints the seconds.
"""

from __future__ import annotations

import time

import anchorhold


def main() -> None:
    """Measure the making alone, without the start of the process."""
    with anchorhold.open_installation() as installation:
        _ = installation.authority("Bench").certificate
        begun = time.perf_counter()
        for _ in installation.generate_crls("Bench"):
            pass
        print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
