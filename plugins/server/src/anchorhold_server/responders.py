"""The responder of one authority in this process: its certificate, and its key once it is needed."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.errors import (
    AnchorholdError,
    BackendBusyError,
    BackendFailedError,
    SecretWrongError,
    SessionOverError,
)
from anchorhold.operations.ocsp_answers import AnswerTemplate
from anchorhold.operations.signing import sign_and_verify
from anchorhold.x509.validity import is_in_future, now
from anchorhold_server.ledger_reader import reread
from anchorhold_server.ocsp_http import SignedResponse
from anchorhold_server.signer_uses import SignerUses
from anchorhold_server.timeouts import OPERATION_TIMEOUT

if TYPE_CHECKING:
    import datetime as dt

    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.plugin import Signer, SignRequest
    from anchorhold.x509.ocsp import CertStatus
    from anchorhold.x509.ocsp_requests import CertID
    from anchorhold_server.ledger_reader import KeyPasswords, LedgerReader
    from anchorhold_server.metrics import Metrics

THREADS_PER_KEY: Final = 4
"""Threads for a key that does not say how many it takes: a token on the network is waited for by several at once."""
RETRY_DELAY: Final = 1.0
"""Seconds for which a key that failed is not used."""
QUICK: Final = 0.001
"""Seconds: a key that signs faster is not worth the way to another thread."""
STUCK: Final = 0.1
"""Seconds that no quick key takes, however busy the machine is."""
VERIFY_INTERVAL: Final = 1.0
"""Seconds for which signatures that are used once may leave without having been verified here."""
OUT_OF_ORDER: Final = 60.0
"""Seconds for which an open key has failed to open again before its worker gives up."""
MAX_SLOW: Final = 3
"""Signatures in a row that took longer than `QUICK` until it is the key that is slow, and not a busy machine."""


class Responder:
    """Signs responses for an authority, with the key that its backend lends for the first one.

    Threads may share it. A signature is verified before it leaves, except that of a response with a nonce by ECDSA: the
    client that sent the nonce verifies it (RFC 6960, section 3.2), nobody else gets it, and verifying takes three times
    as long as signing. Of those the first one of a key that was opened is verified, and then one a second, so that a
    key that went wrong is found out. The others always are: a faulty signature by a deterministic algorithm can give
    the key away (Boneh, DeMillo, Lipton: On the Importance of Checking Cryptographic Protocols for Faults, 1997).

    Args:
        reader: Opens the key.
        authority: The authority that has delegated to it.
        record: Its record, with a certificate.
        metrics: Counts its signatures.

    Attributes:
        threads: How many threads may use its key at the same time.
    """

    def __init__(self, reader: LedgerReader, authority: Authority, record: ResponderRecord, metrics: Metrics) -> None:
        self.authority = authority
        self.record = record
        self._template = AnswerTemplate.of(authority, record)
        self.not_before, self.not_after = self._template.not_before, self._template.not_after
        self.alias = record.key_backend
        self.threads = reader.key_threads(self.alias, THREADS_PER_KEY)
        self._slow_in_a_row = MAX_SLOW
        self._in_memory = False
        self._reader = reader
        self._deterministic = self._template.algorithm.scheme != "ecdsa"
        self._verify_at = 0.0
        self._signatures = metrics.signatures.labels(record.key_backend, authority.name)
        self._failures = metrics.signature_failures.labels(record.key_backend, authority.name)
        self._opening = Lock()
        self._signer: Signer | None = None
        self._failure: AnchorholdError | None = None
        self._again_at = 0.0
        self._was_open = False
        self._failing_since: float | None = None
        self._uses = SignerUses(self._close)

    @property
    def is_out_of_order(self) -> bool:
        """Whether its key was there, and its backend has failed for `OUT_OF_ORDER` seconds when it was asked for.

        That may be a module that only another process can initialise. A PIN that was refused is none of its business:
        another process would try it again.
        """
        since = self._failing_since
        if not self._was_open or since is None or not isinstance(self._failure, BackendFailedError):
            return False
        if isinstance(self._failure, BackendBusyError):  # as it would be for another process
            return False
        return time.monotonic() > since + OUT_OF_ORDER

    @property
    def in_process_signer(self) -> Signer | None:
        """The signer, if it cannot block an event loop; else None.

        That takes a key in the memory of this process without a wrapper, which signs within the time that the way to
        another thread takes. How quick others were so far says nothing: a token, or a wrapper that waits for an
        approval, may hang the next time.
        """
        return self._signer if self._in_memory and self._slow_in_a_row < MAX_SLOW else None

    @property
    def is_open(self) -> bool:
        """Whether its key is open."""
        return self._signer is not None

    @property
    def failure(self) -> AnchorholdError | None:
        """Why its key could not be used the last time; None if it could."""
        return self._failure

    @property
    def problem(self) -> str | None:
        """Why no client would accept its responses now, by the dates of its certificate; None if they are right."""
        moment = now()
        if self.not_after <= moment:
            return "its certificate has expired"
        return "its certificate is not valid yet" if is_in_future(self._template.begin, moment) else None

    def respond(
        self,
        cert_id: CertID,
        status: CertStatus,
        nonce: bytes | None,
        lifetime: dt.timedelta,
        signer: Signer | None = None,
    ) -> SignedResponse:
        """A signed response.

        It begins early, for clocks that are behind, and never goes beyond the validity of the responder.

        Args:
            cert_id: The certificate.
            status: Its status.
            nonce: Of the request.
            lifetime: How long the response is to be good.
            signer: The `in_process_signer`; without it, the key is opened first if need be.

        Raises:
            AnchorholdError: The key cannot be used now; it is tried again after `RETRY_DELAY`.
        """
        produced_at = now()
        single, encoder = self._template.single(cert_id, status, produced_at, lifetime), self._template.encoder
        data = encoder.response_data(single, produced_at, nonce)
        request = self._template.request(data, single, time.monotonic() + OPERATION_TIMEOUT)
        signature = self._signature(request, signer or self._open(), live=nonce is not None)
        return SignedResponse(encoder.assemble(data, signature), produced_at, single.this_update, single.next_update)

    def check(self, generated: KeyPasswords | None = None) -> None:
        """Ask for the key, if that was not done yet.

        Args:
            generated: Its passwords; None if they were not read yet.

        Raises:
            AnchorholdError: It cannot be used.
        """
        self._open(generated)

    def close(self) -> None:
        """Give the key back."""
        with self._opening:
            signer, self._signer = self._signer, None
        if signer is not None:
            self._uses.give_back(signer)

    def _signature(self, request: SignRequest, signer: Signer, *, live: bool) -> bytes:
        """One signature, by another signer if the session of this one is over."""
        try:
            return self._sign(request, signer, live=live)
        except SessionOverError:
            self._drop(signer)
            return self._sign(request, self._open(), live=live)

    def _sign(self, request: SignRequest, signer: Signer, *, live: bool) -> bytes:
        started = time.perf_counter()
        backend = self._reader.responder_backend(self.alias)
        if not self._uses.begin(signer):  # another thread has just dropped it
            signer = self._open()
            if not self._uses.begin(signer):
                raise BackendFailedError(f"{backend.identity}: its signer was given back again", hint="retry later")
        try:
            signature = sign_and_verify(
                backend, signer, self._template.public_key, request, is_due=lambda: self._is_due(live=live)
            )
        except (BackendBusyError, SessionOverError):  # nothing is wrong with the key
            self._failures.inc()
            raise
        except AnchorholdError as error:
            self._note(error)
            self._drop(signer)
            raise
        finally:
            self._uses.end(signer)
        self._time(time.perf_counter() - started)
        self._signatures.inc()
        return signature

    def _is_due(self, *, live: bool) -> bool:
        """Whether a signature is to be verified now."""
        moment = time.monotonic()
        if live and not self._deterministic and moment < self._verify_at:
            return False
        self._verify_at = moment + VERIFY_INTERVAL
        return True

    def _time(self, seconds: float) -> None:
        """Remember how long a signature took."""
        if seconds < QUICK:
            self._slow_in_a_row = 0
        else:
            self._slow_in_a_row += 1 if seconds < STUCK else MAX_SLOW

    def _open(self, generated: KeyPasswords | None = None) -> Signer:
        with self._opening:
            if self._signer is None:
                if self._failure is not None and time.monotonic() < self._again_at:
                    raise self._failure
                try:
                    self._signer = reread(lambda: self._borrow(generated))
                except AnchorholdError as error:
                    self._note(error)
                    raise
                self._uses.lend(self._signer)
                self._failure, self._failing_since, self._was_open = None, None, True
                self._verify_at = 0.0
            return self._signer

    def _borrow(self, generated: KeyPasswords | None) -> Signer:
        signer = self._reader.open_responder_key(self.authority, self.record, generated)
        self._in_memory = self._reader.responder_backend(self.alias).signs_in_memory(signer)
        return signer

    def _note(self, error: AnchorholdError) -> None:
        """Leave the key alone for a while; permanently where a PIN was refused, because wrong PINs lock tokens."""
        self._failures.inc()
        self._failure = error
        self._failing_since = self._failing_since or time.monotonic()
        self._again_at = time.monotonic() + (float("inf") if isinstance(error, SecretWrongError) else RETRY_DELAY)

    def _drop(self, signer: Signer) -> None:
        """Load the key again next time."""
        if self._signer is not signer:  # who opens it again may take long, and the event loop must not wait for that
            return
        with self._opening:
            if self._signer is not signer:
                return
            self._signer = None
        self._uses.give_back(signer)

    def _close(self, signer: Signer) -> None:
        self._reader.responder_backend(self.alias).close_signer(signer)
