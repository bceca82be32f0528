"""The wrapper itself: an intent before the key signs, and a result before the signature is handed out.

An intent says ``id``, ``alias``, ``role``, ``purpose``, ``authority`` (its subject), ``name`` (in the ledger), ``key``
(SHA-256 of its SubjectPublicKeyInfo), ``serial`` (of a certificate, in hex), ``digest`` (SHA-256 of all octets to be
signed), ``algorithm``, ``actor``, ``correlation`` and ``process``. A result says ``id`` and the ``signature`` (its
SHA-256), or the name of the ``error``.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field

from anchorhold.errors import RefusedError
from anchorhold.plugin import API_VERSION, hookimpl
from anchorhold.public_keys import spki
from anchorhold_audit_log.entries import digest_of
from anchorhold_audit_log.log_file import LogFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.plugin import Signer, SignRequest, WrapperContext, Wrapping

WAIT: Final = 10.0
"""Seconds to wait for other processes that write."""
logger = logging.getLogger(__name__)


class AuditLog:
    """Lets a key sign what it has written down.

    Args:
        options: Of the wrapper.
        context: Whose keys these are.
    """

    anchorhold_api = API_VERSION

    class Options(BaseModel, extra="forbid"):
        """``wrappers.audit-log.options`` in the settings."""

        file: Path
        wait: float = Field(default=WAIT, gt=0, le=600)

    def __init__(self, options: Options, context: WrapperContext) -> None:
        self._log = LogFile(options.file.expanduser(), options.wait)
        self._place = {"alias": context.alias, "role": context.role}

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        """Write what is to be signed, let the key sign, and write how that ended."""
        number = os.urandom(8).hex()
        self._write("intent", {"id": number, **self._place, **_facts(request, signer)}, "nothing was signed")
        try:
            signature = yield
        except BaseException as error:
            self._write_failure({"id": number, "error": type(error).__name__})
            raise
        self._write("signed", {"id": number, "signature": digest_of(signature)}, "the signature is withheld")
        return signature

    def _write_failure(self, facts: Mapping[str, Any]) -> None:
        """Append how a signature failed; what the key has raised is of more use than why this cannot be written."""
        try:
            self._write("failed", facts, "how a signature failed is not in it")
        except RefusedError:
            logger.exception("audit-log: a failure is not in the log")

    def _write(self, event: str, facts: Mapping[str, Any], consequence: str) -> None:
        """Append an entry.

        Raises:
            RefusedError: It cannot be written.
        """
        try:
            self._log.append(event, facts)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise RefusedError(
                f"audit-log: {self._log.path} cannot be written ({reason}), so {consequence}",
                hint="make the log writable, or move a damaged one away and keep it",
            ) from error


def _facts(request: SignRequest, signer: Signer) -> dict[str, Any]:
    """Who wants what to be signed, for an intent."""
    audit, draft = request.audit, request.draft
    return {
        "purpose": request.purpose,
        "authority": request.ca.subject,
        "name": request.ca.name,
        "key": digest_of(spki(signer.public_key)),
        "serial": None if draft is None else f"{draft.serial:x}",
        "digest": digest_of(request.message),
        "algorithm": str(request.algorithm),
        "actor": None if audit is None else audit.actor.to_json(),
        "correlation": None if audit is None else audit.correlation_id,
        "process": os.getpid(),
    }
