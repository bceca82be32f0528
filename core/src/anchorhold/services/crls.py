"""Certificate revocation lists (RFC 5280, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.operations.crls import CRL_LIFETIME, generate_crl, shards_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from anchorhold.ledger.records import CrlDates, CrlRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.services.context import GivenSecrets, ServiceContext


class CrlService:
    """The CRLs of an installation.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def generate(
        self, authority: str | Authority, secrets: GivenSecrets = None, *, lifetime: dt.timedelta = CRL_LIFETIME
    ) -> Iterator[CrlRecord]:
        """Make the CRLs of an authority one after the other: the full one, then the partitioned ones.

        Args:
            authority: Which one; a disabled one may, for certificates it signed are in use.
            secrets: For its key.
            lifetime: Until the next ones are due.

        Raises:
            AnchorholdError: See `anchorhold.operations.crls.generate_crl`.
        """
        context = self._context
        with context.key_of(context.authority(authority), secrets) as key:
            for shard in shards_of(key.authority):
                yield generate_crl(context.ledger, key, shard, lifetime)

    def latest(self, authority: str | Authority, shard: int | None = None) -> CrlRecord | None:
        """The newest CRL of an authority; None if none was made.

        Args:
            authority: Which one.
            shard: Number of a partitioned CRL; None for the full one.
        """
        found = self._context.authority(authority)
        with self._context.ledger.translate_errors():
            return self._context.ledger.crls.last(found.record.id, shard)

    def dates(self, authority: Authority) -> Mapping[int | None, CrlDates]:
        """Numbers and dates of the newest CRLs of an authority, by shard; None stands for the full one."""
        with self._context.ledger.translate_errors():
            return self._context.ledger.crls.dates(authority.record.id)
