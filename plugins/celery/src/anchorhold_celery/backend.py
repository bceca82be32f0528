"""The hooks of the backend ``celery``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import (
    BackendFailedError,
    KeyInvalidError,
    OperationUnsupportedError,
)
from anchorhold.plugin import (
    Capabilities,
    CreatedKey,
    KeyDescription,
    KeyHandle,
    ListedKey,
    OcspStore,
    hookimpl,
)
from anchorhold_celery import options as models
from anchorhold_celery.messages import MessageError, octets, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.errors import AnchorholdError
    from anchorhold.plugin import (
        BackendContext,
        CreateKeyRequest,
        FindKeyRequest,
        KeyRequest,
        Secrets,
        SignRequest,
    )
    from anchorhold.public_keys import PublicKey
    from anchorhold_celery.client import WorkerClient
    from anchorhold_celery.signer import CelerySigner

_CHECK_SECONDS: Final = 5.0
"""For which a look at the place of keys waits for a worker."""


class CeleryBackend:
    """Has no key: it asks a worker on another host, which looks into the ledger what it may sign.

    Args:
        options: Of the alias.
        context: Opens the ledger's database.
    """

    anchorhold_api = 1
    handle_version = 1
    Options = models.Options

    def __init__(self, options: models.Options, context: BackendContext) -> None:
        self.subject = f"{'OCSP ' if context.role == 'ocsp' else ''}key backend {context.alias!r}"
        self.capabilities = Capabilities(at_once=options.at_once, batch_limit=models.BATCH_LIMIT)
        self._options = options
        self._context = context

    def check_place(self) -> tuple[str, ...]:
        """Whether keys of messages can be read, broker and result backend be reached, and what a worker says.

        Returns:
            What could not be checked: all of the worker, if none answers.

        Raises:
            SettingsError, BackendUnreachedError: Keys cannot be read, or nothing can be sent.
            AnchorholdError: What the worker says of the place of its keys.
        """
        return self._client.check(_CHECK_SECONDS)

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """Let the worker make a key, with its own options and secrets."""
        spec = request.spec
        content = {
            "key_id": request.key_id.hex(),
            "spec": {"type": spec.type, "size": spec.size, "curve": spec.curve},
            "ca": {"name": request.ca.name, "subject": request.ca.subject},
        }
        return self._key(self._client.ask("create_key", content, request.seconds_left(self._options.deadline)))

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """Let the worker look for a key by its id."""
        if request.key_id is None:
            raise OperationUnsupportedError(
                f"{self.subject}: adopts no keys, because their options are the worker's",
                hint="adopt the key on the worker's host",
            )
        content = {"key_id": request.key_id.hex()}
        answer = self._client.ask("find_key", content, request.seconds_left(self._options.deadline))
        return tuple(self._key(found) for found in answer.get("keys", ()))

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> CelerySigner:
        """A signer; the worker is asked when it signs."""
        from anchorhold_celery.signer import CelerySigner

        return CelerySigner(self._client, request, self._lent(request), self._options.deadline)

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: CelerySigner) -> list[bytes | AnchorholdError]:
        """Many signatures by one message."""
        return signer.sign_all(requests)

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """Let the worker destroy a key, if it allows this host to."""
        return bool(self._ask_about("delete_key", request).get("was_there"))

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        """The keys in the place of the worker's alias."""
        answer = self._client.ask("list_keys", {}, self._options.deadline)
        return tuple(
            ListedKey(
                name=str(found.get("name")),
                key_id=None if found.get("key_id") is None else bytes.fromhex(found["key_id"]),
                public_key=None if found.get("public_key") is None else self._public_key(found["public_key"]),
            )
            for found in answer.get("keys", ())
        )

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        """What the worker says of the place of a key."""
        answer = self._ask_about("describe_key", request)
        return KeyDescription(
            place=f"{answer.get('place')}, lent by a worker",
            made=answer.get("made", "unknown"),
            can_leave=answer.get("can_leave"),
        )

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Options and passwords of keys of OCSP responders are the worker's."""
        return OcspStore()

    @hookimpl
    def close_backend(self) -> None:
        """Close the connections of this process."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> WorkerClient:
        from anchorhold_celery.client import Line, WorkerClient
        from anchorhold_celery.ledger_clock import LedgerClock
        from anchorhold_celery.message_keys import private_key, public_keys
        from anchorhold_celery.request_table import RequestTable

        options, variables = self._options, self._context.environment
        requests = RequestTable(self._context.database, f"{self.subject}, in the ledger's database")
        line = Line(
            broker=options.broker.require(variables, f"{self.subject}, broker").reveal(),
            results=options.result_backend.require(variables, f"{self.subject}, result_backend").reveal(),
            queue=options.queue or models.queue_of(self._context.role, self._alias),
            peer=options.peer,
            key=private_key(options.message_key, f"{self.subject}, message_key"),
            worker_keys=public_keys(options.worker_keys, f"{self.subject}, worker_keys"),
            alias=self._alias,
            role=self._context.role,
            tls=options.tls(),
        )
        return WorkerClient(self.subject, line, requests, LedgerClock(requests.now))

    @property
    def _alias(self) -> str:
        return self._options.alias or self._context.alias

    def _ask_about(self, operation: str, request: KeyRequest) -> dict[str, Any]:
        from anchorhold.public_keys import spki

        content = {
            "handle": self._lent(request),
            "public_key": text(spki(request.public_key)),
            "ca": {"name": request.ca.name, "subject": request.ca.subject},
        }
        return self._client.ask(operation, content, request.seconds_left(self._options.deadline))

    def _lent(self, request: KeyRequest) -> dict[str, Any]:
        """The handle of a key on the worker's host, as messages have it.

        Raises:
            KeyInvalidError: It is the handle of something else.
        """
        found = request.handle.lent()
        if found is None:
            raise KeyInvalidError(
                f"{self.subject}: the key of {request.ca.name!r} was not made through a worker",
                hint="work on the host that has the key, or name the alias in which it was made",
            )
        return found[1].to_json()

    def _key(self, found: Mapping[str, Any]) -> CreatedKey:
        handle = KeyHandle.of_lent(self.handle_version, self._alias, found.get("handle") or {})
        return CreatedKey(handle=handle, public_key=self._public_key(found.get("public_key")))

    def _public_key(self, value: object) -> PublicKey:
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        from anchorhold.public_keys import check_strength

        subject = f"{self.subject}: a public key in an answer"
        try:
            return check_strength(load_der_public_key(octets(value)), subject)
        except (MessageError, ValueError) as error:
            raise BackendFailedError(
                f"{subject} cannot be read", hint="let both hosts have the same release"
            ) from error
