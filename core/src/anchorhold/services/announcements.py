"""Telling plugins what was committed: from a row of the ledger to the hook `recorded` of an alias."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError
from anchorhold.operations.authority import Authority
from anchorhold.plugin.notices import RecordedEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.audit import AuditContext
    from anchorhold.backends import BackendRegistry
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.notices import Notice

logger = logging.getLogger(__name__)


class Announcer:
    """Tells the wrappers around the key of an authority, and its backend if that is in use, what was recorded of it.

    Args:
        backends: The key backends.
        audit: Who acts.
    """

    def __init__(self, backends: BackendRegistry, audit: AuditContext) -> None:
        self._backends = backends
        self._audit = audit

    def tell(self, ledger: Ledger, notices: Sequence[Notice]) -> None:
        """Tell them after a commit; whatever fails is a warning, because what was recorded stays.

        Args:
            ledger: Where it was recorded.
            notices: What.
        """
        if not self._backends.anybody_listens:
            return
        authorities: dict[int, Authority] = {}
        try:
            for notice in notices:
                if notice.authority_id is None:
                    continue
                if notice.authority_id not in authorities:
                    with ledger.translate_errors():
                        authorities[notice.authority_id] = Authority(ledger.authorities.get(notice.authority_id))
                self._announce(authorities[notice.authority_id], notice)
        except AnchorholdError as error:
            logger.warning("plugins could not be told what was recorded (%s)", error)

    def _announce(self, authority: Authority, notice: Notice) -> None:
        manager = self._backends.listeners(authority.record.key_backend)
        if manager is None or not manager.hook.recorded.get_hookimpls():
            return
        manager.hook.recorded(
            event=RecordedEvent(
                kind=notice.kind,
                at=notice.at,
                ca=authority.description,
                serial=notice.serial,
                detail=notice.detail,
                certificate=notice.certificate,
                audit=self._audit,
            )
        )
