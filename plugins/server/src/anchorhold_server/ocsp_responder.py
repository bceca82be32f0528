"""From an OCSP request to its response: from the cache, or looked up and signed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from anchorhold.errors import LedgerError
from anchorhold.x509.ocsp import OCSPResponseStatus
from anchorhold.x509.ocsp_requests import MalformedRequestError, UnknownHashError, load_ocsp_request
from anchorhold_server.ocsp_http import error_response
from anchorhold_server.response_cache import ResponseCache
from anchorhold_server.snapshot_source import EMPTY

if TYPE_CHECKING:
    from anchorhold_server.alarm_log import AlarmLog
    from anchorhold_server.authority_snapshot import AuthoritySnapshot
    from anchorhold_server.metrics import Metrics
    from anchorhold_server.ocsp_http import OcspResponse
    from anchorhold_server.response_signer import ResponseSigner
    from anchorhold_server.snapshot_source import SnapshotSource
    from anchorhold_server.status_lookup import StatusLookup


class OcspResponder:
    """Responds to OCSP requests, in one process. The event loop alone uses it.

    Args:
        snapshots: Who is served, in each revision.
        lookup: Finds the status of certificates.
        signer: Signs responses.
        metrics: Counts cached responses.
        alarms: Is told that the ledger cannot be read.
        cache_size: The number of certificates whose responses are kept.
    """

    def __init__(
        self,
        snapshots: SnapshotSource,
        lookup: StatusLookup,
        signer: ResponseSigner,
        metrics: Metrics,
        alarms: AlarmLog,
        cache_size: int,
    ) -> None:
        self._snapshots = snapshots
        self._lookup = lookup
        self._signer = signer
        self._hits = metrics.tally(metrics.cache_hits)
        self._alarms = alarms
        self._cache_size = cache_size
        self._snapshot = EMPTY
        self._cache = ResponseCache(cache_size)

    def kept_response(self, der: bytes) -> OcspResponse | None:
        """The response from the cache, if another request has just read the revision; None if `respond` has to look."""
        if self._snapshots.settled is not self._snapshot:
            return None
        response = self._cache.response_to(der, time.time())
        if response is not None:
            self._hits.inc()
        return response

    async def respond(self, der: bytes) -> OcspResponse:
        """The response to an OCSPRequest in DER, or to anything else.

        Never fails, unless there is a defect.
        """
        try:
            snapshot = await self._snapshots.current()
            cache = self._cache_of(snapshot)
            response = cache.response_to(der, time.time())
            if response is None:
                return await self._respond(snapshot, cache, der)
        except MalformedRequestError:
            return error_response(OCSPResponseStatus.MALFORMED_REQUEST)
        except UnknownHashError:
            return error_response(OCSPResponseStatus.UNAUTHORIZED)
        except (LedgerError, TimeoutError) as error:
            self._alarms.report("ledger", str(error) or "does not answer in time")
            return error_response(OCSPResponseStatus.TRY_LATER)
        self._alarms.clear("ledger")
        self._hits.inc()
        return response

    def _cache_of(self, snapshot: AuthoritySnapshot) -> ResponseCache:
        """The cache of the newest snapshot; requests that began before keep the one they have."""
        if snapshot is not self._snapshot:
            self._snapshot, self._cache = snapshot, ResponseCache(self._cache_size)
        return self._cache

    async def _respond(self, snapshot: AuthoritySnapshot, cache: ResponseCache, der: bytes) -> OcspResponse:
        request = load_ocsp_request(der)
        issuers = snapshot.issuers_of(request.cert_id)
        if not issuers:
            return error_response(OCSPResponseStatus.UNAUTHORIZED)
        entry = cache.entry(request.cert_id)
        if entry is None:
            entry = await self._lookup.find(issuers, request.cert_id.serial_number)
            if entry.cert_status.issued:  # it was found after the snapshot was taken
                cache.add(request.cert_id, entry)
        self._alarms.clear("ledger")
        if request.nonce is None and entry.cert_status.issued:
            cache.add_request(der, entry)
            response = entry.fresh_response(time.time())
            if response is not None:
                self._hits.inc()
                return response
        response = await self._signer.sign(entry.issuer, entry.cert_status, request)
        if response.is_cacheable:
            entry.response = response
        return response
