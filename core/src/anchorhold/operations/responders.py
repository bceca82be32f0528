"""Keys of OCSP responders and their delegated certificates (RFC 6960, section 4.2.2.2): made, switched, destroyed.

A new key is recorded before it is made, as the keys of authorities are. The old one answers no more once the new one
does, stays until its last answer has run out, and is then destroyed, wherever it was (`sweeping`).
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.errors import (
    AnchorholdError,
    KeyMissingError,
    OperationUnsupportedError,
    UnknownAliasError,
)
from anchorhold.ledger.records import CLOSED
from anchorhold.operations.claims import begin_claim, released_afterwards
from anchorhold.operations.issuance import issue
from anchorhold.operations.signing import sign_and_verify
from anchorhold.plugin.requests import CreateKeyRequest, FindKeyRequest, KeyHandle, KeyRequest, SignRequest
from anchorhold.plugin.secret_resolver import GeneratedSecrets
from anchorhold.profiles.extensions import ProfileExtensions
from anchorhold.public_keys import spec_of, spki
from anchorhold.remedy import Remedy
from anchorhold.secret import Secret
from anchorhold.x509.draft import Draft
from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold.x509.serials import format_serial, new_serial
from anchorhold.x509.tbs import key_identifiers
from anchorhold.x509.validity import BACKDATE, end_of_validity, is_in_future, now, start_of_validity

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import KeySpec
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.claims import ClaimedWork
    from anchorhold.operations.signing_key import SigningKey
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import CreatedKey, OcspStore, Secrets, Signer
    from anchorhold.plugin.secret_resolver import SecretResolver
    from anchorhold.profiles import ProfileSettings

logger = logging.getLogger(__name__)

ANSWER_LIFETIME: Final = dt.timedelta(days=1)
"""How long an answer of a responder is good, at most."""
PROFILE: Final = "ocsp"


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


def is_due(ledger: Ledger, authority: Authority, places: Callable[[str], OcspKeyLocation]) -> bool:
    """Whether an authority needs a new responder: it has none, half of its time has passed, or the backend changed.

    One that was made while the clock was ahead is none: nobody takes its answers yet.

    Raises:
        AnchorholdError: The alias of its key cannot be used.
    """
    with ledger.translate_errors():
        active = ledger.responders.active(authority.record.id)
    if active is None or active.not_after is None:
        return True
    moment = now()
    if is_in_future(takes_effect_at(active), moment):
        return True
    middle = active.created_at + (active.not_after - active.created_at) / 2
    alias = authority.record.issuing.ocsp_key_backend
    return moment >= middle or active.key_backend != alias or active.backend_type != places(alias).type


def takes_effect_at(responder: ResponderRecord) -> dt.datetime:
    """When a responder is of use: once its certificate is valid, and not much before it was made."""
    begun = responder.created_at - BACKDATE
    if responder.certificate is None:
        return begun
    return max(begun, load_lenient(responder.certificate).not_valid_before_utc)


def has_key(ledger: Ledger, authority: Authority, places: Callable[[str], OcspKeyLocation]) -> bool:
    """Whether the key of the responder that answers is where its alias leads now.

    Raises:
        AnchorholdError: It cannot be found out.
    """
    with ledger.translate_errors():
        active = ledger.responders.active(authority.record.id)
    if active is None:
        return False
    try:
        open_responder(ledger, authority, active, places(active.key_backend)).close()
    except KeyMissingError:
        return False
    return True


def renew_responder(
    ledger: Ledger,
    key: SigningKey,
    places: Callable[[str], OcspKeyLocation],
    profile: ProfileSettings,
    spec: KeySpec | None = None,
) -> ResponderRecord:
    """Make a new responder for an authority, and let the old one retire.

    Args:
        ledger: Where it is recorded.
        key: Of the authority; it signs the certificate.
        places: From an alias to its place; old keys may be in another one than the new one.
        profile: What the certificate is like.
        spec: The kind of key; by default that of the authority's own.

    Raises:
        AnchorholdError: The old responder goes on; what was made is removed now, or with the next attempt.
    """
    authority = key.authority
    authority.check_valid()  # a disabled one too: what it has signed is asked about
    place = places(authority.record.issuing.ocsp_key_backend)
    wanted = spec or authority.spec
    place.backend.capabilities.check(place.backend.identity, wanted, wanted.algorithm())
    key.open()
    generated = {name: Secret.generate() for name in sorted(place.store.generated)}
    key_id = os.urandom(20)
    with ledger.transaction():
        responder_id = ledger.responders.begin(
            authority.record.id,
            key_backend=place.backend.alias,
            backend_type=place.type,
            key_id=key_id,
            secrets=generated,
        )
        work = begin_claim(ledger, claim_subject(responder_id), "being made", f"OCSP responder of {authority.name!r}")
    lent = GeneratedSecrets(generated, place.secrets)
    with released_afterwards(work):
        try:
            request = CreateKeyRequest(
                key_id=key_id, spec=wanted, ca=authority.description, role="ocsp", options=place.store.options
            )
            created = place.backend.create_key(request, lent)
            with work.step():
                ledger.responders.record_key(
                    responder_id, handle=created.handle.to_json(), public_key=spki(created.public_key)
                )
            _prove(authority, place.backend, created, lent)
            _certify(work, key, responder_id, created, profile)
        except Exception as error:
            _take_back(work, authority, responder_id, places, error)
            raise
    with ledger.translate_errors():
        return ledger.responders.get(responder_id)


def claim_subject(responder_id: int) -> str:
    """What is claimed by whoever makes the key of a responder, as the ledger calls it."""
    return f"responder {responder_id}"


def open_responder(
    ledger: Ledger, authority: Authority, responder: ResponderRecord, location: OcspKeyLocation
) -> Signer:
    """The signer of a responder, lent by its backend.

    Raises:
        KeyMissingError: The alias is of another backend type than the key was made by.
        AnchorholdError: As `BackendSpec.load_signer`.
    """
    if responder.backend_type != location.type:
        raise KeyMissingError(
            f"responder of {authority.name!r}: {_other_type(responder, location)}",
            hint="set it back, or make a new key",
            remedy=Remedy("responders.renew", {"authority": authority.name}),
        )
    with ledger.translate_errors():
        generated = ledger.responders.secrets(responder.id)
    return location.backend.load_signer(_request(authority, responder), GeneratedSecrets(generated, location.secrets))


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
            raise _lost(authority, responder, f"is not where ocsp_key_backends.{responder.key_backend} leads now")
    with work.step():
        ledger.responders.close(responder, "destroyed")
        kind = "ocsp-key-destroyed" if keys else "ocsp-key-abandoned"
        ledger.events.append(kind, authority.record, key_id=responder.key_id.hex())
    return bool(keys)


def forget(ledger: Ledger, authority: Authority, responder: ResponderRecord) -> None:
    """Record that a key is gone, because somebody says so; its password goes, so what may be left of it is sealed.

    Raises:
        BusyError: Another process has changed it since it was read.
    """
    with ledger.transaction():
        ledger.responders.close(ledger.responders.get(responder.id), "forgotten")
        ledger.events.append("ocsp-key-forgotten", authority.record, key_id=responder.key_id.hex())


def _prove(authority: Authority, backend: KeyBackend, created: CreatedKey, lent: Secrets) -> None:
    """The key signs a probe, reopened from its handle."""
    algorithm = spec_of(created.public_key).algorithm()
    request = KeyRequest(handle=created.handle, public_key=created.public_key, ca=authority.description, role="ocsp")
    signer = backend.load_signer(request, lent)
    try:
        probe = SignRequest(message=os.urandom(32), algorithm=algorithm, purpose="probe", ca=authority.description)
        sign_and_verify(backend, signer, created.public_key, probe)
    finally:
        signer.close()


def _certify(
    work: ClaimedWork, key: SigningKey, responder_id: int, created: CreatedKey, profile: ProfileSettings
) -> None:
    """Sign its certificate; in the commit that records it, it becomes the one that answers."""
    ledger, authority = work.ledger, key.authority
    draft = _draft(authority, created, profile)

    def switch(certificates: list[bytes]) -> None:
        work.confirm()
        ledger.authorities.lock(authority.record.id)  # several may switch at once: the last one sees the others
        moment = now()
        for old in ledger.responders.of(authority.record.id):
            if old.status == "active":
                last = moment + ANSWER_LIFETIME
                ledger.responders.retire(old.id, last if old.not_after is None else min(last, old.not_after))
        ledger.responders.activate(
            responder_id,
            serial=format_serial(draft.serial),
            certificate=certificates[0],
            not_after=draft.not_after,
        )
        ledger.events.append("ocsp-key-made", authority.record, serial=format_serial(draft.serial))

    issue(ledger, key, [draft], switch, check=work.confirm)


def _draft(authority: Authority, created: CreatedKey, profile: ProfileSettings) -> Draft:
    start = start_of_validity(now(), profile.early, authority.certificate.not_valid_before_utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{authority.name[:48]} OCSP responder")])
    serial = new_serial()
    made = ProfileExtensions(profile, authority.issuing)
    return Draft(
        issuer=authority.certificate.subject,
        subject=subject,
        serial=serial,
        not_before=start,
        not_after=end_of_validity(start, wanted=None, days=profile.days, bounds=authority.validity_limits(start)),
        public_key=created.public_key,
        extensions=(
            *made.extensions(created.public_key, subject, (), serial=serial),
            *key_identifiers(created.public_key, authority.certificate),
        ),
        profile=PROFILE,
        issuer_octets=authority.unusual_subject,
    )


def _take_back(
    work: ClaimedWork,
    authority: Authority,
    responder_id: int,
    places: Callable[[str], OcspKeyLocation],
    cause: Exception,
) -> None:
    """Remove what was made; if that fails too, the next attempt does it.

    If another process has given it up meanwhile, a key that came into being after that is removed all the same: nobody
    knows of it.
    """
    try:
        with work.ledger.translate_errors():
            responder = work.ledger.responders.get(responder_id)
        if responder.status == "pending":
            destroy(work, authority, responder, places)
        elif responder.status in CLOSED:
            _remove_unused(authority, responder, places(responder.key_backend))
    except AnchorholdError as error:
        logger.debug("could not take back", exc_info=error)
        if isinstance(cause, AnchorholdError):
            cause.add_step(
                "remove what is left of the key",
                Remedy("responders.renew", {"authority": authority.name}),
            )


def _remove_unused(authority: Authority, responder: ResponderRecord, location: OcspKeyLocation) -> None:
    for request in _find(authority, responder, location, location.secrets):
        location.backend.delete_key(request, location.secrets)


def _place_of(
    authority: Authority, responder: ResponderRecord, places: Callable[[str], OcspKeyLocation]
) -> OcspKeyLocation:
    """Where a key is that is to be destroyed."""
    try:
        place = places(responder.key_backend)
    except UnknownAliasError as error:
        what = f"its alias {responder.key_backend!r} is not configured under ocsp_key_backends any more"
        raise _lost(authority, responder, what) from error
    if responder.backend_type != place.type:
        raise _lost(authority, responder, _other_type(responder, place))
    if not place.backend.supports("delete_key"):
        raise OperationUnsupportedError(
            f"{_described(authority, responder)}: its backend cannot destroy keys",
            hint="destroy it by hand, and record that it is gone",
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
        else _find(authority, responder, location, lent)
    )


def _find(
    authority: Authority, responder: ResponderRecord, location: OcspKeyLocation, lent: Secrets
) -> list[KeyRequest]:
    find = FindKeyRequest(key_id=responder.key_id, options=location.store.options)
    return [
        KeyRequest(handle=found.handle, public_key=found.public_key, ca=authority.description, role="ocsp")
        for found in location.backend.find_key(find, lent)
    ]


def _lost(authority: Authority, responder: ResponderRecord, what: str) -> KeyMissingError:
    return KeyMissingError(
        f"{_described(authority, responder)}: {what}, so it was not destroyed",
        hint="bring back what was there, or record that the key is gone",
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
