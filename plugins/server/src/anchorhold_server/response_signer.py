"""Signs OCSP responses with the responder of the issuer: in the event loop if its key is quick, else in a thread."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError, BackendBusyError
from anchorhold.operations.responders import ANSWER_LIFETIME
from anchorhold.x509.ocsp import NEVER_ISSUED, CertStatus, OCSPResponseStatus
from anchorhold_server.key_executors import TIMED_OUT
from anchorhold_server.ocsp_http import OcspResponse, error_response, signed_response

if TYPE_CHECKING:
    from anchorhold.plugin import Signer
    from anchorhold.x509.ocsp_requests import OCSPRequest
    from anchorhold_server.alarm_log import AlarmLog
    from anchorhold_server.authority_snapshot import ServedAuthority
    from anchorhold_server.key_executors import KeyExecutors
    from anchorhold_server.responders import Responder

UNKNOWN_LIFETIME: Final = dt.timedelta(minutes=5)
"""How long a response for a certificate that is not known is good: it may be issued at any time."""

_NOT_ISSUED: Final[dict[str, CertStatus | None]] = {
    "unknown": CertStatus(issued=False),
    "revoked": NEVER_ISSUED,
    "unauthorized": None,
}
"""The status of a certificate that was not issued, by its issuer's `ocsp_unknown`; None for an error response."""


class ResponseSigner:
    """Signs responses.

    Args:
        keys: Threads for keys that may take time.
        alarms: Is told why a response cannot be signed.
    """

    def __init__(self, keys: KeyExecutors, alarms: AlarmLog) -> None:
        self._keys = keys
        self._alarms = alarms

    async def sign(self, issuer: ServedAuthority, cert_status: CertStatus, request: OCSPRequest) -> OcspResponse:
        """The signed response, or an error response that says why there is none.

        Args:
            issuer: The issuer of the certificate.
            cert_status: What the ledger says of the certificate.
            request: What was asked.
        """
        status = cert_status if cert_status.issued else _NOT_ISSUED[issuer.authority.record.issuing.ocsp_unknown]
        if status is None:
            return error_response(OCSPResponseStatus.UNAUTHORIZED)
        name, responder = issuer.authority.name, issuer.responder
        if responder is None or responder.problem is not None:
            what = "has no OCSP responder" if responder is None else f"OCSP responder: {responder.problem}"
            self._alarms.report(f"responder {name}", f"authority {name!r}: {what}")
            return error_response(OCSPResponseStatus.TRY_LATER)
        try:
            response = await self._sign(responder, request, status)
        except BackendBusyError as error:
            self._alarms.report(f"responder {name}", f"authority {name!r}, OCSP responder: {error}")
            return error_response(OCSPResponseStatus.TRY_LATER)
        except (AnchorholdError, TimeoutError) as error:
            text = str(error) or TIMED_OUT
            self._alarms.report(f"responder {name}", f"authority {name!r}, OCSP responder: {text}")
            return error_response(OCSPResponseStatus.INTERNAL_ERROR)
        self._alarms.clear(f"responder {name}")
        return response

    async def _sign(self, responder: Responder, request: OCSPRequest, status: CertStatus) -> OcspResponse:
        lifetime = ANSWER_LIFETIME if status.issued else UNKNOWN_LIFETIME
        cacheable = request.nonce is None and status.issued

        def sign(signer: Signer | None = None) -> OcspResponse:
            response = responder.respond(request.cert_id, status, request.nonce, lifetime, signer)
            return signed_response(response, status.word, cacheable=cacheable)

        in_process = responder.in_process_signer
        return await self._keys.run(responder, sign) if in_process is None else sign(in_process)
