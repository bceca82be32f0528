"""From what a module answered to one sentence and what to do. No PIN ever gets here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError, BackendFailedError, KeyUnsupportedError, SecretWrongError
from anchorhold_hsm.return_codes import ObjectMissingError, name_of

if TYPE_CHECKING:
    from pkcs11.exceptions import PKCS11Error

_AWAY: Final = ("the token is not there, or does not answer", "plug it in, or start its service, and try again")
_FAILED: Final = (
    "the token failed without saying why",
    "see its log, and whether its device or service is well; if that was started again, start this process again, too",
)
_FULL: Final = ("the token is full", "remove keys that are not used any more, or use another token")
_SESSIONS: Final = ("the token has no session left", "set max_sessions lower, or end other programs that use it")
_READ_ONLY: Final = ("the token is write-protected", "lift the protection, or use another token")
_REFUSES: Final = ("the token does not allow it", "see the manual of the device, or the policy set on it")
_DEAD: Final = ("the session was lost again right after it was renewed", "see why the device or service ends sessions")
_LOST: Final = ("the session was lost, or the object in it", "repeat the command; see why the token ends sessions")
_NOT_KEPT: Final = ("the token did not keep the object; it may be full", "remove keys that are not used any more")
_NOT_WRITTEN: Final = (
    "the token failed without saying why; it may be full",
    "see its log, and whether its device or service is well; remove keys that are not used any more, or, if it has "
    "room, start this process again: some modules keep loaded what they made",
)
_NOT_WRITTEN_AGAIN: Final = (
    "the token failed without saying why, and again after its module was initialised again; it may be full",
    "see its log, and whether its device or service is well; remove keys that are not used any more",
)
_NO_MEMORY: Final = (
    "its module has no memory for it, or does nothing with such keys",
    "choose another kind of key; if it knows them, see whether its device or service is well",
)
_ONE_USE: Final = ("the PIN was refused for this one use", "give the right one; it is not tried again")
_CANNOT: Final = ("the token cannot do this", "use another kind of key or signature")

_MEANINGS: Final[tuple[tuple[tuple[str, ...], type[AnchorholdError], tuple[str, str]], ...]] = (
    (("DeviceRemoved", "TokenNotPresent", "TokenNotRecognised", "SlotIDInvalid"), BackendFailedError, _AWAY),
    (("GeneralError", "DeviceError", "FunctionFailed", "CryptokiNotInitialized"), BackendFailedError, _FAILED),
    (("DeviceMemory",), BackendFailedError, _FULL),
    (("HostMemory",), BackendFailedError, _NO_MEMORY),
    (("SessionCount",), BackendFailedError, _SESSIONS),
    (("TokenWriteProtected", "SessionReadOnly"), BackendFailedError, _READ_ONLY),
    (("ActionProhibited", "KeyFunctionNotPermitted", "FunctionRejected"), BackendFailedError, _REFUSES),
    (("SessionHandleInvalid", "SessionClosed", "UserNotLoggedIn"), BackendFailedError, _DEAD),
    (("KeyHandleInvalid", "ObjectHandleInvalid"), BackendFailedError, _DEAD),
    (("PinIncorrect", "PinInvalid", "PinLenRange", "PinLocked"), SecretWrongError, _ONE_USE),
    (("MechanismInvalid", "MechanismParamInvalid", "FunctionNotSupported"), KeyUnsupportedError, _CANNOT),
)
_SENTENCES: Final = {name: (kind, sentence) for names, kind, sentence in _MEANINGS for name in names}
_GONE: Final = ("SessionHandleInvalid", "SessionClosed", "UserNotLoggedIn", "KeyHandleInvalid", "ObjectHandleInvalid")
_AT_FIRST: Final = dict.fromkeys(_GONE, _LOST)
"""What else an answer means where nothing was renewed before it."""
_WHILE_WRITING: Final = {
    "KeyHandleInvalid": _NOT_KEPT,
    "ObjectHandleInvalid": _NOT_KEPT,
    "GeneralError": _NOT_WRITTEN,
    "FunctionFailed": _NOT_WRITTEN,
    "DeviceError": _NOT_WRITTEN,
}
"""And where something was being written to the token."""
_WHILE_WRITING_AGAIN: Final = dict.fromkeys(("GeneralError", "FunctionFailed", "DeviceError"), _NOT_WRITTEN_AGAIN)
"""And where that was tried again by a module that was initialised again, so nothing it had loaded is in the way."""
_UNFORESEEN: Final = (BackendFailedError, ("the token refused", "look the answer up in the manual of the device"))


def explain(error: PKCS11Error, subject: str, *, renewed: bool, writing: bool) -> AnchorholdError:
    """The error to raise.

    Args:
        error: What the module answered.
        subject: Alias, token and key, as far as they are known.
        renewed: Whether a remedy was tried before.
        writing: Whether objects of the token were being changed.
    """
    if isinstance(error, ObjectMissingError):
        return error.error
    name = name_of(error)
    kind, sentence = _SENTENCES.get(name, _UNFORESEEN)
    if not renewed:
        sentence = _AT_FIRST.get(name, sentence)
    if writing:
        sentence = (_WHILE_WRITING_AGAIN if renewed else _WHILE_WRITING).get(name, sentence)
    problem, hint = sentence
    return kind(f"{subject}: {problem} ({name})", hint=hint)
