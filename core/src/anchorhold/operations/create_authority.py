"""Creating an authority: pending row, key, proof, certificate, active. A crash leaves a row that can be finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from anchorhold.operations.authority import Authority
from anchorhold.operations.authority_intent import AuthorityIntent, establish
from anchorhold.operations.authority_plan import NewAuthority, draft_authority, plan_creation
from anchorhold.operations.issuance import issue
from anchorhold.operations.signing_key import SigningKey
from anchorhold.operations.state import state_of
from anchorhold.x509.serials import format_serial

if TYPE_CHECKING:
    from anchorhold.ledger import AuthorityRecord, Ledger
    from anchorhold.operations.authority import Chain
    from anchorhold.operations.claims import ClaimedWork
    from anchorhold.operations.key_location import KeyLocation
    from anchorhold.operations.key_sources import KeySource
    from anchorhold.operations.state import Creation


@dataclass(frozen=True, slots=True)
class Parent:
    """The authority above a new one.

    Attributes:
        key: Its key.
        chain: It and those above it.
    """

    key: SigningKey
    chain: Chain

    @property
    def authority(self) -> Authority:
        """The authority itself."""
        return self.key.authority


def create_authority(
    ledger: Ledger, location: KeyLocation, source: KeySource, wanted: NewAuthority, parent: Parent | None
) -> Authority:
    """Create an authority.

    Args:
        ledger: Where it is recorded.
        location: Where its key will live.
        source: Where its key comes from.
        wanted: The authority.
        parent: What signs it; None for a root.

    Raises:
        AuthorityExistsError: The name is taken.
        PathLengthError, ValidityError, NameForbiddenError, AuthorityExpiredError: The parent cannot have such a child.
        AnchorholdError: The backend could not make the key or sign; what was made is removed again, and if it cannot
            be, the hint says so and ``recover`` finishes or removes it.
    """
    algorithm = source.spec.algorithm(wanted.issuing.hash, wanted.issuing.rsa_padding)
    location.backend.capabilities.check(location.backend.identity, source.spec, algorithm)
    creation = plan_creation(wanted, parent.chain if parent is not None else None)
    if parent is not None:
        parent.key.open()  # a wrong password of the parent is found out before anything is made
    intent = AuthorityIntent(
        name=wanted.name,
        subject=creation.subject,
        parent=parent.authority if parent is not None else None,
        state=creation,
        issuing=wanted.issuing,
    )
    return establish(ledger, location, source, intent, lambda work, record: complete(work, location, record, parent))


def complete(work: ClaimedWork, location: KeyLocation, record: AuthorityRecord, parent: Parent | None) -> Authority:
    """From a recorded key to an active authority; also what ``recover`` does.

    Raises:
        AuthorityNotReadyError: The parent was disabled meanwhile.
        BusyError: Another process has taken it over; nothing was recorded.
        AnchorholdError: As `create_authority`.
    """
    ledger, authority = work.ledger, Authority(record)
    creation = cast("Creation", state_of(record))  # others are completed elsewhere
    draft = draft_authority(creation, authority.public_key, parent.authority if parent is not None else None)

    def confirm() -> None:
        work.confirm()
        if parent is not None:
            ledger.authorities.held_state(parent.authority.record.id)
            parent.authority.refreshed(ledger).check_ready()

    def activate(certificates: list[bytes]) -> None:
        work.confirm()
        ledger.authorities.activate(
            record, serial=format_serial(draft.serial), certificate=certificates[0], not_after=draft.not_after
        )
        ledger.events.append("authority-created", authority.record, serial=format_serial(draft.serial))

    with SigningKey(authority, location.backend, location.secrets) as own:
        own.prove()
        issue(ledger, parent.key if parent is not None else own, [draft], activate, check=confirm)
    return authority.refreshed(ledger)
