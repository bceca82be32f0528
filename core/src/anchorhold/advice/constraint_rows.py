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
_UNHANDLED: Final = "x509: unhandled critical extension"
_VIOLATION: Final = "NameConstraintViolation"
_NO_CHECKER: Final = "NotImplementedError: No containment checker available for GeneralNameType.IP_ADDRESS"

ALL_KINDS: Final = frozenset({"DNS", "IP", "email", "dirname", "URI"})


def _constraint(
    what: str, refused: Mapping[str, str] | None = None, *, untried: Iterable[str] = (), only: str | None = None
) -> Row:
    return row("authority", what, _TRIED, refused, untried=untried, only=only)


CONSTRAINTS: Final = (
    _constraint("critical name constraints", {"mbedtls": "intermediate refused at parse"}),
    _constraint("permitted DNS"),
    _constraint("excluded IP", untried=("rustls", "pkijs")),
    _constraint("permitted IP", {"pyhanko": _NO_CHECKER}, only="certificates with an IP address"),
    _constraint(
        "permitted email",
        {"botan2.19": "refused", "botan3.7": "refused", "rustls": _VIOLATION},
        only="certificates with a mailbox",
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
        only="certificates with a URI",
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
)
