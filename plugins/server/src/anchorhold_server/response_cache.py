"""Responses and statuses that are kept for one revision of the ledger."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anchorhold.x509.ocsp import CertStatus
    from anchorhold.x509.ocsp_requests import CertID
    from anchorhold_server.authority_snapshot import ServedAuthority
    from anchorhold_server.ocsp_http import OcspResponse

MAX_KEPT_REQUEST: Final = 256
"""Octets of a request that is kept whole; without extensions none is longer, and others must not fill the memory."""


@dataclass(slots=True)
class CacheEntry:
    """What is known of a certificate in this revision.

    Attributes:
        issuer: Its issuer.
        cert_status: Its status.
        response: The response without a nonce, once there is one.
    """

    issuer: ServedAuthority
    cert_status: CertStatus
    response: OcspResponse | None = None

    def fresh_response(self, moment: float) -> OcspResponse | None:
        """The response, if it is still to be sent at a moment (seconds since 1970)."""
        response = self.response
        return response if response is not None and response.is_fresh(moment) else None


class ResponseCache:
    """The cache of one revision; the next one has a new cache. The event loop alone uses it, so there are no locks.

    Args:
        size: The number of certificates that are kept.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_cert_id: OrderedDict[CertID, CacheEntry] = OrderedDict()
        self._by_request: dict[bytes, CacheEntry] = {}  # most requests are the same octets again and again

    def response_to(self, request: bytes, moment: float) -> OcspResponse | None:
        """The response to a whole request in DER, if there is one that is fresh (seconds since 1970)."""
        entry = self._by_request.get(request)
        return None if entry is None else entry.fresh_response(moment)

    def entry(self, cert_id: CertID) -> CacheEntry | None:
        """What is known of a certificate."""
        entry = self._by_cert_id.get(cert_id)
        if entry is not None:
            self._by_cert_id.move_to_end(cert_id)
        return entry

    def add(self, cert_id: CertID, entry: CacheEntry) -> None:
        """Keep what is known of a certificate; the one that was not asked for longest goes."""
        self._by_cert_id[cert_id] = entry
        if len(self._by_cert_id) > self._size:
            self._by_cert_id.popitem(last=False)

    def add_request(self, request: bytes, entry: CacheEntry) -> None:
        """Let a whole request, unless it is long, lead to what is known of its certificate."""
        if len(request) <= MAX_KEPT_REQUEST:
            if len(self._by_request) >= self._size:
                self._by_request.clear()
            self._by_request[request] = entry
