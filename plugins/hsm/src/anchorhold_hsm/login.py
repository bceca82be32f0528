"""Logging in: once for each token and process, and nobody gets in with another PIN.

A login belongs to the process: while it lasts, the module accepts any PIN. So a keyed digest of the accepted PIN
is kept, and later ones are compared with it.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pkcs11 import TokenFlag
from pkcs11.exceptions import PKCS11Error

from anchorhold.errors import AnchorholdError, BackendFailedError, SecretWrongError
from anchorhold_hsm.cryptoki import USER_ALREADY_LOGGED_IN, CryptokiError
from anchorhold_hsm.pins import USER_NAMES
from anchorhold_hsm.return_codes import name_of
from anchorhold_hsm.token_selection import token_identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkcs11 import Token

    from anchorhold_hsm.cryptoki import CryptokiModule
    from anchorhold_hsm.pins import Credential, Kind

_FLAGS: Final[dict[Kind, tuple[tuple[int, str, str], ...]]] = {
    "user": (
        (TokenFlag.USER_PIN_LOCKED, "the user PIN is locked", "have the security officer set a new one"),
        (
            TokenFlag.USER_PIN_FINAL_TRY,
            "one more wrong user PIN would lock it, so it is not tried",
            "log in once with the vendor's tool, or with pkcs11-tool, which resets the count",
        ),
    ),
    "so": (
        (TokenFlag.SO_PIN_LOCKED, "the PIN of the security officer is locked", "see the manual of the device"),
        (
            TokenFlag.SO_PIN_FINAL_TRY,
            "one more wrong PIN of the security officer would lock it, so it is not tried",
            "log in once with the vendor's tool, which resets the count",
        ),
    ),
}
"""What the flags of a token say before any PIN is tried, and what to do."""

_NO_USER_PIN: Final = (
    "the token has no user PIN yet",
    "have the security officer set one, as with pkcs11-tool",
)
_REFUSALS: Final = {
    "PinIncorrect": (
        "the PIN of the {who} is wrong",
        "give the right one; it is not tried again, because wrong PINs lock tokens",
    ),
    "PinInvalid": ("the PIN of the {who} has characters that the token does not take", "give the right one"),
    "PinLenRange": ("the PIN of the {who} is too long or too short", "give the right one"),
    "PinExpired": ("the PIN of the {who} has expired", "set a new one with the vendor's tool"),
    "PinLocked": ("the PIN of the {who} is locked", "see the manual of the device; often the security officer unlocks"),
    "UserPinNotInitialized": _NO_USER_PIN,
}
"""Answers to a login that are about the PIN."""


def check_flags(flags: int, credential: Credential, subject: str) -> None:
    """Refuse to try a PIN that cannot be right, or that would be the last one.

    Raises:
        SecretWrongError: With what to do.
        BackendFailedError: There is no way to type a PIN at the device.
    """
    if credential.kind == "user" and not flags & TokenFlag.USER_PIN_INITIALIZED and credential.pin is not None:
        problem, hint = _NO_USER_PIN
        raise SecretWrongError(f"{subject}: {problem}", hint=hint)
    if credential.pin is None and not flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH:
        raise BackendFailedError(
            f"{subject}: the token has no means to type a PIN, as protected_auth wants",
            hint="leave protected_auth out, and set user_pin",
        )
    for flag, problem, hint in _FLAGS[credential.kind]:
        if flags & flag:
            raise SecretWrongError(f"{subject}: {problem}", hint=hint)


class Login:
    """The login of this process to one token.

    Args:
        native: The module.
        token: The token, as it was found.
    """

    def __init__(self, native: CryptokiModule, token: Token) -> None:
        self._native = native
        self._token = token
        self._place = token_identity(token)
        self._session: Any = None
        self._accepted: bytes | None = None
        self.kind: Kind | None = None

    def ensure_logged_in(self, credential: Credential, log_out: Callable[[], None], subject: str) -> None:
        """Log in, or compare with the PIN that the token has accepted.

        Args:
            credential: As whom, and the PIN.
            log_out: Makes way for another kind of user, or raises.
            subject: Alias and token, for the messages.

        Raises:
            SecretWrongError: The PIN is wrong, or locked.
            BackendFailedError: The token does not let this kind of user in.
            PKCS11Error: The token cannot be used at all.
        """
        if self.kind is not None and self.kind != credential.kind:
            log_out()
            self.log_out()
        if self.kind is None or not self._lasts():
            self._forget()
            self._log_in(credential, subject)
        elif not hmac.compare_digest(self._accepted or b"", credential.digest):
            raise _wrong(credential, subject)

    def log_out(self) -> None:
        """Log out."""
        if self.kind is not None:
            self._native.log_out(self._session.handle)
        self._forget()

    def _forget(self) -> None:
        if self._session is not None:
            with suppress(PKCS11Error):  # it may be gone, which is as good
                self._session.close()
        self._session, self._accepted, self.kind = None, None, None

    def _lasts(self) -> bool:
        """Whether nobody has closed the session that holds the login, or logged out."""
        try:
            return self._native.is_logged_in(self._session.handle)
        except CryptokiError:
            return False

    def _log_in(self, credential: Credential, subject: str) -> None:
        fresh = self._token.slot.get_token()
        if (fresh.serial, fresh.label) != (self._token.serial, self._token.label):
            raise CryptokiError(0x0E0)  # another token is in the slot: this PIN is not for it
        check_flags(fresh.flags, credential, subject)
        with credential.presenting(self._place, subject):
            check_flags(self._token.slot.get_token().flags, credential, subject)  # others may have tried meanwhile
            session: Any = self._token.open(rw=credential.kind == "so")  # read-only ones are in the officer's way
            try:
                self._present(session.handle, credential, subject)
            except BaseException:
                session.close()
                raise
        self._session, self._accepted, self.kind = session, credential.digest, credential.kind

    def _present(self, handle: int, credential: Credential, subject: str) -> None:
        pin = credential.pin.reveal_bytes() if credential.pin is not None else None
        try:
            try:
                self._native.log_in(handle, credential.kind, pin)
            except CryptokiError as error:
                if error.code != USER_ALREADY_LOGGED_IN:
                    raise
                self._native.log_out(handle)  # nobody has compared this PIN with the one that was given then
                self._native.log_in(handle, credential.kind, pin)
        except CryptokiError as error:
            refusal = self._refusal(error, credential, subject)
            if refusal is None:
                raise
            raise refusal from error

    def _refusal(self, error: PKCS11Error, credential: Credential, subject: str) -> AnchorholdError | None:
        name, who = name_of(error), USER_NAMES[credential.kind]
        if name in _REFUSALS:
            problem, hint = _REFUSALS[name]
            return SecretWrongError(f"{subject}: {problem.format(who=who)}", hint=hint)
        if name in ("AnotherUserAlreadyLoggedIn", "UserTooManyTypes", "SessionReadOnlyExists"):
            return BackendFailedError(
                f"{subject}: the {who} cannot log in while others have sessions ({name})",
                hint="use the PINs of user and security officer in separate processes",
            )
        return None


def _wrong(credential: Credential, subject: str) -> AnchorholdError:
    problem, hint = _REFUSALS["PinIncorrect"]
    return SecretWrongError(f"{subject}: {problem.format(who=USER_NAMES[credential.kind])}", hint=hint)
