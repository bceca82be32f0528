"""Paired measuring: two commands run alternately, so that other load on the machine falls on both alike."""

from dataclasses import dataclass
from statistics import median

from bench.command import Command, run

PAIRS = {"quick": 5, "full": 15}
"""How many pairs each mode of the benchmark runs for a line."""


@dataclass(frozen=True)
class Paired:
    """The times of two commands, in milliseconds: pair by pair, in the order in which they ran."""

    ours: tuple[float, ...]
    peer: tuple[float, ...]

    @property
    def ours_median(self) -> float:
        """The median time of our command."""
        return median(self.ours)

    @property
    def peer_median(self) -> float:
        """The median time of the peer's command."""
        return median(self.peer)

    @property
    def ratio(self) -> float:
        """The ratio of the medians: below 1 our command is the faster one."""
        return self.ours_median / self.peer_median

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest ratio of a single pair, which tell how far to trust the ratio."""
        ratios = [ours / peer for ours, peer in zip(self.ours, self.peer, strict=True)]
        return min(ratios), max(ratios)


def measure(ours: Command, peer: Command, pairs: int) -> Paired:
    """Run each command once to warm up, then both alternately, ``pairs`` times each."""
    run(ours)
    run(peer)
    times = [(run(ours).seconds * 1000, run(peer).seconds * 1000) for _ in range(pairs)]
    return Paired(ours=tuple(ours for ours, _ in times), peer=tuple(peer for _, peer in times))
