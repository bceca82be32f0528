"""Who looks after an authority at the moment. Every method runs within the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold.ledger.records import seconds

if TYPE_CHECKING:
    import datetime as dt


class Leases:
    """Takes and gives back leases.

    Args:
        model: The table.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def take(self, authority_id: int, holder: str, moment: dt.datetime, until: dt.datetime) -> bool:
        """Have an authority to oneself until then; False if somebody else has it at that moment."""
        model = self._model
        model.insert(authority_id=authority_id, holder="", until=0).on_conflict_ignore().execute()
        free = (model.authority_id == authority_id) & (model.until < seconds(moment))
        return bool(model.update(holder=holder, until=seconds(until)).where(free).execute())

    def give_back(self, authority_id: int, holder: str) -> None:
        """Let others have it; what somebody else has taken since stays theirs."""
        mine = (self._model.authority_id == authority_id) & (self._model.holder == holder)
        self._model.update(until=0).where(mine).execute()
