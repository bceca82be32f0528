"""The authorities above one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anchorhold.operations.authority import Authority
    from anchorhold.services.context import ServiceContext


def chain_of(context: ServiceContext, authority: Authority) -> list[Authority]:
    """The authority, its parent, and so on up to the root or the highest that is known."""
    chain = [authority]
    while chain[-1].record.parent_id is not None:
        chain.append(context.authority_of_row(chain[-1].record.parent_id))
    return chain
