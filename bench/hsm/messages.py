"""What is signed. Imports nothing, for sides that have little installed."""

from collections.abc import Iterator


def messages(count: int, source: int = 0) -> Iterator[bytes]:
    """That many messages, all different, as are those of another source."""
    return (b"%020d%020d" % (source, number) for number in range(count))
