"""What the server imports beyond the promised names, each with why; the list only shrinks."""

from __future__ import annotations

from typing import Final

_ANSWERS: Final = "OCSP responses are encoded in the server; the encoding belongs into core, beside that of CRLs"
_DATES: Final = "a service will say what is current, and when it stops being"
_RECORDS: Final = "rows of the ledger; services will give values"

SERVER_EXCEPTIONS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "anchorhold.cli.session": (("Session",), "`serve` is a command of the table, built as those of core are"),
    "anchorhold.installation": (("Installation", "open_installation"), "the door; it will be promised with services"),
    "anchorhold.issuing.authority": (("Authority",), _RECORDS),
    "anchorhold.issuing.crls": (("shards_of",), "which CRLs an authority has; the service of CRLs will tell"),
    "anchorhold.issuing.responders": (
        ("ANSWER_LIFETIME", "open_responder"),
        "lends the signer of a responder; the service of responders will",
    ),
    "anchorhold.ledger": (("Ledger", "epoch_reader"), "the epoch is read with every request, past every service"),
    "anchorhold.ledger.epoch": (("SELECT_EPOCH",), "the witness reads a SQLite file read-only, without a ledger"),
    "anchorhold.ledger.records": (("CrlDates", "CrlState", "ResponderRecord", "RevocationRecord"), _RECORDS),
    "anchorhold.seam.bridge": (("bridge_key", "builder_arguments"), _ANSWERS),
    "anchorhold.seam.facade": (("KeyBackend",), "type of what `open_responder` works with"),
    "anchorhold.x509.certificates": (("key_bits", "public_key_info", "subject_octets"), _ANSWERS),
    "anchorhold.x509.der": (("SEQUENCE", "span", "tlv"), _ANSWERS),
    "anchorhold.x509.loose_certificates": (("pem_of",), "certificates of authorities are published as PEM, too"),
    "anchorhold.x509.revocation": (("REASONS",), _ANSWERS),
    "anchorhold.x509.serials": (("format_serial", "is_too_long"), _ANSWERS),
    "anchorhold.x509.spans": (("EXAMPLES", "amount_of"), "options of `serve` are spans, like those of other commands"),
    "anchorhold.x509.validity": (("AHEAD", "BACKDATED", "begun", "is_ahead", "now"), _DATES),
}
"""Modules, each with the names and the reason."""
