"""Making the signatures that are intended, through the hooks `sign` and `sign_batch` of the worker's alias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorhold.errors import (
    AnchorholdError,
    BackendBusyError,
    DeadlineError,
    RefusedError,
    SessionOverError,
)
from anchorhold.operations import parallel
from anchorhold.operations.signing import sign_and_verify, sign_and_verify_batch
from anchorhold.operations.signing_key import QUICK
from anchorhold.plugin.requests import KeyHandle, KeyRequest
from anchorhold.plugin.secret_resolver import GeneratedSecrets
from anchorhold.public_keys import spec_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.ledger import Ledger
    from anchorhold.operations.worker.held_signers import HeldSigners
    from anchorhold.operations.worker.intended import IntendedSignature, KeyOwner
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import Secrets, Signer, SignRequest
    from anchorhold.plugin.secret_resolver import SecretResolver

_PASSING = (RefusedError, BackendBusyError, DeadlineError)
"""Errors after which a signer is as good as before."""


@dataclass(frozen=True)
class WorkerKey:
    """A key where the worker has it.

    Attributes:
        owner: Whose key.
        backend: Of the worker's alias.
        secrets: For it.
        request: Finds it there.
    """

    owner: KeyOwner
    backend: KeyBackend
    secrets: Secrets
    request: KeyRequest


def worker_key(
    ledger: Ledger, owner: KeyOwner, backend: KeyBackend, secrets: SecretResolver, handle: KeyHandle | None
) -> WorkerKey:
    """The key of an authority or a responder in an alias.

    Args:
        ledger: Has the passwords that core generated for keys of responders.
        owner: Whose key.
        backend: Of the alias.
        secrets: Of the alias.
        handle: Finds it there; by default the one that the ledger has.
    """
    found, responder = handle, owner.responder
    if found is None:
        stored = owner.authority.record.handle if responder is None else responder.handle
        found = KeyHandle.from_json(stored or {})
    lent: Secrets = secrets
    if responder is not None:
        with ledger.translate_errors():
            lent = GeneratedSecrets(ledger.responders.secrets(responder.id), secrets)
    request = KeyRequest(
        handle=found,
        public_key=owner.public_key,
        ca=owner.authority.description,
        role="ca" if responder is None else "ocsp",
    )
    return WorkerKey(owner, backend, lent, request)


def sign_intended(
    key: WorkerKey, intended: Sequence[IntendedSignature], held: HeldSigners
) -> list[bytes | AnchorholdError]:
    """The signatures, each through the wrappers of the alias and verified.

    Args:
        key: The key of all of them.
        intended: From `find_intended`, just now.
        held: Has its signer, or will.

    Returns:
        For each its signature, or why there is none.
    """
    requests = [each.request for each in intended]
    outcomes = _attempted(key, held, requests)
    over = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, SessionOverError)]
    if over:  # another signer, once for each request
        held.drop(key.backend, key.request)
        for number, outcome in zip(over, _attempted(key, held, [requests[at] for at in over]), strict=True):
            outcomes[number] = outcome
    if any(isinstance(each, AnchorholdError) and not isinstance(each, _PASSING) for each in outcomes):
        held.drop(key.backend, key.request)
    return outcomes


def _attempted(key: WorkerKey, held: HeldSigners, requests: Sequence[SignRequest]) -> list[bytes | AnchorholdError]:
    """One try of each, with the signer that is held."""
    try:
        signer = held.open(key.backend, key.request, key.secrets)
    except AnchorholdError as error:
        return [error] * len(requests)
    return _signed(key, signer, requests)


def _signed(key: WorkerKey, signer: Signer, requests: Sequence[SignRequest]) -> list[bytes | AnchorholdError]:
    """One try of each, as many at once as the key takes."""
    backend = key.backend
    size = backend.capabilities.batch_limit if backend.supports("sign_batch") else 1
    units = [requests[start : start + size] for start in range(0, len(requests), size)]

    def sign(number: int) -> list[bytes | AnchorholdError]:
        unit, public_key = units[number], key.owner.public_key
        try:
            if len(unit) > 1:
                return sign_and_verify_batch(backend, signer, public_key, unit)
            is_long = unit[0].purpose == "crl"
            return [sign_and_verify(backend, signer, public_key, unit[0], hash_in_thread=is_long)]
        except AnchorholdError as error:
            return [error] * len(unit)

    is_quick = spec_of(key.owner.public_key) in QUICK and backend.signs_in_memory(signer)
    threads = 1 if is_quick else backend.capabilities.threads(parallel.MAX_WORKERS)
    made = parallel.OrderedParallel[list[bytes | AnchorholdError]](len(units), threads).run(sign)
    return [outcome for unit in made for outcome in unit]
