"""The one table of endpoints, and the parts of their paths."""

from __future__ import annotations

import re
from typing import Final

from anchorhold_desk.accounts import NAME
from anchorhold_desk.api import accounts, authorities, certificates, histories, own_tokens, requests

ENDPOINTS: Final = (
    *accounts.ENDPOINTS[:1],
    *authorities.ENDPOINTS,
    *certificates.ENDPOINTS,
    *requests.ENDPOINTS,
    *histories.ENDPOINTS,
    *accounts.ENDPOINTS[1:],
    *own_tokens.ENDPOINTS,
)
PARTS: Final = {
    "authority": (r"[^\x00-\x1f\x7f/]{1,200}", "Name of an authority"),
    "serial": (r"[0-9a-fA-F]{1,64}", "Serial number in hex, or its beginning if only one fits"),
    "number": (r"[1-9][0-9]{0,9}", "Number of a request"),
    "account": (NAME, "Name of an account"),
    "token": (r"[0-9a-f]{16}", "Identifier of a token"),
}
"""What the parts of paths look like, and what they are."""


def parts_of(path: str) -> list[str]:
    """The names of the parts of a path."""
    return re.findall(r"\{(\w+)\}", path)


def looks_right(name: str, text: str) -> bool:
    """Whether a text can be that part of a path."""
    return re.fullmatch(PARTS[name][0], text) is not None
