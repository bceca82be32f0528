"""ETags of single things (RFC 9110, section 8.8.3), from their content."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def encoded(content: dict[str, Any]) -> bytes:
    """Content as it is sent."""
    return json.dumps(content, separators=(",", ":")).encode()


def etag_of(content: dict[str, Any] | bytes) -> str:
    """The ETag of content, in its quotes."""
    octets = content if isinstance(content, bytes) else encoded(content)
    return f'"{hashlib.sha256(octets).hexdigest()[:32]}"'
