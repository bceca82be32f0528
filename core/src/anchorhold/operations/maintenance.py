"""What has to be renewed before it runs out: CRLs and OCSP responders; once, also when several look after it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anchorhold.errors import AnchorholdError, AuthorityExpiredError, CertificateInvalidError
from anchorhold.operations.claims import ClaimedWork, released_afterwards
from anchorhold.operations.clock_correction import check_has_started, correct_future_dates, future_date_note
from anchorhold.operations.crls import CRL_LIFETIME, check_may_issue_crls, generate_crl, shards_of
from anchorhold.operations.responder_cleanup import destroy_expired_responder_keys
from anchorhold.operations.responders import is_due, renew_responder, takes_effect_at
from anchorhold.x509.validity import is_in_future, now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.claims import Claim
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.responder_keys import OcspKeyLocation
    from anchorhold.operations.signing_key import SigningKey
    from anchorhold.profiles import ProfileSettings


@dataclass(frozen=True, slots=True)
class MaintenanceResult:
    """What became of what was due.

    Attributes:
        done: What was done, in words.
        failures: Why something was not; each of them once.
        other_claim: The process that looks after the authority at the moment, because of which nothing was done here.
    """

    done: tuple[str, ...] = ()
    failures: tuple[AnchorholdError, ...] = ()
    other_claim: Claim | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "done": list(self.done),
            "failures": [error.to_json() for error in self.failures],
            "other_claim": None if self.other_claim is None else self.other_claim.to_json(),
        }


@dataclass(frozen=True, slots=True)
class _MaintenanceContext:
    """What the steps work with; see `maintain`."""

    ledger: Ledger
    authority: Authority
    key: Callable[[], SigningKey]
    places: Callable[[str], OcspKeyLocation]
    profile: ProfileSettings
    lifetime: dt.timedelta
    responders: bool


def maintain(
    ledger: Ledger,
    authority: Authority,
    key: Callable[[], SigningKey],
    places: Callable[[str], OcspKeyLocation],
    profile: ProfileSettings,
    lifetime: dt.timedelta = CRL_LIFETIME,
    *,
    responders: bool = True,
) -> MaintenanceResult:
    """Renew what is due for an authority, unless another process is doing it. One failure does not stop the rest.

    Args:
        ledger: Where it is recorded.
        authority: Which one; it may be disabled.
        key: Gives its key, always the same; called only if something is due.
        places: From an alias of ``ocsp_key_backends`` to its place.
        profile: What certificates of responders are like.
        lifetime: Of CRLs.
        responders: Whether responders are renewed and swept too; another host may do that.

    Raises:
        AuthorityNotReadyError: It was never completed.
        LedgerError: The ledger cannot be used at all.
    """
    _ = authority.certificate  # says what to do if there is none
    if authority.is_idle:
        return MaintenanceResult()
    with _alone(ledger, authority) as other:
        if other is not None:
            return MaintenanceResult(other_claim=other)
        outcomes = list(_outcomes(_MaintenanceContext(ledger, authority, key, places, profile, lifetime, responders)))
    failures = {str(outcome): outcome for outcome in outcomes if isinstance(outcome, AnchorholdError)}
    return MaintenanceResult(
        tuple(outcome for outcome in outcomes if isinstance(outcome, str)), tuple(failures.values())
    )


def _outcomes(work: _MaintenanceContext) -> Iterator[str | AnchorholdError]:
    """What each step has done, or why it could not; the keys of authorities and of responders fail separately."""
    for step in (_redate, _renew_crls, *((_renew_responder, _sweep) if work.responders else ())):
        try:
            yield from step(work)
        except AnchorholdError as error:
            yield error


def _redate(work: _MaintenanceContext) -> Iterator[str]:
    moment = now()
    check_has_started(work.authority, moment)
    yield from correct_future_dates(work.ledger, work.authority, moment)


def _renew_crls(work: _MaintenanceContext) -> Iterator[str]:
    try:
        check_may_issue_crls(work.authority)
    except (AuthorityExpiredError, CertificateInvalidError):  # nobody would want them, today or later
        return
    for shard in shards_of(work.authority):
        if is_crl_due(work.ledger, work.authority, shard):
            with work.ledger.translate_errors():
                last = work.ledger.crls.state(work.authority.record.id, shard)
            made = generate_crl(work.ledger, work.key(), shard, work.lifetime)
            yield f"CRL number {made.number}{future_date_note(None if last is None else last.this_update, now())}"


def _renew_responder(work: _MaintenanceContext) -> Iterator[str]:
    try:
        work.authority.check_valid()
    except AuthorityExpiredError:  # nothing that it has signed is asked about, or not yet
        return
    if is_due(work.ledger, work.authority, work.places):
        with work.ledger.translate_errors():
            last = work.ledger.responders.active(work.authority.record.id)
        made = renew_responder(work.ledger, work.key(), work.places, work.profile)
        yield f"new responder {made.serial}{future_date_note(None if last is None else takes_effect_at(last), now())}"


def _sweep(work: _MaintenanceContext) -> Iterator[str | AnchorholdError]:
    swept = destroy_expired_responder_keys(work.ledger, work.authority, work.places)
    if swept.destroyed:
        yield f"destroyed {swept.destroyed} old responder key{'s' if swept.destroyed != 1 else ''}"
    yield from swept.failures


def is_crl_due(ledger: Ledger, authority: Authority, shard: int | None) -> bool:
    """Whether a list was never made, knows less than it should, has lived half of its time, or is of the future."""
    authority_id = authority.record.id
    with ledger.translate_errors():
        last = ledger.crls.last(authority_id, shard)
        if last is None or last.rewrite_count != ledger.authorities.rewrite_count(authority_id):
            return True
        if ledger.revocations.any_after(authority_id, shard=shard, after=last.last_revocation_id):
            return True
    moment = now()
    return (
        is_in_future(last.this_update, moment) or moment >= last.this_update + (last.next_update - last.this_update) / 2
    )


@contextmanager
def _alone(ledger: Ledger, authority: Authority) -> Iterator[Claim | None]:
    """Whether this process has the maintenance of the authority to itself; else who has it, None if nobody else."""
    with ledger.transaction():
        claim, mine = ledger.claims.claim(f"maintenance {authority.record.id}", "being maintained")
    if not mine:
        yield claim
        return
    with released_afterwards(ClaimedWork(ledger, claim, f"authority {authority.name!r}")):
        yield None
