"""What an authority and those above it allow in a certificate below them (RFC 5280, section 6.1)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from anchorhold.errors import PathLengthError
from anchorhold.x509.name_constraints import check_permitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography import x509

    from anchorhold.operations.authority import Authority


class Chain:
    """An authority, its parent, and so on up to the root or the highest that is known.

    Args:
        authorities: The issuer first.

    Attributes:
        authorities: The same.
        issuer: The authority that signs.
    """

    def __init__(self, authorities: Sequence[Authority]) -> None:
        self.authorities = tuple(authorities)
        self.issuer = self.authorities[0]

    @cached_property
    def path_length(self) -> int | None:
        """How many authorities may follow below the issuer; None if there is no limit."""
        own = [(above.path_length, depth) for depth, above in enumerate(self.authorities)]
        limits = [length - depth for length, depth in own if length is not None]
        return max(min(limits), 0) if limits else None

    def check_path_length(self, wanted: int | None) -> None:
        """Refuse an authority that would never be valid here (section 4.2.1.9).

        Args:
            wanted: Its path length; None for unlimited.

        Raises:
            PathLengthError: The path length of the issuer, or of one above it, is used up.
        """
        limit = self.path_length
        if limit is None:
            return
        if limit == 0:
            raise PathLengthError(
                f"authority {self.issuer.name!r}: its path length is 0, so no authority can be below it",
                hint="use a parent with a greater path length",
            )
        if wanted is None or wanted >= limit:
            raise PathLengthError(
                f"authority {self.issuer.name!r}: leaves a path length of at most {limit - 1}",
                hint=f"ask for {limit - 1} or less instead of {'none' if wanted is None else wanted}",
            )

    def check_names(self, subject: x509.Name, names: Iterable[x509.GeneralName]) -> None:
        """Refuse names outside the name constraints of the issuer or of one above it (section 4.2.1.10).

        Raises:
            NameForbiddenError: With the first such name.
        """
        names = tuple(names)
        for above in self.authorities:
            if above.name_constraints is not None:
                check_permitted(subject, names, above.name_constraints, above.name)
