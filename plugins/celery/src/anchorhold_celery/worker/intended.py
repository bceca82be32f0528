"""The seam to core: what the ledger holds as intended is signed, and what is refused is recorded there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Protocol, get_args

from anchorhold.algorithms import Algorithm
from anchorhold.audit import Actor, AuditContext
from anchorhold.errors import AnchorholdError, BackendFailedError, BackendUnreachedError, RefusedError
from anchorhold.plugin import KeyHandle, Purpose, WantedSignature
from anchorhold.public_keys import spki
from anchorhold.services.signing import HeldSigners
from anchorhold_celery.error_transfer import error_to_json
from anchorhold_celery.messages import MessageError, octets, text
from anchorhold_celery.request_table import RequestTable
from anchorhold_celery.worker.key_operations import key_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold.installation import Installation
    from anchorhold.services.signing import IntendedSignature
    from anchorhold_celery.messages import Request
    from anchorhold_celery.worker.key_operations import LentAlias
    from anchorhold_celery.worker.settings import WorkerSettings

_MOST: Final = 1000
"""Signatures that one message may ask for."""
_NOT_SIGNED: Final = (BackendUnreachedError, RefusedError)
"""Errors that say for certain that nothing was signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What came of a request for signatures.

    Attributes:
        outcomes: For each item ``signature`` or ``error``.
        authority: Whose key signs, if the ledger holds one of the items as intended.
        serial: Of the first certificate among those.
    """

    outcomes: list[dict[str, Any]]
    authority: str | None = None
    serial: str | None = None


class Signing(Protocol):
    """What a worker signs, and how it records what it refuses.

    Attributes:
        signed: How many signatures were made.
    """

    signed: int

    def audit(self, peer: str | None, request: str | None = None) -> AuditContext:
        """Who asks, and the id of the request."""

    def record_refusal(self, request: Request | None, operation: str, reason: str) -> None:
        """Record a message that was not let in; its request is known if a peer has signed it."""

    def sign(self, alias: LentAlias, request: Request, audit: AuditContext, deadline: float) -> Signed:
        """Sign what a request asks for."""

    def check_key(self, alias: LentAlias, request: Request, audit: AuditContext) -> None:
        """Refuse what is asked about a key that is not lent under this alias."""

    def close(self) -> None:
        """Give back all signers."""


class LedgerSigning:
    """Signs what the ledger holds as intended, and nothing else.

    Args:
        installation: Of this host.
        settings: Of the worker.
    """

    def __init__(self, installation: Installation, settings: WorkerSettings) -> None:
        self._installation = installation
        self._settings = settings
        self._held = HeldSigners()
        self._requests = RequestTable(installation.access.database, "worker")
        self.signed = 0

    def audit(self, peer: str | None, request: str | None = None) -> AuditContext:
        """See `Signing.audit`; the origin is this worker, for a peer may be at any address."""
        return AuditContext.of(Actor("peer", peer or "unknown", self._settings.name), request)

    def record_refusal(self, request: Request | None, operation: str, reason: str) -> None:
        """See `Signing.record_refusal`.

        Raises:
            LedgerError: The database refused.
        """
        audit = self.audit(None) if request is None else self.audit(request.peer, request.id)
        self._acting(audit).signing.record_refusal(operation, reason)

    def sign(self, alias: LentAlias, request: Request, audit: AuditContext, deadline: float) -> Signed:
        """See `Signing.sign`.

        Raises:
            MessageError: The request has not what is needed.
            AnchorholdError: Nothing was signed.
        """
        wanted, handle = wanted_of(request)
        acting = self._acting(audit).within(max(0.0, deadline - time.monotonic()))
        found = acting.signing.find_all_intended(wanted)
        outcomes: list[bytes | AnchorholdError | None] = [
            self._not_here(acting, each, alias, handle) if not isinstance(each, AnchorholdError) else each
            for each in found
        ]
        for number in self._intend(wanted, outcomes, request.id):
            outcomes[number] = _may_have_been_signed(wanted[number])
        asked = [number for number, outcome in enumerate(outcomes) if outcome is None]
        intended: Any = [found[number] for number in asked]
        for number, outcome in zip(
            asked, acting.signing.sign_intended(intended, alias.alias, handle, held=self._held), strict=True
        ):
            outcomes[number] = outcome
        self._renounce(wanted, outcomes, asked)
        self.signed += sum(isinstance(outcome, bytes) for outcome in outcomes)
        held = [(each, item) for each, item in zip(found, wanted, strict=True) if not isinstance(each, AnchorholdError)]
        return Signed(
            outcomes=[outcome_to_json(outcome) for outcome in outcomes if outcome is not None],
            authority=held[0][0].authority.name if held else None,
            serial=next((item.serial for _, item in held if item.purpose == "certificate"), None),
        )

    def check_key(self, alias: LentAlias, request: Request, audit: AuditContext) -> None:
        """See `Signing.check_key`; a key that the ledger does not know is one whose making was interrupted.

        Raises:
            MessageError: The request has not what is needed.
            RefusedError: The key is lent under another alias, or not at all; that is recorded.
        """
        if "handle" not in request.content:
            return
        key = key_request(alias, request)
        acting, public_key = self._acting(audit), spki(key.public_key)
        ledger = self._installation.ledger
        with ledger.translate_errors():
            found = ledger.authorities.by_public_key(public_key) or ledger.responders.by_public_key(public_key)
        if found is not None and not _is_lent(found, alias, key.handle):
            acting.signing.record_refusal(request.operation, "other-place")
            raise _other_place(alias)

    def close(self) -> None:
        """See `Signing.close`."""
        self._held.close()

    def _acting(self, audit: AuditContext) -> Installation:
        return self._installation.as_actor(audit.actor, audit.correlation_id)

    def _not_here(
        self, acting: Installation, found: IntendedSignature, alias: LentAlias, handle: KeyHandle
    ) -> RefusedError | None:
        """Refuse keys that are not lent under the alias, which may share a token with those that are."""
        responder, digest = found.owner.responder, sha256(found.request.message).digest()
        if (responder is None) != (alias.role == "ca"):
            acting.signing.record_refusal(found.request.purpose, "other-role", digest)
            return RefusedError(
                f"the alias {alias.alias!r} is lent for another role than that of the key", hint="name the right alias"
            )
        if _is_lent(responder or found.authority.record, alias, handle):
            return None
        acting.signing.record_refusal(found.request.purpose, "other-place", digest)
        return _other_place(alias)

    def _intend(self, wanted: Sequence[WantedSignature], outcomes: Sequence[object], request: str) -> list[int]:
        """Record which certificates are about to be signed; the numbers of those that may have been before."""
        numbers = {
            once(each): number
            for number, each in enumerate(wanted)
            if outcomes[number] is None and each.purpose == "certificate"
        }
        noted = self._requests.intend(list(numbers), request, once=self._settings.sign_once)
        return [numbers[subject] for subject in noted]

    def _renounce(self, wanted: Sequence[WantedSignature], outcomes: Sequence[object], asked: Sequence[int]) -> None:
        """Forget intents of what was certainly not signed, so that it can be asked for again."""
        unsigned = [
            once(wanted[number])
            for number in asked
            if wanted[number].purpose == "certificate" and isinstance(outcomes[number], _NOT_SIGNED)
        ]
        if unsigned:
            self._requests.renounce(unsigned)


def wanted_of(request: Request) -> tuple[list[WantedSignature], KeyHandle]:
    """What a request wants signed, and the handle of the key.

    Raises:
        MessageError: It has not what is needed.
    """
    content = request.content
    try:
        handle, public_key = KeyHandle.from_json(content["handle"]), octets(content["public_key"])
        items = content["items"]
        if not isinstance(items, list) or not 0 < len(items) <= _MOST:
            raise MessageError("has no items, or too many")
        wanted = [_wanted(item, public_key) for item in items]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MessageError("has not what a signature needs") from error
    if len({(each.purpose, each.digest) for each in wanted}) < len(wanted):
        raise MessageError("wants a signature twice")
    return wanted, handle


def once(wanted: WantedSignature) -> str:
    """What is signed, as one text: key and digest."""
    return f"{sha256(wanted.public_key_info).hexdigest()}:{wanted.digest.hex()}"


def outcome_to_json(outcome: bytes | AnchorholdError) -> dict[str, Any]:
    """A signature, or why there is none, as an answer has it."""
    return {"signature": text(outcome)} if isinstance(outcome, bytes) else {"error": error_to_json(outcome)}


class _Recorded(Protocol):
    """What the ledger says of the key of an authority or a responder."""

    @property
    def key_backend(self) -> str: ...

    @property
    def handle(self) -> Mapping[str, Any] | None: ...


def _is_lent(recorded: _Recorded, alias: LentAlias, handle: KeyHandle) -> bool:
    """Whether a key is what a handle leads to in an alias of this host."""
    if recorded.handle is None:
        return False
    stored = KeyHandle.from_json(recorded.handle)
    return (stored.lent() or (recorded.key_backend, stored)) == (alias.alias, handle)


def _other_place(alias: LentAlias) -> RefusedError:
    return RefusedError(
        f"the key is not lent under the alias {alias.alias!r}", hint="work on the host that has the key"
    )


def _wanted(item: Mapping[str, Any], public_key: bytes) -> WantedSignature:
    purpose, serial, number, message = (item[name] for name in ("purpose", "serial", "number", "message"))
    if purpose not in get_args(Purpose) or not isinstance(serial, str | None):
        raise MessageError("has an item that is no signature")
    if isinstance(number, bool) or not isinstance(number, int | None):
        raise MessageError("has an item that is no signature")
    return WantedSignature(
        purpose=purpose,
        public_key_info=public_key,
        algorithm=Algorithm(scheme=str(item["algorithm"]["scheme"]), hash=item["algorithm"]["hash"]),
        digest=bytes.fromhex(item["digest"]),
        serial=serial,
        number=number,
        message=None if message is None else octets(message),
    )


def _may_have_been_signed(wanted: WantedSignature) -> BackendFailedError:
    return BackendFailedError(
        f"certificate {wanted.serial}: it may have been signed before, so it was not signed now",
        hint="issue another certificate; the history shows this one as failed",
    )
