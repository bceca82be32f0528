"""Keys of OCSP responders and their delegated certificates (RFC 6960, section 4.2.2.2): made, switched, destroyed.

A new key is recorded before it is made, as the keys of authorities are. The old one answers no more once the new one
does, stays until its last answer has run out, and is then destroyed, wherever it was (`sweeping`).
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from typing import TYPE_CHECKING, Final

from cryptography import x509

from anchorhold.errors import (
    AnchorholdError,
    KeyMissingError,
)
from anchorhold.ledger.records import CLOSED
from anchorhold.operations.claims import begin_claim, released_afterwards
from anchorhold.operations.issuance import issue
from anchorhold.operations.responder_keys import OcspKeyLocation, claim_subject, destroy, find_keys, open_responder
from anchorhold.operations.signing import sign_and_verify
from anchorhold.plugin.requests import PROBE_PREFIX, CreateKeyRequest, KeyRequest, SignRequest
from anchorhold.plugin.secret_resolver import GeneratedSecrets
from anchorhold.profiles.extensions import ProfileExtensions
from anchorhold.public_keys import spec_of, spki
from anchorhold.remedy import Remedy
from anchorhold.secret import Secret
from anchorhold.x509.draft import Draft
from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold.x509.serials import format_serial, new_serial
from anchorhold.x509.to_be_signed import key_identifiers
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
    from anchorhold.plugin.requests import CreatedKey, Secrets
    from anchorhold.profiles import ProfileSettings

logger = logging.getLogger(__name__)

ANSWER_LIFETIME: Final = dt.timedelta(days=1)
"""How long an answer of a responder is good, at most."""
PROFILE: Final = "ocsp"


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
        place = places(active.key_backend)
        place.backend.close_signer(open_responder(ledger, authority, active, place))
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
            _prove(authority, place.backend, created, lent, key_id)
            _certify(work, key, responder_id, created, profile)
        except Exception as error:
            _take_back(work, authority, responder_id, places, error)
            raise
    with ledger.translate_errors():
        return ledger.responders.get(responder_id)


def _prove(authority: Authority, backend: KeyBackend, created: CreatedKey, lent: Secrets, key_id: bytes) -> None:
    """The key signs a probe, reopened from its handle."""
    algorithm = spec_of(created.public_key).algorithm()
    request = KeyRequest(handle=created.handle, public_key=created.public_key, ca=authority.description, role="ocsp")
    signer = backend.load_signer(request, lent)
    try:
        probe = SignRequest(
            message=PROBE_PREFIX + os.urandom(32),
            algorithm=algorithm,
            purpose="probe",
            ca=authority.description,
            key_id=key_id,
        )
        sign_and_verify(backend, signer, created.public_key, probe)
    finally:
        backend.close_signer(signer)


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
    start = start_of_validity(
        now(), dt.timedelta(minutes=profile.backdate_minutes), authority.certificate.not_valid_before_utc
    )
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
            *made.extensions(spec_of(created.public_key).type, subject, (), serial=serial),
            *key_identifiers(spki(created.public_key), authority.certificate),
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
        logger.debug("could not roll back", exc_info=error)
        if isinstance(cause, AnchorholdError):
            cause.add_step(
                "remove what is left of the key",
                Remedy("responders.renew", {"authority": authority.name}),
            )


def _remove_unused(authority: Authority, responder: ResponderRecord, location: OcspKeyLocation) -> None:
    for request in find_keys(authority, responder, location, location.secrets):
        location.backend.delete_key(request, location.secrets)
