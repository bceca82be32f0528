"""Keys of OCSP responders that nothing needs any more: destroyed where they are, or told of where they are not.

A key that is not found is not taken for destroyed: its alias may lead somewhere else than when the key was made, to
another folder or token, or to where nothing is mounted. Its record stays until it is destroyed, or until an operator
says that it is gone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anchorhold.errors import AnchorholdError, BusyError, KeyMissingError, OperationUnsupportedError
from anchorhold.operations.claims import claimed
from anchorhold.operations.previous_release import is_recent
from anchorhold.operations.responder_keys import claim_subject, destroy, forget
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.responder_keys import OcspKeyLocation

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupResult:
    """What became of the keys.

    Attributes:
        destroyed: How many were destroyed.
        forgotten: How many were recorded as gone because an operator said so.
        failures: Why others may still be there; they are tried again next time.
    """

    destroyed: int
    forgotten: int
    failures: tuple[AnchorholdError, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        failures = [error.to_json() for error in self.failures]
        return {"destroyed": self.destroyed, "forgotten": self.forgotten, "failures": failures}


def destroy_expired_responder_keys(
    ledger: Ledger, authority: Authority, places: Callable[[str], OcspKeyLocation], *, gone: bool = False
) -> CleanupResult:
    """Destroy the keys of an authority's responders that nothing needs any more.

    Args:
        ledger: Where they are recorded.
        authority: Whose responders.
        places: From an alias to its place.
        gone: Whether an operator says that those are gone which cannot be found, or which their backend cannot destroy.
    """
    moment = now()
    with ledger.translate_errors():
        found = ledger.responders.of(authority.record.id)
        over = [responder for responder in found if _is_over(ledger, responder, authority, moment)]
    outcomes = [_destroy_key(ledger, authority, responder, places, gone=gone) for responder in over]
    return CleanupResult(
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
    subject = claim_subject(responder.id)
    if ledger.claims.was_ever_made(subject):
        return ledger.claims.of(subject) is None
    return not is_recent(responder.created_at, moment)


def _destroy_key(
    ledger: Ledger,
    authority: Authority,
    responder: ResponderRecord,
    places: Callable[[str], OcspKeyLocation],
    *,
    gone: bool,
) -> str | AnchorholdError:
    """What became of one key."""
    try:
        with claimed(ledger, claim_subject(responder.id), "being destroyed", "old responder key") as work:
            return "destroyed" if destroy(work, authority, responder, places) else "none"
    except BusyError as error:  # another one is at it
        logger.debug("not cleaned up here", exc_info=error)
        return "none"
    except (KeyMissingError, OperationUnsupportedError) as error:
        if not gone:
            return error
        forget(ledger, authority, responder)
        return "forgotten"
    except AnchorholdError as error:
        return error
