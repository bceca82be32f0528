"""A process without keys and a worker that has them, both in this process: backends, a wrapper, and what travels."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from anchorhold.audit import Actor
from anchorhold.errors import AnchorholdError, RefusedError
from anchorhold.installation import Installation, open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import OcspStore, Purpose, WantedSignature, hookimpl
from anchorhold.public_keys import spki
from plugin.fake_backends import MemoryBackend, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.algorithms import Algorithm
    from anchorhold.ledger.records import Event
    from anchorhold.plugin import SignRequest

PEER = Actor("peer", "web", "198.51.100.7")


class NearBackend(MemoryBackend):
    """Keys in memory, those of OCSP responders too."""

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        return OcspStore()


class AwaySigner:
    """Has no key, and asks a worker."""

    worker: ClassVar[Any] = None

    def __init__(self, public_key: Any) -> None:
        self.public_key = public_key

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        raise AssertionError("the worker has to know what it signs")

    def sign_request(self, request: SignRequest) -> bytes:
        """Send what the worker needs."""
        signature: bytes = self.worker(WantedSignature.of(request, spki(self.public_key)))
        return signature

    def close(self) -> None:
        """Nothing is open."""


class AwayBackend(NearBackend):
    """The same keys, as a process has them that cannot reach them."""

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any:
        return AwaySigner(request.public_key)


class Watching(Recorder):
    """A wrapper that sees what is signed, and may refuse a purpose."""

    seen: ClassVar[list[SignRequest]] = []
    refuses: ClassVar[Purpose | None] = None

    @hookimpl(wrapper=True)
    def sign(self, request: Any, signer: Any) -> Any:
        self.seen.append(request)
        if request.purpose == self.refuses:
            raise RefusedError("watching: no", hint="ask")
        return (yield)


@dataclass
class Peers:
    """Both processes.

    Attributes:
        worker: The installation with the keys.
        sent: All that was wanted, in order.
        change: What happens to a request on its way; None leaves it.
    """

    worker: Installation
    sent: list[WantedSignature] = field(default_factory=list)
    change: Callable[[WantedSignature], WantedSignature] | None = None

    @contextmanager
    def front(self) -> Iterator[Installation]:
        """The installation without keys."""
        with open_installation() as installation:
            yield installation

    def sign(self, wanted: WantedSignature, **arguments: Any) -> bytes:
        """What the worker makes of a request, or its error."""
        self.sent.append(wanted)
        asked = wanted if self.change is None else self.change(wanted)
        try:
            return self._signed(asked, **arguments)
        finally:
            if threading.current_thread() is not threading.main_thread():
                self.worker.close()  # the connection of a thread that ends with its batch

    def _signed(self, asked: WantedSignature, **arguments: Any) -> bytes:
        signing = self.worker.as_actor(PEER).signing
        (outcome,) = signing.sign_intended([signing.find_intended(asked)], **arguments)
        if isinstance(outcome, AnchorholdError):
            raise outcome
        return outcome

    def refusals(self) -> list[Event]:
        """The events of what was refused, the newest first."""
        return [event for event in self.worker.ledger.events.history() if event.kind == "signature-refused"]

    def reserve(self, csr: bytes, authority: str = "Root") -> WantedSignature:
        """A certificate that is reserved and not signed."""
        worker = self.worker
        order = Order(csr=csr, names=["a.example"])
        kept = worker.requests.reserve(worker.requests.submit(authority, order).id)
        (record,) = worker.ledger.certificates.find(kept.serial or "", kept.authority_id)
        return self.wanted("certificate", authority, record.tbs or b"", serial=record.serial)

    def wanted(self, purpose: Purpose, authority: str, octets: bytes, **values: Any) -> WantedSignature:
        """Octets that are wanted of the key of an authority."""
        found = self.worker.authorities.get(authority)
        return WantedSignature(
            purpose=purpose,
            public_key_info=spki(found.public_key),
            algorithm=found.algorithm,
            digest=sha256(octets).digest(),
            **values,
        )


def altered(octets: bytes, at: int = -1) -> bytes:
    """The same with one bit changed."""
    changed = bytearray(octets)
    changed[at] ^= 1
    return bytes(changed)
