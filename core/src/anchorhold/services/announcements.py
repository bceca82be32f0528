"""Telling plugins what was committed: from a row of the ledger to the hook `recorded` of an alias."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError
from anchorhold.operations.authority import Authority
from anchorhold.plugin.failed_notices import one_warning_each
from anchorhold.plugin.notices import RecordedEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.audit import AuditContext
    from anchorhold.backends import BackendRegistry
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.notices import Notice

logger = logging.getLogger(__name__)


def announce(backends: BackendRegistry, audit: AuditContext, ledger: Ledger, notices: Sequence[Notice]) -> None:
    """Tell the wrappers around the key of an authority, and its backend if that is in use, what was recorded of it.

    Whatever fails is a warning, because what was recorded stays.

    Args:
        backends: The key backends.
        audit: Who acts.
        ledger: Where it was recorded.
        notices: What.
    """
    authorities: dict[int, Authority] = {}
    with one_warning_each():
        try:
            for notice in notices:
                if notice.authority_id is None:
                    continue
                if notice.authority_id not in authorities:
                    with ledger.translate_errors():
                        authorities[notice.authority_id] = Authority(ledger.authorities.get(notice.authority_id))
                authority = authorities[notice.authority_id]
                manager = backends.listeners(authority.record.key_backend)
                if manager is not None:
                    manager.hook.recorded(event=_event(notice, authority, audit))
        except AnchorholdError as error:
            logger.warning("plugins could not be told what was recorded (%s)", error)


def _event(notice: Notice, authority: Authority, audit: AuditContext) -> RecordedEvent:
    return RecordedEvent(
        kind=notice.kind,
        at=notice.at,
        ca=authority.description,
        serial=notice.serial,
        detail=notice.detail,
        certificate=notice.certificate,
        audit=audit,
    )
