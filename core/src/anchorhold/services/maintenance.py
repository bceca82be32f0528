"""Renewing what expires by itself: CRLs and OCSP responders."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError
from anchorhold.operations.by_alias import by_alias
from anchorhold.operations.crls import CRL_LIFETIME
from anchorhold.operations.maintenance import MaintenanceResult, maintain
from anchorhold.operations.responders import PROFILE
from anchorhold.services.responders import ResponderService

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from anchorhold.operations.authority import Authority
    from anchorhold.services.context import GivenSecrets, ServiceContext


class MaintenanceService:
    """The periodic work of an installation.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def run(
        self, authority: str | Authority, secrets: GivenSecrets = None, *, lifetime: dt.timedelta = CRL_LIFETIME
    ) -> MaintenanceResult:
        """Renew CRLs and the OCSP responder of an authority if they are due, without asking for a secret.

        Args:
            authority: Which one; a disabled one may, for certificates it signed are in use.
            secrets: For its key, if they are at hand.
            lifetime: Of CRLs.

        Returns:
            What was done, and what could not be: look at its ``failures``.

        Raises:
            AnchorholdError: Nothing could be tried; see `anchorhold.operations.maintenance.maintain`.
        """
        context = self._context.asking_once()
        found = context.authority(authority)
        location = ResponderService(context).location
        with ExitStack() as opened:
            key = cache(lambda: opened.enter_context(context.key_of(found, secrets, ask=False, flags=False)))
            return maintain(context.ledger, found, key, location, context.profile(PROFILE), lifetime)

    def run_all(
        self, authorities: Sequence[Authority], *, lifetime: dt.timedelta = CRL_LIFETIME
    ) -> Iterator[tuple[Authority, MaintenanceResult]]:
        """The same for many, in order; those whose keys are in several aliases are looked after at once.

        Args:
            authorities: Which ones.
            lifetime: Of CRLs.

        Returns:
            What became of each; that nothing could be tried is among its ``failures``.
        """

        def run(authority: Authority) -> MaintenanceResult:
            try:
                return self.run(authority, lifetime=lifetime)
            except AnchorholdError as error:
                return MaintenanceResult(failures=(error,))

        return by_alias(authorities, run, self._context.access.close)
