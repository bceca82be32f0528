"""Creating an authority: pending row, key, proof, certificate, active. A crash leaves a row that can be finished."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorhold.issuing.authority import Authority
from anchorhold.issuing.issuance import issue
from anchorhold.issuing.key import AuthorityKey
from anchorhold.issuing.pending import begin, check_store, record_key
from anchorhold.issuing.plan import NewAuthority, Plan, make_plan
from anchorhold.issuing.undo import undo
from anchorhold.seam.requests import CertificateAuthority, CreatedKey, CreateKeyRequest
from anchorhold.x509.serials import format_serial

if TYPE_CHECKING:
    from anchorhold.issuing.chain import Chain
    from anchorhold.ledger import Ledger
    from anchorhold.seam.facade import KeyBackend
    from anchorhold.seam.requests import Secrets


@dataclass(frozen=True, slots=True)
class Parent:
    """The authority above a new one.

    Attributes:
        key: Its key.
        chain: It and those above it.
    """

    key: AuthorityKey
    chain: Chain

    @property
    def authority(self) -> Authority:
        """The authority itself."""
        return self.key.authority


def create_authority(
    ledger: Ledger,
    backend: KeyBackend,
    backend_type: str,
    secrets: Secrets,
    wanted: NewAuthority,
    parent: Parent | None,
) -> Authority:
    """Create an authority and its key.

    Args:
        ledger: Where it is recorded.
        backend: Where its key will live.
        backend_type: Type of that backend.
        secrets: For that backend.
        wanted: The authority.
        parent: What signs it; None for a root.

    Raises:
        AuthorityExistsError: The name is taken.
        PathLengthError, ValidityError, NameForbiddenError, AuthorityExpiredError: The parent cannot have such a child.
        AnchorholdError: The backend could not make the key or sign; what was made is removed again, and if it cannot
            be, the hint says so and ``recover`` finishes or removes it.
    """
    algorithm = wanted.spec.algorithm(wanted.issuing.hash, wanted.issuing.rsa_padding)
    backend.capabilities.check(backend.owner, wanted.spec, algorithm)
    plan = make_plan(wanted, parent.chain if parent is not None else None)
    if parent is not None:
        parent.key.open()  # a wrong password of the parent is found out before anything is made
    described = CertificateAuthority(name=wanted.name, subject=plan.subject)
    key_id = os.urandom(20)
    check_store(backend, secrets, key_id, plan.options)
    authority_id = begin(
        ledger,
        wanted.name,
        plan.stored(),
        subject=plan.subject,
        parent=parent.authority if parent is not None else None,
        key_backend=backend.alias,
        backend_type=backend_type,
        key_id=key_id,
        issuing=wanted.issuing,
    )
    request = CreateKeyRequest(key_id=key_id, spec=plan.spec, ca=described, options=plan.options)
    try:
        created = backend.create_key(request, secrets)
        return complete(ledger, backend, secrets, authority_id, created, parent)
    except Exception as error:
        undo(ledger, backend, secrets, authority_id, error)
        raise


def complete(
    ledger: Ledger,
    backend: KeyBackend,
    secrets: Secrets,
    authority_id: int,
    created: CreatedKey,
    parent: Parent | None,
) -> Authority:
    """From an existing key to an active authority; also what ``recover`` does."""
    record_key(ledger, authority_id, created)
    authority = Authority(ledger.authorities.get(authority_id))
    plan = Plan.of(authority.record.plan or {})
    draft = plan.draft(created.public_key, parent.authority if parent is not None else None)

    def activate(certificates: list[bytes]) -> None:
        ledger.authorities.activate(
            authority_id, serial=format_serial(draft.serial), certificate=certificates[0], not_after=draft.not_after
        )
        ledger.events.append("authority-created", authority.name, serial=format_serial(draft.serial))

    with AuthorityKey(authority, backend, secrets) as own:
        own.prove()
        issue(ledger, parent.key if parent is not None else own, [draft], activate)
    return Authority(ledger.authorities.get(authority_id))
