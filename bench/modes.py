"""How much each mode of the benchmark measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """The extent of a run.

    Attributes:
        name: As it is given on the command line.
        parts: What it measures unless told, names of `bench.parts.PARTS`.
        pairs: How often the sides of a line are run alternately.
        seconds: How long one run of issuing one at a time takes, about.
        threads: How long one run of signing in threads takes.
        every_batch: Whether batches are measured for every kind of key on every database; otherwise only for
            those that sign quickly.
        revoked: The numbers of revoked certificates on a CRL.
        sizes: The numbers of certificates to which the ledger grows.
        authorities: The number of authorities that a server is started with.
        memory: The numbers of issued certificates between which a process must not grow.
    """

    name: str
    parts: tuple[str, ...]
    pairs: int
    seconds: float
    threads: float
    every_batch: bool
    revoked: tuple[int, ...]
    sizes: tuple[int, ...]
    authorities: int
    memory: tuple[int, int]


ALL = ("startup", "issuance", "token", "crl", "ocsp", "growth", "memory", "distant", "lent", "serving")
"""The parts of a run, in their order."""
MODES = {
    mode.name: mode
    for mode in (
        Mode(
            name="quick",
            parts=tuple(part for part in ALL if part != "crl"),  # a list that is short says nothing
            pairs=5,
            seconds=0.2,
            threads=1.0,
            every_batch=False,
            revoked=(50_000,),
            sizes=(50_000,),
            authorities=100,
            memory=(1_000, 5_000),
        ),
        Mode(
            name="full",
            parts=ALL,
            pairs=7,
            seconds=1.0,
            threads=9.0,  # more than a minute in all
            every_batch=True,
            revoked=(100_000, 1_000_000),
            sizes=(10_000, 100_000, 1_000_000),
            authorities=1_000,
            memory=(10_000, 50_000),
        ),
    )
}
"""By name."""
