"""The parts of a worker, and which of them uses which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from anchorhold_server.alarm_log import AlarmLog
from anchorhold_server.crl_file_cache import CrlFileCache
from anchorhold_server.health import HealthMonitor
from anchorhold_server.key_executors import KeyExecutors
from anchorhold_server.ledger_connection import LedgerConnection
from anchorhold_server.ledger_executor import LedgerExecutor
from anchorhold_server.ledger_reader import LedgerReader
from anchorhold_server.metrics import Metrics
from anchorhold_server.ocsp_responder import OcspResponder
from anchorhold_server.response_signer import ResponseSigner
from anchorhold_server.snapshot_source import SnapshotSource
from anchorhold_server.status_lookup import StatusLookup

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from anchorhold.installation import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The parts of a worker; see their classes."""

    metrics: Metrics
    alarms: AlarmLog
    reader: LedgerReader
    connection: LedgerConnection
    executor: LedgerExecutor
    keys: KeyExecutors
    crls: CrlFileCache
    monitor: HealthMonitor
    snapshots: SnapshotSource
    responder: OcspResponder

    @classmethod
    def of(cls, installation: Installation, folder: Path, threads: Executor, cache_size: int = 20_000) -> Self:
        """The parts of the worker that runs in this process.

        Args:
            installation: With the ledger and the keys of responders.
            folder: The runtime directory.
            threads: For the ledger.
            cache_size: The number of certificates whose responses are kept.
        """
        reader, executor = LedgerReader(installation), LedgerExecutor(threads)
        metrics, keys = Metrics(folder), KeyExecutors()
        alarms, connection, crls = AlarmLog(metrics), LedgerConnection(reader, folder), CrlFileCache(reader, folder)
        snapshots = SnapshotSource(reader, connection, executor, keys, metrics)
        lookup = StatusLookup(reader, executor, in_loop=connection.is_local)
        signer = ResponseSigner(keys, alarms)
        return cls(
            metrics=metrics,
            alarms=alarms,
            reader=reader,
            connection=connection,
            executor=executor,
            keys=keys,
            crls=crls,
            monitor=HealthMonitor(connection, crls, keys, alarms),
            snapshots=snapshots,
            responder=OcspResponder(snapshots, lookup, signer, metrics, alarms, cache_size),
        )
