"""A private key as the database has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anchorhold.plugin import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """One row.

    Attributes:
        key_id: Drawn by core.
        public_key: DER SubjectPublicKeyInfo, so that a key is recognised without any password.
        sealing: How `content` is sealed (see `anchorhold_db.encryption_at_rest`), as JSON without secrets; None if it
        is not.
        content: PEM PKCS#8 (RFC 5958), plain or encrypted with a password, and then sealed or not.
    """

    key_id: bytes
    public_key: bytes
    sealing: str | None
    content: Secret
