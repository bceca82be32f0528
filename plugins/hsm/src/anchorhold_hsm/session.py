"""A session with a token, and the private keys found in it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pkcs11.attributes import AttributeMapper
from pkcs11.constants import Attribute
from pkcs11.exceptions import PKCS11Error

if TYPE_CHECKING:
    from pkcs11 import Session

    from anchorhold_hsm.handles import KeyReference
    from anchorhold_hsm.token_state import TokenState

PUBLIC_KEY_INFO: Any = 0x129
"""CKA_PUBLIC_KEY_INFO (PKCS #11 v2.40, section 4.8), which python-pkcs11 has no name for."""


def attribute_mapper() -> AttributeMapper:
    """python-pkcs11's, except that labels in other encodings do no harm."""
    mapper = AttributeMapper()
    mapper.register_handler(PUBLIC_KEY_INFO, bytes, bytes)
    mapper.register_handler(Attribute.LABEL, str.encode, lambda label: label.rstrip(b"\0").decode(errors="replace"))
    return mapper


@dataclass(frozen=True, slots=True)
class KeyObject:
    """A private key in a session.

    Attributes:
        object: As python-pkcs11 has it.
        asks_pin: Whether it wants the PIN for every single use (CKA_ALWAYS_AUTHENTICATE).
    """

    object: Any
    asks_pin: bool


class TokenSession:
    """A session, and the keys found in it.

    Attributes:
        token: The token it belongs to.
        session: The session; private keys are visible in it.
        writing: Whether objects of the token can be changed in it.
        keys: Key objects; they live as long as the session.
    """

    def __init__(self, token: TokenState, session: Session, *, writing: bool) -> None:
        self.token = token
        self.session: Any = session
        self.writing = writing
        self.keys: dict[KeyReference, KeyObject] = {}

    def close(self) -> None:
        """Close the session; it may be gone already."""
        with suppress(PKCS11Error):
            self.session.close()
