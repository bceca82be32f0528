"""``python -m bench.revocation.making``: make the lists of ``Bench`` in a process that has its ledger open already.

As `anchorhold maintain` does. Prints the seconds, and those of processor time.
"""

from __future__ import annotations

import time

import anchorhold


def main() -> None:
    """Measure the making alone, without the start of the process."""
    with anchorhold.open_installation() as installation:
        _ = installation.authorities.get("Bench").certificate
        begun, busy = time.perf_counter(), time.process_time()
        for _ in installation.crls.generate("Bench"):
            pass
        print(time.perf_counter() - begun, time.process_time() - busy)


if __name__ == "__main__":
    main()
