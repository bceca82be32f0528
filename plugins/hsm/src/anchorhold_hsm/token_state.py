"""What this process knows about a token it uses: where it is, what it can do, and as whom it is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold.errors import InputError
from anchorhold_hsm.token_selection import serial_of, token_identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkcs11 import Token

    from anchorhold.public_keys import PublicKey
    from anchorhold_hsm.cryptoki import CryptokiModule
    from anchorhold_hsm.handles import KeyReference
    from anchorhold_hsm.signing_mechanisms import SigningMechanism, SigningMechanisms
    from anchorhold_hsm.token_selection import TokenChoice


class TokenState:
    """Shared by all sessions with a token; lives until its module is initialised again.

    Args:
        native: The module.
        token: As python-pkcs11 has it.
        attributes: What a PKCS#11 URI may say about it.
        generation: The initialisation of the module it belongs to.

    Attributes:
        label: Of the token.
        serial: Its serial number.
        place: Names it for all processes and hosts.
        native: The module.
        generation: The initialisation of the module it belongs to.
        slot: The slot it is in.
        chosen_mechanisms: Of all ways to make a kind of signature the one that worked.
        accepted: Digest of the credential that the token let in; None if that is to be found out again.
        is_security_officer: Whether that was the security officer's, who has only sessions that can write.
        public_keys: Of private keys that were looked up.
    """

    def __init__(self, native: CryptokiModule, token: Token, attributes: Mapping[str, str], generation: int) -> None:
        self.label = token.label
        self.serial = serial_of(token)
        self.place = token_identity(token)
        self.native = native
        self.generation = generation
        self.slot = token.slot
        self.chosen_mechanisms: dict[SigningMechanisms, SigningMechanism] = {}
        self.public_keys: dict[KeyReference, PublicKey] = {}
        self.accepted: bytes | None = None
        self.is_security_officer = False
        self._attributes = attributes

    def logged_in(self, session: Any) -> bool:
        """Whether private keys are visible in a session, as python-pkcs11 has it.

        Raises:
            PKCS11Error: The session is gone.
        """
        return self.native.is_logged_in(session.handle)

    def check_is(self, choice: TokenChoice, subject: str) -> None:
        """Refuse a URI that names another token.

        Raises:
            InputError: It does.
        """
        if not choice.fits(self._attributes):
            raise InputError(
                f"{subject}: the URI names a token with {choice}, and this is {self.label!r}",
                hint="use the alias of that token, or leave the token out of the URI",
            )

    def mechanisms(self) -> list[Any]:
        """What the token says it can do: a hint, not the truth."""
        return sorted(self.slot.get_mechanisms())
