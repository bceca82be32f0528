"""What the server imports beyond the promised names, each with why; the list only shrinks."""

from __future__ import annotations

from typing import Final

_OCSP: Final = "the encoding of OCSP, of identifiers and of serial numbers is core's"
_DATES: Final = "a service will say what is current, and when it stops being"
_RECORDS: Final = "rows of the ledger; services will give values"

SERVER_EXCEPTIONS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "anchorhold.cli.command_context": (
        ("CommandContext",),
        "`serve` is a command of the table, built as those of core are",
    ),
    "anchorhold.operations.authority": (("Authority",), _RECORDS),
    "anchorhold.operations.crls": (("shards_of",), "which CRLs an authority has; the service of CRLs will tell"),
    "anchorhold.operations.ocsp_answers": (
        ("AnswerTemplate", "MAX_CACHE_AGE", "status_of"),
        "what an answer says, for the server and for files",
    ),
    "anchorhold.operations.responder_keys": (
        ("open_responder",),
        "lends the signer of a responder; the service of responders will",
    ),
    "anchorhold.operations.responders": (
        ("ANSWER_LIFETIME",),
        "how long a response holds, for the server and for keys",
    ),
    "anchorhold.operations.signing": (("sign_and_verify",), "responses are signed and verified like all else"),
    "anchorhold.ledger": (("Ledger",), "the revision is read with every request, past every service"),
    "anchorhold.ledger.fresh_revision": (("BUSY", "fresh_revision_reader"), "its watcher reads without a ledger"),
    "anchorhold.ledger.records": (
        ("CrlDates", "CrlRecord", "CrlState", "ResponderRecord", "RevocationRecord"),
        _RECORDS,
    ),
    "anchorhold.plugin.key_backend": (("KeyBackend",), "type of what `open_responder` works with"),
    "anchorhold.x509.der": (("span",), _OCSP),
    "anchorhold.x509.pem": (("LINE", "pem_lines", "pem_of"), "certificates and CRLs are published as PEM, too"),
    "anchorhold.x509.ocsp": (
        (
            "CertStatus",
            "ERROR_RESPONSES",
            "NEVER_ISSUED",
            "OCSPResponseStatus",
            "issuer_hashes",
        ),
        _OCSP,
    ),
    "anchorhold.x509.ocsp_requests": (
        ("CertID", "MalformedRequestError", "OCSPRequest", "UnknownHashError", "load_ocsp_request"),
        _OCSP,
    ),
    "anchorhold.x509.serials": (("format_serial",), _OCSP),
    "anchorhold.x509.durations": (
        ("EXAMPLES", "amount_of"),
        "options of `serve` are spans, like those of other commands",
    ),
    "anchorhold.x509.validity": (("CLOCK_TOLERANCE", "is_in_future", "now"), _DATES),
}
"""Modules, each with the names and the reason."""
