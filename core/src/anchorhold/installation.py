"""An installation: settings, ledger and key backends, and the services that work with them."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Self, Unpack

from anchorhold.audit import AuditContext
from anchorhold.services.context import ServiceContext
from anchorhold.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anchorhold.audit import Actor
    from anchorhold.ledger import Ledger
    from anchorhold.plugin.secret_resolver import Prompter
    from anchorhold.services.advice import AdviceService
    from anchorhold.services.authorities import AuthorityService
    from anchorhold.services.certificates import CertificateService
    from anchorhold.services.crls import CrlService
    from anchorhold.services.history import HistoryService
    from anchorhold.services.keys import KeyService
    from anchorhold.services.ledger_access import AccessOptions
    from anchorhold.services.maintenance import MaintenanceService
    from anchorhold.services.ocsp_responses import OcspResponseService
    from anchorhold.services.recovery import RecoveryService
    from anchorhold.services.requests import RequestService
    from anchorhold.services.responders import ResponderService
    from anchorhold.services.revocations import RevocationService
    from anchorhold.services.signing import SigningService
    from anchorhold.services.workers import WorkerService
    from anchorhold.settings import LoadedSettings


class Installation:
    """A certificate authority installation, with its services as attributes.

    The ledger is opened or created when first needed; beside keys none is created. Each thread closes its connection.

    Args:
        context: What the services share; `of` and `open_installation` make one.

    Attributes:
        advice: Which programs refuse what is made here.
        authorities: Creating, importing, editing and finding authorities.
        certificates: Issuing and finding certificates.
        crls: Certificate revocation lists.
        history: What was done, by whom and when.
        keys: Checking and moving private keys.
        maintenance: Renewing CRLs and OCSP responders that are due.
        ocsp_responses: Pre-signed OCSP responses as files.
        recovery: Finishing or abandoning what was interrupted.
        requests: Requests that wait to be signed, here or by another process.
        responders: OCSP responders.
        revocations: Revoking certificates, and removing a hold.
        signing: Signing what another process intends.
        workers: Processes that sign for others.
        loaded: The settings.
        backends: The key backends.
        access: How the ledger is opened.
        notes: Sentences about what succeeded, for the caller.
    """

    advice: AdviceService
    authorities: AuthorityService
    certificates: CertificateService
    crls: CrlService
    history: HistoryService
    keys: KeyService
    maintenance: MaintenanceService
    ocsp_responses: OcspResponseService
    recovery: RecoveryService
    requests: RequestService
    responders: ResponderService
    revocations: RevocationService
    signing: SigningService
    workers: WorkerService

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self.loaded, self.backends = context.loaded, context.backends
        self.access, self.notes = context.access, context.notes
        self._owns_backends = False

    @classmethod
    def of(
        cls,
        loaded: LoadedSettings,
        environment: Mapping[str, str] | None = None,
        prompter: Prompter | None = None,
        *,
        audit: AuditContext | None = None,
        **access: Unpack[AccessOptions],
    ) -> Self:
        """The installation that loaded settings describe; arguments as for `open_installation`."""
        opened = cls(ServiceContext.of(loaded, environment, prompter, audit, **access))
        opened._owns_backends = True
        return opened

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """A service, imported when it is first used, so that commands start quickly."""
            kind = Installation.__annotations__.get(name)
            if kind is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            made = getattr(import_module(f"anchorhold.services.{name}"), kind)(self._context)
            return vars(self).setdefault(name, made)  # one for all threads

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *Installation.__annotations__})

    @property
    def ledger(self) -> Ledger:
        """The ledger, for code of anchorhold itself: its classes and tables are not promised to others.

        Raises:
            LedgerError, LedgerVersionError, LedgerForeignError: It cannot be opened.
        """
        return self._context.ledger

    def as_actor(self, actor: Actor | str, correlation_id: str | None = None) -> Self:
        """The same installation for another actor; both share connections to the ledger.

        Args:
            actor: Who acts; a text names a service on this host, such as ``anchorhold serve``.
            correlation_id: Ties together what is done for one purpose; by default a new random one.
        """
        return type(self)(self._context.acting_as(AuditContext.of(actor, correlation_id)))

    def within(self, seconds: float) -> Self:
        """The same installation for a caller that waits so long; both share connections to the ledger.

        Key backends are told the deadline with each request. After it they are asked for nothing more, but to take back
        what was begun; a backend that pays no attention to it is not interrupted.

        Args:
            seconds: From now on.

        Raises:
            DeadlineError: By what needs a key after that.
        """
        return type(self)(self._context.until(time.monotonic() + seconds))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._owns_backends:  # not one from `as_actor` or `within`, which share them
            self.backends.close()

    def close(self) -> None:
        """Close this thread's connection to the ledger, if it was opened.

        Key backends are closed at the end of the ``with`` statement of `open_installation`, or with the process.
        """
        self.access.close()


def open_installation(
    config: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    prompter: Prompter | None = None,
    audit: AuditContext | None = None,
    **access: Unpack[AccessOptions],
) -> Installation:
    """Open the installation that the settings describe; with no settings at all, the defaults.

    Args:
        config: The settings file; by default it is looked for.
        environment: The variables, for secrets too; by default ``os.environ``.
        prompter: Asks a person for a secret that is needed and missing; by default there is no prompt.
        audit: Who acts, for the history; by default the user who runs this process.
        access: How the ledger is opened; see `AccessOptions`.

    Raises:
        SettingsError: The settings are wrong.
    """
    return Installation.of(load_settings(config, environment), environment, prompter, audit=audit, **access)
