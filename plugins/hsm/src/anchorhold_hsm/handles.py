"""What a key of a token is found by again, and how the ledger has it: id, label, and the token it was made in."""

from __future__ import annotations

from typing import Final, NamedTuple

from anchorhold.plugin import KeyHandle

HANDLE_VERSION: Final = 1


class KeyReference(NamedTuple):
    """What a private key is found by. A tuple, because it is looked up for every signature.

    Attributes:
        id: CKA_ID; empty if it has none.
        label: CKA_LABEL; empty if it has none.
    """

    id: bytes
    label: str

    def __str__(self) -> str:
        return f"key {self.label!r}" if self.label else f"key with id {self.id.hex()}"


def handle_of(reference: KeyReference, *, token: str, serial: str) -> KeyHandle:
    """For the ledger.

    Args:
        reference: What the key is found by.
        token: Label of its token, for messages, since a key may have moved to another one with its id.
        serial: Serial number of its token, for messages.
    """
    data = {"id": reference.id.hex(), "label": reference.label, "token": token, "serial": serial}
    return KeyHandle(version=HANDLE_VERSION, data=data)


def reference_of(handle: KeyHandle) -> KeyReference:
    """What to look for."""
    return KeyReference(bytes.fromhex(handle.data["id"]), str(handle.data["label"]))


def origin_of(handle: KeyHandle) -> str:
    """The token it was made in, for messages."""
    return f"the token {handle.data['token']!r} (serial number {handle.data['serial'] or 'none'})"
