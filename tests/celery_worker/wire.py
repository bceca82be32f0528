"""Messages as anyone who reaches the broker could send them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from celery import Celery

from anchorhold.plugin import WantedSignature
from anchorhold_celery.celery_settings import celery_settings
from anchorhold_celery.ledger_clock import LedgerClock
from anchorhold_celery.messages import TASK, Request, seal, text
from anchorhold_celery.request_table import RequestTable
from anchorhold_celery.signer import wanted_item
from anchorhold_celery.tls import TlsFiles

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from anchorhold.installation import Installation
    from anchorhold.operations.authority import Authority
    from celery_worker.two_hosts import TwoHosts


@dataclass
class Wire:
    """Sends messages, and reads answers without verifying them."""

    hosts: TwoHosts
    front: Installation

    def __post_init__(self) -> None:
        self.app = Celery("wire", set_as_current=False)
        self.app.conf.update(celery_settings(self.hosts.broker, self.hosts.results, 5.0, TlsFiles()))
        self.requests = RequestTable(self.front.access.database, "the test")
        self.now = LedgerClock(self.requests.now).now

    def request(self, operation: str, content: dict[str, Any], **other: Any) -> Request:
        """A request as it should be, but for what is given."""
        usual = Request(
            operation=operation,
            id=str(uuid4()),
            peer="web",
            alias="default",
            role="ca",
            deadline=self.now() + 20,
            content=content,
        )
        return replace(usual, **other)

    def signature(self, authority: Authority, tbs: bytes, serial: str) -> dict[str, Any]:
        """The content of a request for the signature of a certificate."""
        record = authority.record
        wanted = WantedSignature(
            purpose="certificate",
            public_key_info=record.public_key or b"",
            algorithm=authority.algorithm,
            digest=sha256(tbs).digest(),
            serial=serial,
        )
        handle = (record.handle or {})["data"]["handle"]
        return {"handle": handle, "public_key": text(record.public_key or b""), "items": [wanted_item(wanted)]}

    def ask(self, request: Request, key: Ed25519PrivateKey | None = None) -> dict[str, Any]:
        """The answer to a request."""
        return self.send(seal(request.to_body(), key or self.hosts.peer_key, "request"), request.id)

    def send(self, message: object, task: str | None = None) -> dict[str, Any]:
        """The answer to any message."""
        sent = self.post(message, task)
        body: dict[str, Any] = json.loads(json.loads(sent.get(timeout=10))["body"])
        answer: dict[str, Any] = body["answer"]
        return answer

    def post(self, message: object, task: str | None = None) -> Any:
        """Send any message."""
        queue = "anchorhold.ca.default"
        return self.app.send_task(TASK, args=[message], task_id=task, queue=queue)

    def refused_ids(self) -> list[str | None]:
        """The correlation ids of the events of refusals, the oldest first."""
        found = [entry for entry in self.front.history.entries() if entry.kind == "signature-refused"]
        return [entry.audit.correlation_id if entry.audit else None for entry in reversed(found)]

    def refusals(self) -> list[tuple[str, str]]:
        """Events of refusals: peer and reason, the oldest first."""
        found = [entry for entry in self.front.history.entries() if entry.kind == "signature-refused"]
        return [(entry.audit.actor.name if entry.audit else "", entry.detail["reason"]) for entry in reversed(found)]
