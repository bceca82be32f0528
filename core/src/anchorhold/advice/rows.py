"""The whole table, and what in it is nearest to things that were not measured themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.advice.chain_rows import CHAINS
from anchorhold.advice.constraint_rows import CONSTRAINTS
from anchorhold.advice.key_file_rows import KEY_FILES
from anchorhold.advice.status_rows import CERTIFICATES, LISTS, RESPONDERS

if TYPE_CHECKING:
    from anchorhold.advice.row import Case, Row

ROWS: Final = (*CHAINS, *CONSTRAINTS, *CERTIFICATES, *LISTS, *RESPONDERS, *KEY_FILES)

_BY_NAME: Final = {(row.case, row.what): row for row in ROWS}

_NEAREST: Final = {
    **dict.fromkeys(("EC brainpoolP384r1", "EC brainpoolP512r1"), "EC brainpoolP256r1"),
    "RSA": "RSA with PSS",  # of responders, whose answers were PKCS#1 v1.5 all the same
    **dict.fromkeys(("ML-DSA-44", "ML-DSA-87"), "ML-DSA-65"),
    **{
        f"{signing} SHA3-{bits}": f"{signing} SHA3-256"
        for signing in ("EC with", "RSA with", "RSA with PSS and")
        for bits in (224, 384, 512)
    },
}
"""What was not measured, and what of its kind was."""


def row_of(case: Case, what: str) -> Row | None:
    """The row of a thing, or of the nearest one that was measured; None if nothing like it was."""
    return _BY_NAME.get((case, what)) or _BY_NAME.get((case, _NEAREST.get(what, "")))


def tried_with(case: Case) -> frozenset[str]:
    """Programs that were tried with anything of that case; others have no use for it."""
    return frozenset(program for row in ROWS if row.case == case for program in row.tried)
