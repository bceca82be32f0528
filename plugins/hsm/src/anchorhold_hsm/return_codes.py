"""What PKCS#11 return codes mean here: names for them, and which of them can be put right."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from pkcs11.exceptions import PKCS11Error

from anchorhold.errors import BackendFailedError
from anchorhold_hsm.cryptoki import CryptokiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.errors import AnchorholdError


class ObjectMissingError(PKCS11Error):
    """Found here, not by the module: the key or the token is not there. Worth one more look before it is believed.

    Attributes:
        error: What is raised if it stays so.
    """

    def __init__(self, error: AnchorholdError) -> None:
        super().__init__(error.problem)
        self.error = error


class TokenUnavailableError(ObjectMissingError):
    """The token is not there, or cannot be read while another process writes to it (SoftHSM): worth several looks."""


class ModuleUnavailableError(BackendFailedError):
    """A module cannot be initialised, which says nothing about what was asked of it."""


class Remedy(Enum):
    """What is done before an operation is tried once more.

    ``REOPEN``: new sessions, log in if somebody logged out, find the key again. ``REINITIALISE``: the module is
    finalised and initialised, and everything is found anew.
    """

    REOPEN = auto()
    REINITIALISE = auto()


PAUSES: Final = (0.05, 0.2, 0.6)
"""Seconds to wait before each time that a module is initialised again for a token that is not there."""

CODES: Final = {
    0x002: "HostMemory",
    0x005: "GeneralError",
    0x006: "FunctionFailed",
    0x007: "ArgumentsBad",
    0x01B: "ActionProhibited",
    0x030: "DeviceError",
    0x031: "DeviceMemory",
    0x032: "DeviceRemoved",
    0x050: "FunctionCancelled",
    0x054: "FunctionNotSupported",
    0x068: "KeyFunctionNotPermitted",
    0x0A0: "PinIncorrect",
    0x0A1: "PinInvalid",
    0x0A2: "PinLenRange",
    0x0A3: "PinExpired",
    0x0A4: "PinLocked",
    0x0B0: "SessionClosed",
    0x0B3: "SessionHandleInvalid",
    0x0B7: "SessionReadOnlyExists",
    0x0E0: "TokenNotPresent",
    0x0E1: "TokenNotRecognised",
    0x100: "UserAlreadyLoggedIn",
    0x101: "UserNotLoggedIn",
    0x102: "UserPinNotInitialized",
    0x104: "AnotherUserAlreadyLoggedIn",
    0x105: "UserTooManyTypes",
    0x140: "CurveNotSupported",
    0x190: "CryptokiNotInitialized",
    0x191: "CryptokiAlreadyInitialized",
    0x200: "FunctionRejected",
}
"""Return codes (PKCS #11 v2.40, section 2.1.6, and v3.0) by the names python-pkcs11 has or would have for them."""

_UNMAPPED: Final = re.compile(r"Unmapped error code 0x([0-9a-f]+)")
_NOT_INITIALISED: Final = "Initialisation error (not initialized)"

_REOPEN: Final = frozenset(
    {
        "SessionHandleInvalid",
        "SessionClosed",
        "KeyHandleInvalid",
        "ObjectHandleInvalid",
        "UserNotLoggedIn",
        "OperationActive",
        "OperationNotInitialized",
    }
)
_REINITIALISE: Final = _REOPEN | {
    "ObjectMissingError",
    "TokenUnavailableError",
    "GeneralError",
    "FunctionFailed",
    "DeviceError",
    "DeviceRemoved",
    "TokenNotPresent",
    "TokenNotRecognised",
    "SlotIDInvalid",
    "CryptokiNotInitialized",
}


def name_of(error: PKCS11Error) -> str:
    """What an error is called, also where python-pkcs11 has only a text or a number for it."""
    if isinstance(error, CryptokiError):
        return CODES.get(error.code, f"return code 0x{error.code:x}")
    if type(error) is not PKCS11Error:
        return type(error).__name__
    text = str(error)
    if text.startswith(_NOT_INITIALISED):
        return "CryptokiNotInitialized"
    unmapped = _UNMAPPED.match(text)
    if unmapped is None:
        return text.partition(".")[0]
    code = int(unmapped[1], 16)
    return CODES.get(code, f"return code 0x{code:x}")


def is_vague(failed: BackendFailedError) -> bool:
    """Whether a token may have meant "I cannot do this" where it said that something went wrong."""
    cause = failed.__cause__
    if isinstance(failed, ModuleUnavailableError) or not isinstance(cause, PKCS11Error):
        return False
    return name_of(cause) in ("GeneralError", "FunctionFailed")


def remedy_for(error: PKCS11Error, tried: Sequence[Remedy]) -> Remedy | None:
    """What may help, each remedy once, but for a token that is away; None if nothing does."""
    name, looks = name_of(error), len(PAUSES) if isinstance(error, TokenUnavailableError) else 1
    for remedy, names, times in ((Remedy.REOPEN, _REOPEN, 1), (Remedy.REINITIALISE, _REINITIALISE, looks)):
        if name in names and tried.count(remedy) < times:
            return remedy
    return None
