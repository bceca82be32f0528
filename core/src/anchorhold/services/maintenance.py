"""Renewing what expires by itself: CRLs and OCSP responders."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError, BusyError
from anchorhold.operations.by_alias import by_alias
from anchorhold.operations.crls import CRL_LIFETIME
from anchorhold.operations.maintenance import MaintenanceResult, maintain
from anchorhold.operations.responders import PROFILE
from anchorhold.services.responders import ResponderService
from anchorhold.x509.validity import now

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
        """Renew CRLs, the OCSP responder and pre-signed OCSP responses of an authority if they are due.

        Nobody is asked for a secret.

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
        own = context.lent_here(found) is None  # else responders are left to the host that asks for its signatures
        with ExitStack() as opened:
            key = cache(lambda: opened.enter_context(context.key_of(found, secrets, ask=False, flags=False)))
            profile = context.profile(PROFILE)
            done = maintain(context.ledger, found, key, location, profile, lifetime, responders=own)
        return self._with_responses(found, done) if own else done

    def _with_responses(self, authority: Authority, result: MaintenanceResult) -> MaintenanceResult:
        """The same with what became of pre-signed OCSP responses, which may take long and need no claim."""
        folder = self._context.loaded.settings.ocsp_responses.folder
        if folder is None or authority.is_idle or authority.certificate.not_valid_after_utc < now():
            return result
        from anchorhold.services.ocsp_responses import OcspResponseService

        if ResponderService(self._context).active(authority) is None:
            return result  # which has the reason, if there should be one
        try:
            made = OcspResponseService(self._context.asking_once()).generate(authority)
        except BusyError:  # who is at it does what is due
            return result
        except AnchorholdError as error:
            return replace(result, failures=(*result.failures, error))
        words = f"{made.written} OCSP response{'s' if made.written != 1 else ''} in {folder}"
        return replace(result, done=(*result.done, words)) if made.written else result

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
