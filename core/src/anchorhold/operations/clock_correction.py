"""What a clock that was ahead has left in the ledger, and is dated back once the clock is right.

The ledger does not tell whether the clock was ahead then or is behind now. So the previous dates stay in the events,
and only keys of responders, which are created again, are destroyed because of a date that is changed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.errors import AuthorityExpiredError
from anchorhold.operations.responders import ANSWER_LIFETIME
from anchorhold.remedy import Remedy
from anchorhold.x509.crl_entries import crl_entry
from anchorhold.x509.validity import BACKDATE, CLOCK_TOLERANCE, is_in_future

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority


def check_has_started(authority: Authority, moment: dt.datetime) -> None:
    """Refuse what must be done at a moment when the authority is not valid yet: the clock is behind, or it was ahead.

    Raises:
        AuthorityNotReadyError: It was never completed.
        AuthorityExpiredError: It is not valid yet, by more than clocks are apart.
    """
    begins = authority.certificate.not_valid_before_utc
    if is_in_future(begins, moment):
        raise AuthorityExpiredError(
            f"authority {authority.name!r}: is not valid before {begins:%Y-%m-%d %H:%M} UTC",
            hint="check the clock of this machine; if it was ahead when the authority was created, disable it",
            remedy=Remedy("authorities.edit", {"authority": authority.name, "enabled": False}),
        )


def future_date_note(dated: dt.datetime | None, moment: dt.datetime) -> str:
    """A clause about the date of what is replaced, if it is in the future; else nothing."""
    if dated is None or not is_in_future(dated, moment):
        return ""
    return f"; the one before was dated in the future ({dated:%Y-%m-%d %H:%M} UTC)"


def correct_future_dates(ledger: Ledger, authority: Authority, moment: dt.datetime) -> Iterator[str]:
    """Date back what is dated in the future, and say so; what is signed with such dates is created again by others.

    Args:
        ledger: Where it is recorded.
        authority: Which one; it may be disabled.
        moment: The present.

    Raises:
        LedgerError: The database refused.
    """
    yield from _correct_responder_dates(ledger, authority, moment)
    with ledger.translate_errors():
        late = ledger.dates.future_revocations(authority.record.id, later_than=moment + CLOCK_TOLERANCE)
    if late:
        with ledger.transaction():
            ledger.authorities.lock(authority.record.id)
            serials = correct_revocation_dates(ledger, authority, moment)
        for serial in serials:
            yield f"certificate {serial} was revoked in the future; it is revoked since {moment:%Y-%m-%d %H:%M} UTC now"


def correct_revocation_dates(ledger: Ledger, authority: Authority, moment: dt.datetime, *, after: int = 0) -> list[str]:
    """Let revocations that are dated in the future begin now, in the caller's transaction.

    Some programs accept a certificate until the date of its revocation.

    Args:
        ledger: Where they are; the authority's row must be locked.
        authority: Whose they are.
        moment: The present.
        after: Row number behind which to look.

    Returns:
        The serial numbers.
    """
    late = ledger.dates.future_revocations(authority.record.id, later_than=moment + CLOCK_TOLERANCE, after=after)
    for found in late:
        invalidity = None if found.invalidity_at is None else min(found.invalidity_at, moment)
        entry = crl_entry(int(found.serial, 16), moment, found.reason, invalidity)
        ledger.dates.redate_revocation(found, revoked_at=moment, invalidity_at=invalidity, entry=entry)
        was = {"revoked_at": found.revoked_at.isoformat()}
        if found.invalidity_at != invalidity and found.invalidity_at is not None:
            was["invalidity_at"] = found.invalidity_at.isoformat()
        ledger.events.append("revocation-redated", authority.record, serial=found.serial, was=was)
    if late:
        ledger.authorities.count_rewrite(authority.record.id)
    return [found.serial for found in late]


def _corrected(responder: ResponderRecord) -> dt.datetime:
    return responder.created_at if responder.answers_until is None else responder.answers_until


def _correct_responder_dates(ledger: Ledger, authority: Authority, moment: dt.datetime) -> Iterator[str]:
    """No answer is good for longer than `ANSWER_LIFETIME`, and no key is begun in the future; minutes do no harm."""
    row, dates, latest = authority.record.id, ledger.dates, moment + BACKDATE + CLOCK_TOLERANCE
    with ledger.translate_errors():
        late = [
            found
            for found in ledger.responders.of(row)
            if (found.answers_until is not None and found.answers_until > latest + ANSWER_LIFETIME)
            or (found.status == "pending" and found.created_at > latest)
        ]
    if not late:
        return
    with ledger.transaction():
        ended = dates.limit_answers(row, at=moment + ANSWER_LIFETIME)
        begun = dates.redate_pending(row, at=moment, later_than=latest)
        if ended or begun:
            ledger.events.append(
                "ocsp-keys-redated",
                authority.record,
                was={found.key_id.hex(): str(_corrected(found)) for found in late},
            )
    for count, what in ((ended, "retired"), (begun, "begun")):
        if count:
            yield f"{count} old responder key{'s' if count != 1 else ''} {what} in the future; dated back to now"
