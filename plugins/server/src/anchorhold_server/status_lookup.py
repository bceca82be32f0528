"""The status of a certificate, from the ledger."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from anchorhold.errors import LedgerError
from anchorhold.operations.ocsp_answers import status_of
from anchorhold.x509.ocsp import CertStatus
from anchorhold.x509.serials import format_serial
from anchorhold_server.ledger_reader import reread
from anchorhold_server.response_cache import CacheEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold_server.authority_snapshot import ServedAuthority
    from anchorhold_server.ledger_executor import LedgerExecutor
    from anchorhold_server.ledger_reader import LedgerReader

logger = logging.getLogger(__name__)


class StatusLookup:
    """Looks certificates up.

    Args:
        reader: Reads the ledger.
        executor: For a ledger that may take time.
        in_loop: Whether the ledger is quick enough for the event loop; a thread takes over what is locked.
    """

    def __init__(self, reader: LedgerReader, executor: LedgerExecutor, *, in_loop: bool) -> None:
        self._reader = reader
        self._executor = executor
        self._in_loop = in_loop

    async def find(self, issuers: Sequence[ServedAuthority], serial_number: int) -> CacheEntry:
        """The status of a certificate.

        Args:
            issuers: Those that may have issued it, at least one.
            serial_number: Of the certificate.

        Raises:
            LedgerError, TimeoutError: It cannot be found out.
        """

        def find() -> CacheEntry:
            return self._find(issuers, serial_number)

        if self._in_loop:
            try:
                return find()
            except LedgerError as error:  # it is locked; a thread waits longer
                logger.debug("look-up", exc_info=error)
        return await self._executor.run(lambda: reread(find))

    def _find(self, issuers: Sequence[ServedAuthority], serial_number: int) -> CacheEntry:
        serial = format_serial(serial_number)
        for issuer in issuers:
            found = self._reader.certificate(issuer.authority, serial)
            if found is not None:
                return CacheEntry(issuer, status_of(found.revocation))
        return CacheEntry(issuers[0], CertStatus(issued=False))
