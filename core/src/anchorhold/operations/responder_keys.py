"""Keys of OCSP responders that exist: where they are, opening them, and destroying them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.errors import (
    KeyMissingError,
    OperationUnsupportedError,
    UnknownAliasError,
)
from anchorhold.ledger.records import CLOSED
from anchorhold.plugin.requests import FindKeyRequest, KeyHandle, KeyRequest
from anchorhold.plugin.secret_resolver import GeneratedSecrets
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.claims import ClaimedWork
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import OcspStore, Secrets, Signer
    from anchorhold.plugin.secret_resolver import SecretResolver
    from anchorhold.secret import Secret


@dataclass(frozen=True, slots=True)
class OcspKeyLocation:
    """An alias that keeps keys of responders; nobody is ever asked for a secret of it.

    Attributes:
        backend: The backend of the alias.
        type: Its backend type.
        store: How it holds such keys.
        secrets: Of the alias.
    """

    backend: KeyBackend
    type: str
    store: OcspStore
    secrets: SecretResolver


def claim_subject(responder_id: int) -> str:
    """What is claimed by a process that creates the key of a responder, as the ledger calls it."""
    return f"responder {responder_id}"


def open_responder(
    ledger: Ledger,
    authority: Authority,
    responder: ResponderRecord,
    location: OcspKeyLocation,
    generated: Mapping[str, Secret] | None = None,
) -> Signer:
    """The signer of a responder, lent by its backend.

    Args:
        ledger: Has the passwords that core generated for its key.
        authority: Whose responder.
        responder: Whose key.
        location: Where it is.
        generated: These passwords, if they were read with those of others; the ledger is not read then.

    Raises:
        KeyMissingError: The alias is of another backend type than the key was made by.
        AnchorholdError: As `BackendSpec.load_signer`.
    """
    if responder.backend_type != location.type:
        raise KeyMissingError(
            f"responder of {authority.name!r}: {_other_type(responder, location)}",
            hint="restore the previous type, or create a new key",
            remedy=Remedy("responders.renew", {"authority": authority.name}),
        )
    if generated is None:
        with ledger.translate_errors():
            generated = ledger.responders.secrets(responder.id)
    return location.backend.load_signer(_request(authority, responder), GeneratedSecrets(generated, location.secrets))


def find_keys(
    authority: Authority, responder: ResponderRecord, location: OcspKeyLocation, lent: Secrets
) -> list[KeyRequest]:
    """The keys that are stored under the id of a responder.

    Args:
        authority: Whose responder.
        responder: Whose key.
        location: Where to look.
        lent: Secrets for it.

    Raises:
        AnchorholdError: As `BackendSpec.find_key`.
    """
    find = FindKeyRequest(key_id=responder.key_id, options=location.store.options)
    return [
        KeyRequest(handle=found.handle, public_key=found.public_key, ca=authority.description, role="ocsp")
        for found in location.backend.find_key(find, lent)
    ]


def destroy(
    work: ClaimedWork, authority: Authority, responder: ResponderRecord, places: Callable[[str], OcspKeyLocation]
) -> bool:
    """Destroy the key of a responder; False if it was never made, or another process has destroyed it.

    That it is going to be destroyed is committed before, so nobody activates it meanwhile.

    Args:
        work: The claim on it (`claim_subject`).
        authority: Whose responder.
        responder: As it was read.
        places: From an alias to its place.

    Raises:
        BusyError: Another process has changed it since it was read; nothing was destroyed.
        KeyMissingError: It is not where its alias leads now, so it may be somewhere else; its record stays.
        OperationUnsupportedError: Its backend cannot destroy it, or not look for it.
        AnchorholdError: It may still be there.
    """
    ledger, place = work.ledger, _place_of(authority, responder, places)
    with ledger.translate_errors():
        lent = GeneratedSecrets(ledger.responders.secrets(responder.id), place.secrets)
    keys = _keys(authority, responder, place, lent)
    with work.step():
        ledger.responders.mark_destroying(responder)
        responder = ledger.responders.get(responder.id)
    for request in keys:
        if not place.backend.delete_key(request, lent):
            with work.step():
                responder = ledger.responders.get(responder.id)
            if responder.status in CLOSED:
                return False
            raise _lost(authority, responder, f"is not where ocsp_key_backends.{responder.key_backend} points to now")
    with work.step():
        ledger.responders.close(responder, "destroyed")
        kind = "ocsp-key-destroyed" if keys else "ocsp-key-abandoned"
        ledger.events.append(kind, authority.record, key_id=responder.key_id.hex())
    return bool(keys)


def forget(ledger: Ledger, authority: Authority, responder: ResponderRecord) -> None:
    """Record that a key is gone, because an operator says so; its password goes, so what may be left of it is sealed.

    Raises:
        BusyError: Another process has changed it since it was read.
    """
    with ledger.transaction():
        ledger.responders.close(ledger.responders.get(responder.id), "forgotten")
        ledger.events.append("ocsp-key-forgotten", authority.record, key_id=responder.key_id.hex())


def _place_of(
    authority: Authority, responder: ResponderRecord, places: Callable[[str], OcspKeyLocation]
) -> OcspKeyLocation:
    """Where a key is that is to be destroyed."""
    try:
        place = places(responder.key_backend)
    except UnknownAliasError as error:
        what = f"its alias {responder.key_backend!r} is no longer configured under ocsp_key_backends"
        raise _lost(authority, responder, what) from error
    if responder.backend_type != place.type:
        raise _lost(authority, responder, _other_type(responder, place))
    if not place.backend.supports("delete_key"):
        raise OperationUnsupportedError(
            f"{_described(authority, responder)}: its backend cannot destroy keys",
            hint="destroy it manually, and record that it is gone",
            remedy=_forgetting(authority),
        )
    return place


def _keys(
    authority: Authority, responder: ResponderRecord, location: OcspKeyLocation, lent: GeneratedSecrets
) -> list[KeyRequest]:
    """The key of a responder: by its handle if that was recorded, else by its id; none if it was never made."""
    return (
        [_request(authority, responder)]
        if responder.handle is not None
        else find_keys(authority, responder, location, lent)
    )


def _lost(authority: Authority, responder: ResponderRecord, what: str) -> KeyMissingError:
    return KeyMissingError(
        f"{_described(authority, responder)}: {what}, so it was not destroyed",
        hint="restore it, or record that the key is gone",
        remedy=_forgetting(authority),
    )


def _described(authority: Authority, responder: ResponderRecord) -> str:
    return f"old responder key {responder.key_id.hex()} of {authority.name!r}"


def _forgetting(authority: Authority) -> Remedy:
    return Remedy("responders.destroy_expired", {"authority": authority.name, "forget": True})


def _other_type(responder: ResponderRecord, location: OcspKeyLocation) -> str:
    alias = f"ocsp_key_backends.{responder.key_backend}"
    return f"its key was made by the backend {responder.backend_type!r}, and {alias} is {location.type!r} now"


def _request(authority: Authority, responder: ResponderRecord) -> KeyRequest:
    return KeyRequest(
        handle=KeyHandle.from_json(responder.handle or {}),
        public_key=load_der_public_key(responder.public_key or b""),  # type: ignore[arg-type]  # checked when recorded
        ca=authority.description,
        role="ocsp",
    )
