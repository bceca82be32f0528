"""What plugins are told afterwards: what was recorded, and which signature was thrown away. Nothing waits for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anchorhold.plugin.hook_markers import hookspec

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from anchorhold.audit import AuditContext
    from anchorhold.plugin.requests import CertificateAuthority, SignRequest

NOTICES = ("recorded", "rejected")
"""Hooks that plugins implement, wrappers too, and that nobody wraps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """What the ledger has committed.

    Attributes:
        kind: As in the history: ``certificate-issued``, ``certificate-revoked``, ``crl-made`` …
        at: When, UTC.
        ca: The authority it is about.
        serial: Serial number of the certificate it is about, in hex; None if it is about none.
        detail: More, as JSON has it.
        certificate: What was issued, in DER; else None.
        audit: From whom; None outside an installation.
    """

    kind: str
    at: dt.datetime
    ca: CertificateAuthority
    serial: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    certificate: bytes | None = None
    audit: AuditContext | None = None


class NoticeSpec:
    """Hooks that tell. What they raise is a warning that names the distribution; the work is done."""

    @hookspec
    def recorded(self, event: RecordedEvent) -> None:
        """Be told of what was recorded. Optional; wrappers implement it without wrapping.

        Called after the commit, once for each event and each certificate that was issued, in the order in which they
        were recorded. A process that is killed between the commit and this call tells nobody, so who needs all of them
        compares with the history. A backend is told if this process has used it; a wrapper always is.

        Args:
            event: What was recorded, and from whom.

        Raises:
            AnchorholdError: Or anything else; a warning names the distribution, and the work goes on.

        Example::

            class Journal:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.lines = []

                @hookimpl
                def recorded(self, event):
                    self.lines.append(f"{event.kind} {event.serial}")
        """

    @hookspec
    def rejected(self, request: SignRequest, reason: str) -> None:
        """Be told that core throws a signature away. Optional; wrappers implement it without wrapping.

        Called when a signature was made and does not verify, when a wrapper has failed or refused after it was made, or
        when the ledger did not take the certificate. A key that counts its signatures, or a log of them, can tell those
        apart that nobody will ever see.

        Args:
            request: What was signed.
            reason: Why the signature is of no use, in one sentence.

        Raises:
            AnchorholdError: Or anything else; a warning names the distribution, and the first error stays.

        Example::

            class Journal:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.lines = []

                @hookimpl
                def rejected(self, request, reason):
                    self.lines.append(f"{request.purpose} {reason}")
        """
