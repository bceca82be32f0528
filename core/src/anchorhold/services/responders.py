"""OCSP responders of authorities: a key and a delegated certificate (RFC 6960, section 4.2.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.operations.responder_cleanup import CleanupResult, destroy_expired_responder_keys
from anchorhold.operations.responder_keys import OcspKeyLocation
from anchorhold.operations.responders import PROFILE, has_key, is_due, renew_responder

if TYPE_CHECKING:
    from anchorhold.algorithms import KeySpec
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.services.context import GivenSecrets, ServiceContext


class ResponderService:
    """The OCSP responders of an installation.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def active(self, authority: Authority) -> ResponderRecord | None:
        """The responder that answers for an authority; None if there is none."""
        with self._context.ledger.translate_errors():
            return self._context.ledger.responders.active(authority.record.id)

    def renew(
        self, authority: str | Authority, secrets: GivenSecrets = None, *, key: KeySpec | None = None
    ) -> ResponderRecord:
        """Make a new responder for an authority; the old one retires, and `destroy_expired` destroys its key.

        Args:
            authority: Which one.
            secrets: For its key, which signs the responder's certificate.
            key: The kind of the responder's key; by default that of the authority's own.

        Raises:
            AnchorholdError: See `anchorhold.operations.responders.renew_responder`.
        """
        context = self._context
        with context.key_of(context.authority(authority), secrets) as own:
            return renew_responder(context.ledger, own, self.location, context.profile(PROFILE), key)

    def is_due(self, authority: Authority) -> bool:
        """Whether an authority needs a new responder; see `anchorhold.operations.responders.is_due`.

        It needs one, too, if the key is not where it was made, which only a look at it shows.
        """
        ledger = self._context.ledger
        return is_due(ledger, authority, self.location) or not has_key(ledger, authority, self.location)

    def destroy_expired(self, authority: Authority, *, gone: bool = False) -> CleanupResult:
        """Destroy keys of responders that nothing needs any more.

        Args:
            authority: Whose.
            gone: Whether those that cannot be found are recorded as gone.

        Returns:
            What became of them, failures included.
        """
        return destroy_expired_responder_keys(self._context.ledger, authority, self.location, gone=gone)

    def location(self, alias: str) -> OcspKeyLocation:
        """An alias of ``ocsp_key_backends``, ready for unattended use."""
        backend = self._context.backend(alias, "ocsp")
        return OcspKeyLocation(
            backend=backend,
            type=self._context.backends.aliases("ocsp")[alias].backend_type,
            store=backend.ocsp_store(),
            secrets=self._context.backends.ocsp_secrets(alias),
        )
