"""All that the server reads of the ledger; no other module of it touches the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from anchorhold.errors import AnchorholdError, LedgerError
from anchorhold.operations.responder_keys import open_responder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anchorhold.installation import Installation
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import CrlDates, CrlRecord, CrlState, ResponderRecord, RevocationRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.plugin import Secret, Signer
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.services.workers import RefusalCount, WorkerRecord

    KeyPasswords: TypeAlias = Mapping[str, Secret]
    """Passwords of one key, by the names of the options of its backend."""

T = TypeVar("T")


def reread(read: Callable[[], T]) -> T:
    """Read from the ledger; once more if that fails, for a database server that was restarted has closed connections.

    Raises:
        LedgerError: It fails again.
    """
    try:
        return read()
    except LedgerError:
        return read()


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate that its authority has issued.

    Attributes:
        revocation: Its revocation; None if it is not revoked.
    """

    revocation: RevocationRecord | None


class LedgerReader:
    """Reads the ledger of an installation. Threads may share it; each has its own connection.

    All methods raise `LedgerError` if the ledger cannot be read.

    Args:
        installation: With the ledger and the keys of responders.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._opened: Ledger | None = None
        self._location = cache(lambda alias: installation.responders.location(alias))  # settings stay as they were read

    @property
    def database_url(self) -> str:
        """Of the ledger; no secret must be shown of it."""
        return self._installation.access.url

    @property
    def _ledger(self) -> Ledger:
        if self._opened is None:  # the property of the installation takes a lock, too slow for each request
            self._opened = self._installation.ledger
        return self._opened

    def open(self) -> None:
        """Open the ledger, if that was not done yet."""
        _ = self._ledger

    def close(self) -> None:
        """Close the connection of this thread."""
        self._ledger.close()

    def limit_lock_wait(self, seconds: float) -> None:
        """See `anchorhold.ledger.Ledger.limit_lock_wait`."""
        self._ledger.limit_lock_wait(seconds)

    def revision(self) -> int:
        """A number that changes with everything that is served, issuance excepted."""
        return self._ledger.revision()

    def authorities(self) -> Sequence[Authority]:
        """All authorities."""
        return self._installation.authorities.list()

    def responders(self) -> Mapping[int, Sequence[ResponderRecord]]:
        """The responders of each authority whose keys may exist, the oldest first, by its row number."""
        ledger = self._ledger
        with ledger.translate_errors():
            return ledger.responders.of_all()

    def certificate(self, authority: Authority, serial: str) -> IssuedCertificate | None:
        """A certificate by its issuer and its serial number (hex); None if it was not issued."""
        ledger = self._ledger
        with ledger.translate_errors():
            for record in ledger.certificates.find(serial, authority.record.id, limit=1):
                if record.serial == serial and record.status == "issued":
                    return IssuedCertificate(ledger.revocations.of([record.id]).get(record.id))
        return None

    def workers(self) -> tuple[Sequence[WorkerRecord], Sequence[RefusalCount]]:
        """Workers that sign for other hosts, and what they have refused in the last 24 hours."""
        service = self._installation.workers
        return service.list(), service.refusals()

    def crl_dates(self) -> Mapping[int, Mapping[int | None, CrlDates]]:
        """When the newest CRLs of all authorities begin and end; see `CrlRepository.dates_of_all` of core."""
        ledger = self._ledger
        with ledger.translate_errors():
            return ledger.crls.dates_of_all()

    def crl_state(self, authority: Authority, shard: int | None) -> CrlState | None:
        """What identifies the newest CRL of a shard, None for the full one; None if there is no CRL."""
        ledger = self._ledger
        with ledger.translate_errors():
            return ledger.crls.state(authority.record.id, shard)

    def crl(self, authority: Authority, shard: int | None) -> CrlRecord | None:
        """The newest CRL of a shard with its octets; None if there is none."""
        return self._installation.crls.latest(authority, shard)

    def check_responder_backends(self) -> None:
        """Look whether the settings have the key backend of each active responder.

        Raises:
            UnknownAliasError: One is missing.
            AnchorholdError: It cannot be used at all.
        """
        ledger = self._ledger
        with ledger.translate_errors():
            aliases = ledger.responders.active_aliases()
        for alias in aliases:
            self._location(alias)

    def responder_backend(self, alias: str) -> KeyBackend:
        """The backend of an alias of ``ocsp_key_backends``.

        Raises:
            AnchorholdError: The alias is not configured, or its backend cannot be used at all.
        """
        return self._installation.backends.get(alias, "ocsp")

    def key_threads(self, alias: str, usual: int) -> int:
        """How many threads may use one key of an alias at the same time; see `Capabilities.threads`."""
        try:
            return self.responder_backend(alias).capabilities.threads(usual)
        except AnchorholdError:  # is told when the key is opened
            return usual

    def responder_passwords(self) -> Mapping[int, KeyPasswords]:
        """The passwords that core generated for the key of each responder that answers, by the row of the responder."""
        ledger = self._ledger
        with ledger.translate_errors():
            return ledger.responders.active_secrets()

    def open_responder_key(
        self, authority: Authority, responder: ResponderRecord, generated: KeyPasswords | None = None
    ) -> Signer:
        """The signer of a responder; the connection of this thread is closed afterwards.

        Args:
            authority: Whose responder.
            responder: Whose key.
            generated: What `responder_passwords` has for it; None to read that from the ledger.

        Raises:
            AnchorholdError: The key cannot be used.
        """
        place = self._location(responder.key_backend)
        ledger = self._ledger
        try:
            return open_responder(ledger, authority, responder, place, generated)
        finally:
            ledger.close()  # threads of keys need it for nothing else
