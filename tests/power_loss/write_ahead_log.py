"""A PostgreSQL cluster that loses what it has not flushed."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg

from postgresql_cluster import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

SYNCED: Final = "-c fsync=on -c wal_writer_delay=10s -c wal_writer_flush_after=0 -c checkpoint_timeout=1h"
"""It syncs what it has to, and nothing early."""


@contextmanager
def flushed_cluster() -> Iterator[Cluster]:
    """A cluster with its own settings of durability, for as long as it is needed."""
    with running_cluster(SYNCED, name="synced") as running:
        yield running


def cut_back(cluster: Cluster) -> None:
    """Stop the server at once, and take back what its log has beyond the last flushed position.

    The octets behind it may be in the file already: they are in the memory of the machine, which is lost with it.
    """
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        row = connection.execute("SELECT (pg_walfile_name_offset(pg_current_wal_flush_lsn() - 1)).*")
        name, last = row.fetchone() or ("", 0)
    cluster.stop("immediate")
    folder = cluster.folder / "data" / "pg_wal"
    for segment in sorted(path for path in folder.iterdir() if re.fullmatch(r"[0-9A-F]{24}", path.name)):
        if segment.name < name:
            continue
        begin = last + 1 if segment.name == name else 0
        with segment.open("r+b") as file:
            file.seek(begin)
            file.write(bytes(segment.stat().st_size - begin))
