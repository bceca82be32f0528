"""What has to be renewed before it runs out: CRLs and OCSP responders; once, also when several look after it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError, AuthorityExpiredError, CertificateInvalidError
from anchorhold.issuing.claiming import Work, held
from anchorhold.issuing.clocks import check_begun, redate, said_ahead
from anchorhold.issuing.crls import LIFETIME, check_makes_crls, generate_crl, shards_of
from anchorhold.issuing.responders import begins, is_due, renew_responder
from anchorhold.issuing.sweeping import sweep_responders
from anchorhold.x509.validity import is_ahead, now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from anchorhold.issuing.authority import Authority
    from anchorhold.issuing.key import AuthorityKey
    from anchorhold.issuing.responders import OcspPlace
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.claims import Claim
    from anchorhold.profiles import ProfileSettings


@dataclass(frozen=True, slots=True)
class Maintained:
    """What became of what was due.

    Attributes:
        done: What was done, in words.
        failures: Why something was not; each of them once.
        other: The process that looks after the authority at the moment, because of which nothing was done here.
    """

    done: tuple[str, ...] = ()
    failures: tuple[AnchorholdError, ...] = ()
    other: Claim | None = None


@dataclass(frozen=True, slots=True)
class _Work:
    """What the steps work with; see `maintain`."""

    ledger: Ledger
    authority: Authority
    key: Callable[[], AuthorityKey]
    places: Callable[[str], OcspPlace]
    profile: ProfileSettings
    lifetime: dt.timedelta


def maintain(
    ledger: Ledger,
    authority: Authority,
    key: Callable[[], AuthorityKey],
    places: Callable[[str], OcspPlace],
    profile: ProfileSettings,
    lifetime: dt.timedelta = LIFETIME,
) -> Maintained:
    """Renew what is due for an authority, unless somebody else is at it. What fails keeps nothing else from its turn.

    Args:
        ledger: Where it is recorded.
        authority: Which one; it may be disabled.
        key: Gives its key, always the same; called only if something is due.
        places: From an alias of ``ocsp_key_backends`` to its place.
        profile: What certificates of responders are like.
        lifetime: Of CRLs.

    Raises:
        AuthorityNotReadyError: It was never completed.
        LedgerError: The ledger cannot be used at all.
    """
    _ = authority.certificate  # says what to do if there is none
    if authority.is_idle:
        return Maintained()
    with _alone(ledger, authority) as other:
        if other is not None:
            return Maintained(other=other)
        outcomes = list(_outcomes(_Work(ledger, authority, key, places, profile, lifetime)))
    failures = {str(outcome): outcome for outcome in outcomes if isinstance(outcome, AnchorholdError)}
    return Maintained(tuple(outcome for outcome in outcomes if isinstance(outcome, str)), tuple(failures.values()))


def _outcomes(work: _Work) -> Iterator[str | AnchorholdError]:
    """What each step has done, or why it could not; the keys of authorities and of responders fail separately."""
    for step in (_redate, _renew_crls, _renew_responder, _sweep):
        try:
            yield from step(work)
        except AnchorholdError as error:
            yield error


def _redate(work: _Work) -> Iterator[str]:
    moment = now()
    check_begun(work.authority, moment)
    yield from redate(work.ledger, work.authority, moment)


def _renew_crls(work: _Work) -> Iterator[str]:
    try:
        check_makes_crls(work.authority)
    except (AuthorityExpiredError, CertificateInvalidError):  # nobody would want them, today or later
        return
    for shard in shards_of(work.authority):
        if is_crl_due(work.ledger, work.authority, shard):
            with work.ledger.guarded():
                last = work.ledger.crls.state(work.authority.record.id, shard)
            made = generate_crl(work.ledger, work.key(), shard, work.lifetime)
            yield f"CRL number {made.number}{said_ahead(None if last is None else last.this_update, now())}"


def _renew_responder(work: _Work) -> Iterator[str]:
    try:
        work.authority.check_valid()
    except AuthorityExpiredError:  # nothing that it has signed is asked about, or not yet
        return
    if is_due(work.ledger, work.authority, work.places):
        with work.ledger.guarded():
            last = work.ledger.responders.active(work.authority.record.id)
        made = renew_responder(work.ledger, work.key(), work.places, work.profile)
        yield f"new responder {made.serial}{said_ahead(None if last is None else begins(last), now())}"


def _sweep(work: _Work) -> Iterator[str | AnchorholdError]:
    swept = sweep_responders(work.ledger, work.authority, work.places)
    if swept.destroyed:
        yield f"destroyed {swept.destroyed} old responder key{'s' if swept.destroyed != 1 else ''}"
    yield from swept.failures


def is_crl_due(ledger: Ledger, authority: Authority, shard: int | None) -> bool:
    """Whether a list was never made, knows less than it should, has lived half of its time, or is of the future."""
    authority_id = authority.record.id
    with ledger.guarded():
        last = ledger.crls.last(authority_id, shard)
        if last is None or last.rewrites != ledger.authorities.rewrites(authority_id):
            return True
        if ledger.revocations.any_after(authority_id, shard=shard, after=last.upto):
            return True
    moment = now()
    return is_ahead(last.this_update, moment) or moment >= last.this_update + (last.next_update - last.this_update) / 2


@contextmanager
def _alone(ledger: Ledger, authority: Authority) -> Iterator[Claim | None]:
    """Whether this process has the maintenance of the authority to itself; else who has it, None if nobody else."""
    with ledger.transaction():
        claim, mine = ledger.claims.take(f"maintenance {authority.record.id}", "being maintained")
    if not mine:
        yield claim
        return
    with held(Work(ledger, claim, f"authority {authority.name!r}")):
        yield None
