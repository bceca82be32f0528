"""Keys that were made elsewhere, to be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold import pkcs8, software_keys

if TYPE_CHECKING:
    from anchorhold.plugin import Secret
    from anchorhold.testing.harness import Harness


def foreign_key(harness: Harness, kind: Any = None) -> tuple[Secret, Any]:
    """A private key made elsewhere: as PEM PKCS#8, and its public half."""
    key = software_keys.generate(kind or harness.kind)
    return pkcs8.dump_pkcs8(key), key.public_key()
