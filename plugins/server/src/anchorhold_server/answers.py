"""From a query to an answer: who is responsible, what the ledger says, and a signature, or one made before."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from anchorhold.errors import AnchorholdError, LedgerError
from anchorhold.issuing.responders import ANSWER_LIFETIME
from anchorhold.x509.serials import format_serial
from anchorhold.x509.validity import is_ahead, now
from anchorhold_server.encoding import NEVER_ISSUED, CertificateStatus, ErrorStatus
from anchorhold_server.epochs import LocalEpochs, SharedEpochs, reread
from anchorhold_server.keys import LATE
from anchorhold_server.messages import Answer, error_answer, signed_answer
from anchorhold_server.patience import PATIENCE, Patience
from anchorhold_server.queries import MalformedRequestError, UnknownHashError, parse_query
from anchorhold_server.registry import EMPTY, Registry, Served, take_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from anchorhold.installation import Installation
    from anchorhold.ledger.records import RevocationRecord
    from anchorhold.seam import Signer
    from anchorhold_server.alarms import Alarms
    from anchorhold_server.keys import KeyThreads
    from anchorhold_server.metrics import Metrics
    from anchorhold_server.queries import CertificateId, Query
    from anchorhold_server.responders import Responder
    from anchorhold_server.sight import Sight

T = TypeVar("T")

UNKNOWN_LIFETIME: Final = dt.timedelta(minutes=5)
"""How long it is good that a certificate is not known: it may be issued at any time."""
GRACE: Final = 30.0
"""Seconds after which the key of a responder that was replaced is given back; answers may be under way."""

SHORT: Final = 256
"""Octets of a request that is remembered whole; without extensions none is longer, and others fill no memory."""

_NOT_ISSUED: Final[dict[str, CertificateStatus | None]] = {
    "unknown": CertificateStatus(False),
    "revoked": NEVER_ISSUED,
    "unauthorized": None,
}
"""What is said of certificates that their issuer has not issued, by its `ocsp_unknown`; None for an error response."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Known:
    """What was found out about a certificate in this epoch.

    Attributes:
        served: Its issuer.
        status: Of the certificate.
        answer: Without a nonce, if one was made.
    """

    served: Served
    status: CertificateStatus
    answer: Answer | None = None


class Answers:
    """Answers queries, in one process.

    What was found out is remembered for one epoch of the ledger. The event loop alone touches it, so there are no
    locks; the ledger and keys that may take time are used in threads.

    Args:
        installation: With the ledger and the keys of responders.
        sight: Knows whether the ledger is all seen.
        threads: For what takes time in the ledger.
        keys: Threads for keys.
        metrics: Count.
        alarms: Are told what is wrong.
        most: How many certificates are remembered.
    """

    def __init__(
        self,
        installation: Installation,
        sight: Sight,
        threads: Executor,
        keys: KeyThreads,
        metrics: Metrics,
        alarms: Alarms,
        *,
        most: int = 20_000,
    ) -> None:
        self._installation = installation
        self._threads = threads
        self._keys = keys
        self._metrics = metrics
        self._alarms = alarms
        self._most = most
        self._known: OrderedDict[CertificateId, _Known] = OrderedDict()
        self._asked: dict[bytes, _Known] = {}  # by whole requests: most are the same octets again and again
        self._registry = EMPTY
        self._patience = Patience()
        self._renewing = asyncio.Lock()
        self._renewed_from = 0.0
        self._here = LocalEpochs(sight.epoch_here) if sight.is_local else None
        self._epochs = SharedEpochs(sight.epoch, threads)

    async def answer(self, der: bytes) -> Answer:
        """The answer to a request in DER, or to what is none.

        Never fails, unless there is a defect.
        """
        try:
            registry = await self.registry()
            asked = self._asked.get(der)
            if asked is not None and asked.answer is not None and asked.answer.is_fresh(time.time()):
                self._alarms.end("ledger")
                self._metrics.count("ocsp_cached_answers")
                return asked.answer
            return await self._find_out(registry, der)
        except MalformedRequestError:
            return error_answer(ErrorStatus.MALFORMED_REQUEST)
        except UnknownHashError:
            return error_answer(ErrorStatus.UNAUTHORIZED)
        except (LedgerError, TimeoutError) as error:
            self._alarms.begin("ledger", str(error) or "does not answer in time")
            return error_answer(ErrorStatus.TRY_LATER)

    async def _find_out(self, registry: Registry, der: bytes) -> Answer:
        query = parse_query(der)
        issuers = registry.issuers_of(query.certificate)
        if not issuers:
            return error_answer(ErrorStatus.UNAUTHORIZED)
        known = self._recall(query.certificate) or await self._look_up(registry, issuers, query.certificate)
        self._alarms.end("ledger")
        if query.nonce is None and known.status.known:
            self._remember(registry, der, known)
            if known.answer is not None and known.answer.is_fresh(time.time()):
                self._metrics.count("ocsp_cached_answers")
                return known.answer
        return await self._signed(known, query)

    async def registry(self) -> Registry:
        """Who answers for whom, as of now.

        Raises:
            LedgerError, TimeoutError: That cannot be found out.
        """
        epoch = None if self._here is None else self._here.read()
        if epoch is None:
            epoch = await asyncio.wait_for(self._epochs.read(), self._patience.seconds())
        read_at = time.monotonic()
        if self._is_outdated(epoch):
            async with self._renewing:  # who waited may find that another one has done it, since it was read
                if self._is_outdated(epoch) and self._renewed_from <= read_at:
                    await self._renew()
        return self._registry

    def _is_outdated(self, epoch: int) -> bool:
        """Whether the picture is of another epoch, a lower one where a ledger was restored, or of the future."""
        return epoch != self._registry.epoch or self._registry.is_ahead()

    async def try_keys(self, registry: Registry) -> None:
        """Have responders ask for their keys, if that was not done yet; they note what is wrong.

        One after the other, for a key may take a tenth of a second of a processor, and those that are left over when
        it has taken long enough the next time.
        """
        end = time.monotonic() + PATIENCE
        for responder in registry.responders():
            if not (responder.is_open or self._keys.is_late(responder)) and time.monotonic() < end:
                try:
                    await self._keys.run(responder, responder.check)
                except (AnchorholdError, TimeoutError) as error:
                    logger.debug("key of a responder", exc_info=error)

    def out_of_order(self) -> Responder | None:
        """A responder with a key that this process cannot open any more."""
        return next((responder for responder in self._registry.responders() if responder.is_out_of_order), None)

    async def run(self, function: Callable[[], T]) -> T:
        """Do something in the ledger, which may take time, in a thread.

        Raises:
            TimeoutError: It takes too long, and goes on alone.
        """
        running = asyncio.get_running_loop().run_in_executor(self._threads, function)
        return await asyncio.wait_for(running, self._patience.seconds())

    async def _renew(self) -> None:
        before, begun = self._registry, time.monotonic()
        taken = await self.run(lambda: reread(lambda: take_registry(self._installation, self._metrics, before)))
        self._registry, self._renewed_from = taken, begun
        self._known.clear()
        self._asked.clear()
        for responder in before.responders() - taken.responders():
            asyncio.get_running_loop().call_later(GRACE, self._keys.close, responder)

    def _recall(self, certificate: CertificateId) -> _Known | None:
        known = self._known.get(certificate)
        if known is not None:
            self._known.move_to_end(certificate)
        return known

    def _remember(self, registry: Registry, der: bytes, known: _Known) -> None:
        current = registry is self._registry  # what is known was found out in this epoch, or a later one
        if current and len(der) <= SHORT:
            if len(self._asked) >= self._most:
                self._asked.clear()
            self._asked[der] = known

    async def _look_up(self, registry: Registry, issuers: Sequence[Served], certificate: CertificateId) -> _Known:
        def look() -> _Known:
            return self._find(issuers, certificate.serial)

        known = await self._looked(look)
        if known.status.known and registry is self._registry:  # it was looked up after this picture was taken
            self._known[certificate] = known
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return known

    async def _looked(self, look: Callable[[], _Known]) -> _Known:
        if self._here is not None:
            try:
                return look()
            except LedgerError as error:  # locked by somebody, for whom a thread waits longer
                logger.debug("look", exc_info=error)
        return await self.run(lambda: reread(look))

    def _find(self, issuers: Sequence[Served], number: int) -> _Known:
        ledger, serial = self._installation.ledger, format_serial(number)
        with ledger.guarded():
            for served in issuers:
                for record in ledger.certificates.find(serial, served.authority.record.id, limit=1):
                    if record.serial == serial and record.status == "issued":
                        revocation = ledger.revocations.of([record.id]).get(record.id)
                        if revocation is None:
                            return _Known(served, CertificateStatus(True))
                        return _Known(served, CertificateStatus(True, _begun(revocation), revocation.reason))
        return _Known(issuers[0], CertificateStatus(False))

    async def _signed(self, known: _Known, query: Query) -> Answer:
        status: CertificateStatus | None = known.status
        if not known.status.known:
            status = _NOT_ISSUED[known.served.authority.record.issuing.ocsp_unknown]
        if status is None:
            return error_answer(ErrorStatus.UNAUTHORIZED)
        name = known.served.authority.name
        responder = known.served.responder
        if responder is None or responder.problem is not None:
            what = "has no OCSP responder" if responder is None else f"OCSP responder: {responder.problem}"
            self._alarms.begin(f"responder {name}", f"authority {name!r}: {what}")
            return error_answer(ErrorStatus.TRY_LATER)
        try:
            made = await self._sign(responder, query, status)
        except (AnchorholdError, TimeoutError) as error:
            text = str(error) or LATE
            self._alarms.begin(f"responder {name}", f"authority {name!r}, OCSP responder: {text}")
            return error_answer(ErrorStatus.INTERNAL_ERROR)
        self._alarms.end(f"responder {name}")
        if query.nonce is None and known.status.known:
            known.answer = made
        return made

    async def _sign(self, responder: Responder, query: Query, status: CertificateStatus) -> Answer:
        lifetime = ANSWER_LIFETIME if status.known else UNKNOWN_LIFETIME
        lasting = query.nonce is None and status.known

        def sign(signer: Signer | None = None) -> Answer:
            made = responder.answer(query.certificate, status, query.nonce, lifetime, signer)
            return signed_answer(*made, status.word, lasting=lasting)

        at_hand = responder.at_hand
        return await self._keys.run(responder, sign) if at_hand is None else sign(at_hand)


def _begun(revocation: RevocationRecord) -> dt.datetime:
    """Since when a certificate is revoked; now, where the clock was ahead then, until `maintain` dates that back."""
    moment = now()
    return moment if is_ahead(revocation.revoked_at, moment) else revocation.revoked_at
