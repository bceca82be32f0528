"""What a request with an idempotency key is known by."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final

from anchorhold_desk.api.http_problems import UnreadableError

if TYPE_CHECKING:
    from anchorhold_desk.api.model import Model

_KEY: Final = re.compile(r"[\x21-\x7e]{1,64}")


def read_key(header: str | None) -> str | None:
    """The key of a request; None if it has none.

    Raises:
        UnreadableError: It cannot be used.
    """
    if header is None:
        return None
    key = header.strip().strip('"')
    if not _KEY.fullmatch(key):
        raise UnreadableError("Idempotency-Key: has not 1 to 64 visible ASCII characters", hint="use a UUID")
    return key


def digest_of_request(method: str, path: str, body: Model | None) -> str:
    """What tells requests under the same key apart; secrets in them are left out, for they could be guessed from it."""
    content = None if body is None else body.model_dump(mode="json")
    return hashlib.sha256(json.dumps([method, path, content], sort_keys=True).encode()).hexdigest()
