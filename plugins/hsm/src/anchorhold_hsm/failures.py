"""From what a module answered to one sentence and what to do. No PIN ever gets here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError, BackendFailedError, KeyUnsupportedError, SecretWrongError
from anchorhold_hsm.trouble import NotThereError, name_of

if TYPE_CHECKING:
    from pkcs11.exceptions import PKCS11Error

_AWAY: Final = ("the token is not there, or does not answer", "plug it in, or start its service, and try again")
_FAILED: Final = ("the token failed without saying why", "see its log, and whether its device or service is well")
_FULL: Final = ("the token is full", "remove keys that are not used any more, or use another token")
_SESSIONS: Final = ("the token has no session left", "set max_sessions lower, or end other programs that use it")
_READ_ONLY: Final = ("the token is write-protected", "lift the protection, or use another token")
_REFUSES: Final = ("the token does not allow it", "see the manual of the device, or the policy set on it")
_DEAD: Final = ("the session was lost again right after it was renewed", "see why the device or service ends sessions")
_ONE_USE: Final = ("the PIN was refused for this one use", "give the right one; it is not tried again")
_CANNOT: Final = ("the token cannot do this", "use another kind of key or signature")

_MEANINGS: Final[tuple[tuple[tuple[str, ...], type[AnchorholdError], tuple[str, str]], ...]] = (
    (("DeviceRemoved", "TokenNotPresent", "TokenNotRecognised", "SlotIDInvalid"), BackendFailedError, _AWAY),
    (("GeneralError", "DeviceError", "FunctionFailed", "CryptokiNotInitialized"), BackendFailedError, _FAILED),
    (("DeviceMemory",), BackendFailedError, _FULL),
    (("SessionCount",), BackendFailedError, _SESSIONS),
    (("TokenWriteProtected", "SessionReadOnly"), BackendFailedError, _READ_ONLY),
    (("ActionProhibited", "KeyFunctionNotPermitted", "FunctionRejected"), BackendFailedError, _REFUSES),
    (("SessionHandleInvalid", "SessionClosed", "UserNotLoggedIn"), BackendFailedError, _DEAD),
    (("KeyHandleInvalid", "ObjectHandleInvalid"), BackendFailedError, _DEAD),
    (("PinIncorrect", "PinInvalid", "PinLenRange", "PinLocked"), SecretWrongError, _ONE_USE),
    (("MechanismInvalid", "MechanismParamInvalid", "FunctionNotSupported"), KeyUnsupportedError, _CANNOT),
)
_SENTENCES: Final = {name: (kind, sentence) for names, kind, sentence in _MEANINGS for name in names}
_UNFORESEEN: Final = (BackendFailedError, ("the token refused", "look the answer up in the manual of the device"))


def explain(error: PKCS11Error, subject: str) -> AnchorholdError:
    """The error to raise.

    Args:
        error: What the module answered.
        subject: Alias, token and key, as far as they are known.
    """
    if isinstance(error, NotThereError):
        return error.error
    name = name_of(error)
    kind, (problem, hint) = _SENTENCES.get(name, _UNFORESEEN)
    return kind(f"{subject}: {problem} ({name})", hint=hint)
