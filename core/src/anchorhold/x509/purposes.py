"""Key purposes (RFC 5280, section 4.2.1.12); without `cryptography`, so that settings can be checked."""

from __future__ import annotations

import re
from typing import Final

PURPOSES: Final = {
    "serverAuth": "1.3.6.1.5.5.7.3.1",
    "clientAuth": "1.3.6.1.5.5.7.3.2",
    "codeSigning": "1.3.6.1.5.5.7.3.3",
    "emailProtection": "1.3.6.1.5.5.7.3.4",
    "timeStamping": "1.3.6.1.5.5.7.3.8",
    "OCSPSigning": "1.3.6.1.5.5.7.3.9",
    "anyExtendedKeyUsage": "2.5.29.37.0",
    "smartcardLogon": "1.3.6.1.4.1.311.20.2.2",
}
"""Names and dotted object identifiers."""


def dotted(name: str) -> str:
    """The object identifier of a purpose, given by name or as it is.

    Raises:
        ValueError: It is neither.
    """
    if name in PURPOSES:
        return PURPOSES[name]
    if not re.fullmatch(r"[0-2](\.(0|[1-9]\d*))+", name):
        raise ValueError(f"{name!r} is not a key purpose, use one of {', '.join(PURPOSES)} or a dotted identifier")
    return name
