"""Pre-signed OCSP responses as files, which any web server serves (RFC 5019, section 2.2.1)."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from anchorhold.errors import InputError
from anchorhold.operations.presigned.change import replace_responses
from anchorhold.operations.presigned.folder import AnswerFolder
from anchorhold.operations.presigned.run import PresignedResult, Presigning, Which, presign
from anchorhold.operations.presigned.web_servers import SERVE_URL, WebServer, configuration
from anchorhold.operations.presigned.workers import WorkerOrder, Workers
from anchorhold.services.responders import ResponderService
from anchorhold.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.ledger import CertificateRecord
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.services.context import ServiceContext

WORKER: str = "anchorhold.services.ocsp_response_worker"


def _untold(_: int) -> None:
    """For a caller that does not ask how far it is."""


class OcspResponseService:
    """The pre-signed OCSP responses of an installation.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    @property
    def folder(self) -> Path | None:
        """The folder that the settings name; None if they name none."""
        return self._context.loaded.settings.ocsp_responses.folder

    def generate(
        self,
        authority: str | Authority,
        folder: Path | None = None,
        *,
        which: Which = "due",
        jobs: int | None = None,
        progress: Callable[[int], None] = _untold,
    ) -> PresignedResult:
        """Write the responses of an authority's certificates that are due, and remove those of expired ones.

        Args:
            authority: Which one; a disabled one may, for certificates it signed are in use.
            folder: Where they go; by default to the folder that the settings name.
            which: ``due`` for those of certificates that changed, are new or whose responses end soon; ``all`` for all;
                ``changed`` or ``ending`` for a part of what is due.
            jobs: How many processes sign; by default as many as there are processors. One where the settings of this
                installation are not those that another process would load.
            progress: Told how many more certificates were passed.

        Raises:
            InputError: No folder is named, or `jobs` is not positive.
            AnchorholdError: See `anchorhold.operations.presigned.run.presign`.
        """
        context, found = self._context, self._context.authority(authority)
        count = len(os.sched_getaffinity(0)) if jobs is None else jobs
        if count < 1:
            raise InputError(f"jobs: {count} is too few", hint="give 1 or more")
        place = self._named(folder)
        work = Presigning(
            ledger=context.ledger,
            authority=found,
            places=ResponderService(context).location,
            folder=AnswerFolder(place),
            workers=partial(self._workers, found, place, count) if self._can_start(count) else None,
            progress=progress,
        )
        return presign(work, which)

    def count(self, authority: Authority) -> int:
        """Of how many certificates an authority has responses when all are made."""
        from anchorhold.ledger.certificates import CertificateFilter

        ledger = self._context.ledger
        with ledger.translate_errors():
            return ledger.certificates.count(CertificateFilter(authority_id=authority.record.id))

    def web_server(self, kind: WebServer, folder: Path | None = None, *, serve_url: str = SERVE_URL) -> str:
        """The configuration of a web server that serves the responses, and passes on what is not there.

        Args:
            kind: ``nginx`` or ``caddy``.
            folder: With the responses; by default the one that the settings name.
            serve_url: Where ``anchorhold serve`` listens.

        Raises:
            InputError: No folder is named, its path cannot stand in such a file, or the URL is none.
        """
        return configuration(kind, self._named(folder), serve_url)

    def _named(self, folder: Path | None) -> Path:
        found = folder or self.folder
        if found is None:
            raise InputError("OCSP responses: no folder is named", hint="name one, or set ocsp_responses.folder")
        return found.absolute()

    def replace(self, certificate: CertificateRecord) -> None:
        """Let the folder that the settings name say of a certificate what the ledger says; nothing if they name none.

        Raises:
            OcspResponsesError: See `anchorhold.operations.presigned.change.replace_responses`.
        """
        if self.folder is not None:
            context = self._context
            issuer = context.authority_of_row(certificate.authority_id)
            location = ResponderService(context).location
            replace_responses(context.ledger, issuer, certificate, location, AnswerFolder(self.folder))

    def _can_start(self, count: int) -> bool:
        """Whether other processes can do the same: they load the same settings."""
        loaded, environment = self._context.loaded, self._context.access.environment
        return count > 1 and bool(sys.executable) and load_settings(loaded.path, environment) == loaded

    def _workers(self, authority: Authority, folder: Path, count: int, responder: ResponderRecord) -> Workers:
        context = self._context
        order = WorkerOrder(
            config=context.loaded.path,
            environment=dict(context.access.environment),
            audit=context.audit,
            deadline=context.deadline,
            authority_id=authority.record.id,
            responder_id=responder.id,
            folder=folder,
        )
        return Workers(WORKER, order, count)
