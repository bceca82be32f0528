"""Keys of OCSP responders that nothing needs any more: destroyed where they are, or told of where they are not.

A key that is not found is not taken for destroyed: its alias may lead somewhere else than when the key was made, to
another folder or token, or to where nothing is mounted. Its record stays until it is destroyed, or until somebody says
that it is gone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError, BusyError, KeyMissingError, OperationUnsupportedError
from anchorhold.issuing.claiming import claimed
from anchorhold.issuing.older import is_young
from anchorhold.issuing.responders import destroy, forget, subject_of
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from anchorhold.issuing.authority import Authority
    from anchorhold.issuing.responders import OcspPlace
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import ResponderRecord

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What became of the keys.

    Attributes:
        destroyed: How many were destroyed.
        forgotten: How many were recorded as gone because somebody said so.
        failures: Why others may still be there; they are tried again next time.
    """

    destroyed: int
    forgotten: int
    failures: tuple[AnchorholdError, ...]


def sweep_responders(
    ledger: Ledger, authority: Authority, places: Callable[[str], OcspPlace], *, gone: bool = False
) -> Swept:
    """Destroy the keys of an authority's responders that nothing needs any more.

    Args:
        ledger: Where they are recorded.
        authority: Whose responders.
        places: From an alias to its place.
        gone: Whether somebody says that those are gone which cannot be found, or which their backend cannot destroy.
    """
    moment = now()
    with ledger.guarded():
        found = ledger.responders.of(authority.record.id)
        over = [responder for responder in found if _is_over(ledger, responder, authority, moment)]
    outcomes = [_sweep(ledger, authority, responder, places, gone=gone) for responder in over]
    return Swept(
        destroyed=outcomes.count("destroyed"),
        forgotten=outcomes.count("forgotten"),
        failures=tuple(outcome for outcome in outcomes if isinstance(outcome, AnchorholdError)),
    )


def _is_over(ledger: Ledger, responder: ResponderRecord, authority: Authority, moment: dt.datetime) -> bool:
    """Whether its last answer has run out, or its making was interrupted; no answer outlives the authority."""
    match responder.status:
        case "active":
            return authority.certificate.not_valid_after_utc < moment
        case "retired":
            return responder.answers_until is not None and responder.answers_until < moment
        case "pending":
            return _is_interrupted(ledger, responder, moment)
    return responder.status == "destroying"


def _is_interrupted(ledger: Ledger, responder: ResponderRecord, moment: dt.datetime) -> bool:
    """Whether nobody is making it any more; the release before makes no claims, so its keys have their time."""
    subject = subject_of(responder.id)
    if ledger.claims.was_made(subject):
        return ledger.claims.of(subject) is None
    return not is_young(responder.created_at, moment)


def _sweep(
    ledger: Ledger,
    authority: Authority,
    responder: ResponderRecord,
    places: Callable[[str], OcspPlace],
    *,
    gone: bool,
) -> str | AnchorholdError:
    """What became of one key."""
    try:
        with claimed(ledger, subject_of(responder.id), "being destroyed", "old responder key") as work:
            return "destroyed" if destroy(work, authority, responder, places) else "none"
    except BusyError as error:  # another one is at it
        logger.debug("not swept here", exc_info=error)
        return "none"
    except (KeyMissingError, OperationUnsupportedError) as error:
        if not gone:
            return error
        forget(ledger, authority, responder)
        return "forgotten"
    except AnchorholdError as error:
        return error
