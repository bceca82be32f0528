"""What the desk imports beyond the promised names, each with why; the list only shrinks."""

from __future__ import annotations

from typing import Final

_ANSWERS: Final = "what services take and return; they will be promised with the services"
_TEXT: Final = "people type and read serial numbers, moments and reasons at the desk as at the command line"

DESK_EXCEPTIONS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "anchorhold.advice.verdict": (("Advice",), _ANSWERS),
    "anchorhold.cli.command_context": (
        ("CommandContext",),
        "`desk` is a command of the table, built as those of core are",
    ),
    "anchorhold.ledger": (("CertificateRecord",), _ANSWERS),
    "anchorhold.ledger.audits": (("HistoryFilter",), _ANSWERS),
    "anchorhold.ledger.certificates": (("CertificateFilter",), _ANSWERS),
    "anchorhold.ledger.records": (
        ("CrlDates", "RequestRecord", "RequestStatus", "ResponderRecord", "RevocationRecord"),
        _ANSWERS,
    ),
    "anchorhold.operations.authority": (("Authority",), _ANSWERS),
    "anchorhold.operations.order": (("Copied", "Order"), _ANSWERS),
    "anchorhold.operations.requests": (("Preview",), _ANSWERS),
    "anchorhold.plugin.backend_options": (("options_of",), "which secrets a key needs; the service of keys will tell"),
    "anchorhold.profiles.description": (("DescribedProfile", "described_profiles"), _ANSWERS),
    "anchorhold.secret": (("Secret",), "passwords and PINs that people type"),
    "anchorhold.services.context": (("GivenSecrets",), _ANSWERS),
    "anchorhold.services.history": (("HistoryEntry",), _ANSWERS),
    "anchorhold.x509.crl_entries": (("HOLD", "REASONS"), _TEXT),
    "anchorhold.x509.describe": (("describe",), "the same words for a certificate as the command line has"),
    "anchorhold.x509.pem": (("pem_of",), "certificates and requests are shown as PEM"),
    "anchorhold.x509.serials": (("complete_serial", "parse_serial"), _TEXT),
    "anchorhold.x509.validity": (("now", "parse_expiry", "parse_past"), _TEXT),
}
"""Modules, each with the names and the reason."""
