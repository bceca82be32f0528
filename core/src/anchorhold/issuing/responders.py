"""Keys of OCSP responders and their delegated certificates (RFC 6960, section 4.2.2.2): made, switched, destroyed.

A new key is recorded before it is made, as the keys of authorities are. The old one answers no more once the new one
does, stays until its last answer has run out, and is then destroyed, wherever it was.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.errors import AnchorholdError, SignatureError
from anchorhold.issuing.issuance import issue
from anchorhold.publickeys import is_signed_by, spec_of, spki
from anchorhold.seam.requests import CreateKeyRequest, Draft, FindKeyRequest, KeyHandle, KeyRequest, SignRequest
from anchorhold.seam.resolver import GeneratedSecrets
from anchorhold.secret import Secret
from anchorhold.x509.drafts import key_identifiers
from anchorhold.x509.extensions import ProfileExtensions
from anchorhold.x509.serials import format_serial, new_serial
from anchorhold.x509.validity import end_of_validity, now

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import KeySpec
    from anchorhold.issuing.authority import Authority
    from anchorhold.issuing.key import AuthorityKey
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.seam.facade import KeyBackend
    from anchorhold.seam.requests import CreatedKey, OcspStore, Secrets, Signer
    from anchorhold.seam.resolver import SecretResolver
    from anchorhold.settings import ProfileSettings

logger = logging.getLogger(__name__)

ANSWER_LIFETIME: Final = dt.timedelta(days=1)
"""How long an answer of a responder is good, at most."""
PROFILE: Final = "ocsp"


@dataclass(frozen=True, slots=True)
class OcspPlace:
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


def is_due(ledger: Ledger, authority: Authority) -> bool:
    """Whether an authority needs a new responder: it has none, half of its time has passed, or the backend changed."""
    with ledger.guarded():
        active = ledger.responders.active(authority.record.id)
    if active is None or active.not_after is None:
        return True
    middle = active.created_at + (active.not_after - active.created_at) / 2
    return now() >= middle or active.key_backend != authority.record.issuing.ocsp_key_backend


def renew_responder(
    ledger: Ledger,
    key: AuthorityKey,
    places: Callable[[str], OcspPlace],
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
    authority.check_ready()
    place = places(authority.record.issuing.ocsp_key_backend)
    wanted = spec or authority.spec
    place.backend.capabilities.check(place.backend.owner, wanted, wanted.algorithm())
    key.open()
    generated = {name: Secret(secrets.token_urlsafe(32)) for name in sorted(place.store.generated)}
    key_id = os.urandom(20)
    with ledger.transaction():
        responder_id = ledger.responders.begin(
            authority.record.id,
            key_backend=place.backend.alias,
            backend_type=place.type,
            key_id=key_id,
            secrets=generated,
        )
    lent = GeneratedSecrets(generated, place.secrets)
    try:
        request = CreateKeyRequest(
            key_id=key_id, spec=wanted, ca=authority.described, role="ocsp", options=place.store.options
        )
        created = place.backend.create_key(request, lent)
        with ledger.transaction():
            handle = {"version": created.handle.version, "data": dict(created.handle.data)}
            ledger.responders.record_key(responder_id, handle=handle, public_key=spki(created.public_key))
        _prove(authority, place.backend, created, lent)
        _certify(ledger, key, responder_id, created, profile)
    except Exception as error:
        _take_back(ledger, authority, responder_id, places, error)
        raise
    with ledger.guarded():
        return ledger.responders.get(responder_id)


def sweep_responders(ledger: Ledger, authority: Authority, places: Callable[[str], OcspPlace]) -> int:
    """Destroy keys of responders that nothing needs any more; returns how many.

    Those are keys whose last answer has run out, and keys whose making was interrupted.

    Raises:
        AnchorholdError: One of them may still be there; it is tried again next time.
    """
    with ledger.guarded():
        known = ledger.responders.of(authority.record.id)
    moment = now()
    over = [
        responder
        for responder in known
        if (responder.status == "retired" and responder.answers_until is not None and responder.answers_until < moment)
        or (responder.status == "pending" and responder.created_at < moment - dt.timedelta(minutes=10))
    ]
    for responder in over:
        _destroy(ledger, authority, responder, places)
    return len(over)


def open_responder(ledger: Ledger, authority: Authority, responder: ResponderRecord, place: OcspPlace) -> Signer:
    """The signer of a responder, lent by its backend.

    Raises:
        AnchorholdError: As `BackendSpec.load_signer`.
    """
    with ledger.guarded():
        generated = ledger.responders.secrets(responder.id)
    return place.backend.load_signer(_request(authority, responder), GeneratedSecrets(generated, place.secrets))


def _prove(authority: Authority, backend: KeyBackend, created: CreatedKey, lent: Secrets) -> None:
    """The key signs a probe, reopened from its handle."""
    algorithm = spec_of(created.public_key).algorithm()
    request = KeyRequest(handle=created.handle, public_key=created.public_key, ca=authority.described, role="ocsp")
    signer = backend.load_signer(request, lent)
    try:
        message = os.urandom(32)
        probe = SignRequest(message=message, algorithm=algorithm, purpose="probe", ca=authority.described)
        signature = backend.sign(probe, signer)
    finally:
        signer.close()
    if not is_signed_by(created.public_key, signature, message, algorithm):
        raise SignatureError(
            f"{backend.owner}: returned a signature that does not verify", hint="tell the author of the backend"
        )


def _certify(
    ledger: Ledger, key: AuthorityKey, responder_id: int, created: CreatedKey, profile: ProfileSettings
) -> None:
    """Sign its certificate; in the commit that records it, it becomes the one that answers."""
    authority = key.authority
    draft = _draft(authority, created, profile)

    def switch(certificates: list[bytes]) -> None:
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
        ledger.events.append("ocsp-key-made", authority.name, serial=format_serial(draft.serial))

    issue(ledger, key, [draft], switch)


def _draft(authority: Authority, created: CreatedKey, profile: ProfileSettings) -> Draft:
    start = max(now() - dt.timedelta(minutes=profile.backdate_minutes), authority.certificate.not_valid_before_utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{authority.name[:48]} OCSP responder")])
    serial = new_serial()
    made = ProfileExtensions(profile, authority.issuing)
    return Draft(
        issuer=authority.certificate.subject,
        subject=subject,
        serial=serial,
        not_before=start,
        not_after=end_of_validity(start, wanted=None, days=profile.days, bounds=authority.bounds(start)),
        public_key=created.public_key,
        extensions=(
            *made.extensions(created.public_key, subject, (), serial=serial),
            *key_identifiers(created.public_key, authority.certificate),
        ),
        profile=PROFILE,
    )


def _take_back(
    ledger: Ledger,
    authority: Authority,
    responder_id: int,
    places: Callable[[str], OcspPlace],
    cause: Exception,
) -> None:
    """Remove what was made; if that fails too, the next attempt does it."""
    try:
        with ledger.guarded():
            responder = ledger.responders.get(responder_id)
        if responder.status == "pending":
            _destroy(ledger, authority, responder, places)
    except AnchorholdError as error:
        logger.debug("could not take back", exc_info=error)
        if isinstance(cause, AnchorholdError):
            cause.hint += "; a key that was begun is removed by the next `anchorhold regenerate-ocsp-keys`"


def _destroy(
    ledger: Ledger, authority: Authority, responder: ResponderRecord, places: Callable[[str], OcspPlace]
) -> None:
    place = places(responder.key_backend)
    with ledger.guarded():
        lent = GeneratedSecrets(ledger.responders.secrets(responder.id), place.secrets)
    if responder.handle is not None:
        place.backend.delete_key(_request(authority, responder), lent)
    else:
        find = FindKeyRequest(key_id=responder.key_id, options=place.store.options)
        for found in place.backend.find_key(find, lent):
            request = KeyRequest(handle=found.handle, public_key=found.public_key, ca=authority.described, role="ocsp")
            place.backend.delete_key(request, lent)
    with ledger.transaction():
        ledger.responders.destroyed(responder.id)
        ledger.events.append("ocsp-key-destroyed", authority.name, key_id=responder.key_id.hex())


def _request(authority: Authority, responder: ResponderRecord) -> KeyRequest:
    handle = responder.handle or {}
    return KeyRequest(
        handle=KeyHandle(version=handle["version"], data=handle["data"]),
        public_key=load_der_public_key(responder.public_key or b""),  # type: ignore[arg-type]  # checked when recorded
        ca=authority.described,
        role="ocsp",
    )
