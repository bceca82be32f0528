"""The responder of one authority in this process: its certificate, and its key once it is needed."""

from __future__ import annotations

import logging
import time
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError, BackendFailedError, SecretWrongError, SignatureError
from anchorhold.issuing.responders import open_responder
from anchorhold.publickeys import is_signed_by, spec_of
from anchorhold.seam import SignRequest
from anchorhold.softkeys import SoftwareSigner
from anchorhold.x509.loose_certificates import certificate_of
from anchorhold.x509.validity import BACKDATED, begun, is_ahead, now
from anchorhold_server.encoding import responder_parts, response, response_data
from anchorhold_server.epochs import reread

if TYPE_CHECKING:
    import datetime as dt

    from anchorhold.installation import Installation
    from anchorhold.issuing.authority import Authority
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.publickeys import PublicKey
    from anchorhold.seam import Signer
    from anchorhold.seam.facade import KeyBackend
    from anchorhold_server.encoding import CertificateStatus
    from anchorhold_server.metrics import Metrics
    from anchorhold_server.queries import CertificateId

PAUSE: Final = 1.0
"""Seconds for which a key that failed is left alone."""
QUICK: Final = 0.001
"""Seconds: a key that signs faster is not worth the way to another thread."""
STUCK: Final = 0.1
"""Seconds that no quick key takes, however busy the machine is."""
UNVERIFIED: Final = 1.0
"""Seconds for which signatures that are used once may leave without having been verified here."""
OUT_OF_ORDER: Final = 60.0
"""Seconds for which a key that was there cannot be opened, until its worker has tried for long enough."""
SLOW_IN_A_ROW: Final = 3
"""Signatures that took longer than `QUICK` until it is the key that is slow, and not the machine that was busy."""

logger = logging.getLogger(__name__)


class Responder:
    """Signs answers for an authority, with the key that its backend lends when the first one is asked for.

    Threads may share it. A signature is verified before it leaves, except with a live answer by ECDSA: whoever sent its
    nonce verifies it (RFC 6960, section 3.2), nobody else gets it, and verifying takes three times as long as signing.
    Of those the first one of a key that was opened is verified, and then one a second, so that a key that went wrong is
    found out. The others always are: a faulty signature by a deterministic algorithm can give the key away (Boneh,
    DeMillo, Lipton: On the Importance of Checking Cryptographic Protocols for Faults, 1997).

    Args:
        installation: Where the key is.
        authority: For which it answers.
        record: Its record, with a certificate.
        metrics: Count its signatures.
    """

    def __init__(
        self, installation: Installation, authority: Authority, record: ResponderRecord, metrics: Metrics
    ) -> None:
        self.authority = authority
        self.record = record
        certificate = certificate_of(record.certificate or b"")
        self.not_before = certificate.not_valid_before_utc
        self.not_after = certificate.not_valid_after_utc
        self._begin = max(self.not_before, authority.certificate.not_valid_before_utc)
        self._end = min(self.not_after, authority.certificate.not_valid_after_utc)
        self.alias = record.key_backend
        self._slow_in_a_row = SLOW_IN_A_ROW
        self._in_memory = False
        self._installation = installation
        self._metrics = metrics
        self._public_key: PublicKey = certificate.public_key()  # type: ignore[assignment]  # the next line refuses others
        spec = spec_of(self._public_key)
        self._algorithm = spec.algorithm()
        self._deterministic = spec.type != "EC"
        self._verify_at = 0.0
        self._parts = responder_parts(certificate, self._public_key, self._algorithm)
        self._labels = (record.key_backend, authority.name)
        self._opening = Lock()
        self._signer: Signer | None = None
        self._failure: AnchorholdError | None = None
        self._again_at = 0.0
        self._was_open = False
        self._failing_since: float | None = None

    @property
    def is_out_of_order(self) -> bool:
        """Whether its key was there, and its backend has failed for `OUT_OF_ORDER` seconds when it was asked for.

        That may be a module that only another process can initialise. A PIN that was refused is none of its business:
        another process would try it again.
        """
        since = self._failing_since
        if not self._was_open or since is None or not isinstance(self._failure, BackendFailedError):
            return False
        return time.monotonic() > since + OUT_OF_ORDER

    @property
    def at_hand(self) -> Signer | None:
        """The signer, where it cannot keep an event loop waiting; else None.

        That takes a key in the memory of this process with nothing around it, which signs within the time that the way
        to another thread takes. How quick others were so far says nothing: a token, or a wrapper that asks somebody,
        may hang the next time.
        """
        return self._signer if self._in_memory and self._slow_in_a_row < SLOW_IN_A_ROW else None

    @property
    def is_open(self) -> bool:
        """Whether it has its key."""
        return self._signer is not None

    @property
    def failure(self) -> AnchorholdError | None:
        """Why its key could not be used the last time; None if it could."""
        return self._failure

    @property
    def problem(self) -> str | None:
        """Why nobody would take its answers now, by the dates of its certificate; None if they are right."""
        moment = now()
        if self.not_after <= moment:
            return "its certificate has expired"
        return "its certificate is not valid yet" if is_ahead(self._begin, moment) else None

    def answer(
        self,
        certificate: CertificateId,
        status: CertificateStatus,
        nonce: bytes | None,
        lifetime: dt.timedelta,
        signer: Signer | None = None,
    ) -> tuple[bytes, dt.datetime, dt.datetime, dt.datetime]:
        """A whole response, when it was made, when it begins, and until when it is good.

        It begins early, for clocks that are behind, and never goes beyond the validity of the responder.

        Args:
            certificate: What was asked for.
            status: The answer.
            nonce: Of the request.
            lifetime: How long it is to be good.
            signer: The one `at_hand`; without it, the key is opened first if need be.

        Raises:
            AnchorholdError: The key cannot be used now; it is tried again after a pause.
        """
        moment = now()
        this_update = begun(moment, BACKDATED, self._begin)
        next_update = min(moment + lifetime, self._end)
        data = response_data(self._parts, certificate, status, this_update, next_update, nonce, moment)
        signature = self._sign(data, signer or self._open(), live=nonce is not None)
        return response(self._parts, data, signature), moment, this_update, next_update

    def check(self) -> None:
        """Ask for the key, if that was not done yet.

        Raises:
            AnchorholdError: It cannot be used.
        """
        self._open()

    def close(self) -> None:
        """Give the key back."""
        with self._opening:
            signer, self._signer = self._signer, None
        if signer is not None:
            signer.close()

    def _sign(self, data: bytes, signer: Signer, *, live: bool) -> bytes:
        begun = time.perf_counter()
        place = self._installation.backends.get(self.alias, "ocsp")
        request = SignRequest(message=data, algorithm=self._algorithm, purpose="ocsp", ca=self.authority.described)
        try:
            signature = place.sign(request, signer)
            if self._is_due(live=live) and not is_signed_by(self._public_key, signature, data, self._algorithm):
                raise SignatureError(
                    f"{place.owner}: returned a signature that does not verify", hint="tell the author of the backend"
                )
        except AnchorholdError as error:
            self._note(error)
            self._drop(signer)
            raise
        self._time(time.perf_counter() - begun)
        self._metrics.count("signatures", *self._labels)
        return signature

    def _is_due(self, *, live: bool) -> bool:
        """Whether a signature is to be verified now."""
        moment = time.monotonic()
        if live and not self._deterministic and moment < self._verify_at:
            return False
        self._verify_at = moment + UNVERIFIED
        return True

    def _time(self, seconds: float) -> None:
        """Remember how long a signature took."""
        if seconds < QUICK:
            self._slow_in_a_row = 0
        else:
            self._slow_in_a_row += 1 if seconds < STUCK else SLOW_IN_A_ROW

    def _open(self) -> Signer:
        with self._opening:
            if self._signer is None:
                if self._failure is not None and time.monotonic() < self._again_at:
                    raise self._failure
                try:
                    self._signer = reread(self._borrow)
                except AnchorholdError as error:
                    self._note(error)
                    raise
                self._failure, self._failing_since, self._was_open = None, None, True
                self._verify_at = 0.0
            return self._signer

    def _borrow(self) -> Signer:
        place = self._installation.responders.location(self.alias)
        ledger = self._installation.ledger
        try:
            signer = open_responder(ledger, self.authority, self.record, place)
        finally:
            ledger.close()  # threads of keys need it for nothing else
        self._in_memory = _is_in_memory(signer, place.backend)
        return signer

    def _note(self, error: AnchorholdError) -> None:
        """Leave the key alone for a while; for good where a PIN was refused, because tokens lock."""
        self._metrics.count("signature_failures", *self._labels)
        self._failure = error
        self._failing_since = self._failing_since or time.monotonic()
        self._again_at = time.monotonic() + (float("inf") if isinstance(error, SecretWrongError) else PAUSE)

    def _drop(self, signer: Signer) -> None:
        """Ask for the key anew next time."""
        if self._signer is not signer:  # who opens it again may take long, and the event loop must not wait for that
            return
        with self._opening:
            if self._signer is not signer:
                return
            self._signer = None
        try:
            signer.close()
        except AnchorholdError as error:  # it failed already
            logger.debug("could not close", exc_info=error)


def _is_in_memory(signer: Signer, backend: KeyBackend) -> bool:
    """Whether a signature is a computation in this process and nothing else: no subclass, no wrapper."""
    return type(signer) is SoftwareSigner and len(backend.manager.hook.sign.get_hookimpls()) == 1
