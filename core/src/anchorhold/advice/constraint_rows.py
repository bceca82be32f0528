"""Critical name constraints in an issuing authority, with a certificate within them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.advice.row import row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorhold.advice.row import Row

_TRIED: Final = (
    *("openssl3.0", "gnutls3.7", "java17", "nss3.87", "mbedtls", "wolfssl5.5", "go", "cryptography", "pyhanko"),
    *("bouncycastle1.72", "botan", "rustls", "pkijs"),
)
_TRIED_EXCLUDED: Final = (
    *("openssl3.0", "openssl3.5", "python-ssl", "nginx", "curl", "gnutls3.7", "java17.0.15", "nss3.87", "node", "go"),
    *("cryptography", "pyhanko", "botan2.19", "rustls"),
)
_UNHANDLED: Final = "x509: unhandled critical extension"
_VIOLATION: Final = "NameConstraintViolation"
_NO_CHECKER: Final = "NotImplementedError: No containment checker available for GeneralNameType.IP_ADDRESS"

_VIOLATES: Final = "The certificate chain violates the signer's constraints."
_WITH: Final = {
    "IP": "certificates with an IP address",
    "email": "certificates with a mailbox",
    "URI": "certificates with a URI",
}

ALL_KINDS: Final = frozenset({"DNS", "IP", "email", "dirname", "URI"})


def _constraint(
    what: str, refused: Mapping[str, str] | None = None, *, untried: Iterable[str] = (), only: str | None = None
) -> Row:
    return row("authority", what, _TRIED, refused, untried=untried, only=only)


def _excluded(kind: str, refused: Mapping[str, str]) -> Row:
    return row("authority", f"excluded {kind}", _TRIED_EXCLUDED, refused, only=_WITH.get(kind))


CONSTRAINTS: Final = (
    _constraint("critical name constraints", {"mbedtls": "intermediate refused at parse"}),
    _constraint("permitted DNS"),
    _constraint("excluded IP", untried=("pkijs",)),
    _constraint("permitted IP", {"pyhanko": _NO_CHECKER}, only=_WITH["IP"]),
    _constraint(
        "permitted email",
        {"botan2.19": "refused", "botan3.7": "refused", "rustls": _VIOLATION},
        only=_WITH["email"],
    ),
    _constraint(
        "permitted dirname",
        {"go": _UNHANDLED, "cryptography": "unsupported directoryName constraint", "rustls": _VIOLATION},
    ),
    _constraint(
        "permitted URI",
        {
            "cryptography": "unsupported name constraint",
            "botan2.19": "refused",
            "botan3.7": "refused",
            "rustls": _VIOLATION,
        },
        only=_WITH["URI"],
    ),
    _constraint(
        "permitted names of five kinds",
        {
            "wolfssl5.5": "-198 Name Constraint error",
            "go": _UNHANDLED,
            "cryptography": "unsupported directoryName constraint",
            "pyhanko": "NotImplementedError",
            "botan": "refused",
            "rustls": _VIOLATION,
        },
        only="certificates with names of all five kinds",
    ),
    _excluded("DNS", {}),
    _excluded("email", {"rustls": _VIOLATION}),
    _excluded(
        "dirname",
        {
            "gnutls3.7": _VIOLATES,
            "go": _UNHANDLED,
            "cryptography": "unsupported directoryName constraint",
            "rustls": _VIOLATION,
        },
    ),
    _excluded("URI", {"gnutls3.7": _VIOLATES, "cryptography": "unsupported name constraint", "rustls": _VIOLATION}),
)
