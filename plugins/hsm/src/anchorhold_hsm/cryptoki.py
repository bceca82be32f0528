"""The PKCS#11 functions that python-pkcs11 has not, or not in a form that is safe here, called through ctypes.

Initialising: python-pkcs11 says "single-threaded" and lets go of Python's lock in every call, which crashes modules.
Logging in: it leaks the session when a PIN is refused, and closing a session that has logged in logs out all others.
Function numbers, structures and codes are those of PKCS #11 v2.40, section 2 and ``pkcs11f.h``.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, Final

from pkcs11._pkcs11 import HasFuncList  # type: ignore[attr-defined]
from pkcs11.exceptions import PKCS11Error

OK: Final = 0x000
CANT_LOCK: Final = 0x00A
CRYPTOKI_NOT_INITIALIZED: Final = 0x190
CRYPTOKI_ALREADY_INITIALIZED: Final = 0x191
USER_ALREADY_LOGGED_IN: Final = 0x100

USER_TYPES: Final = {"so": 0, "user": 1}
_LOGGED_IN: Final = (1, 3, 4)
"""Session states: read-only user, read/write user, read/write security officer (CK_STATE)."""
_OS_LOCKING_OK: Final = 0x2
_NUMBERS: Final = {"C_Initialize": 0, "C_Finalize": 1, "C_GetSessionInfo": 15, "C_Login": 18, "C_Logout": 19}
"""Places in CK_FUNCTION_LIST."""


_ADDRESSES: Final = tuple(ctypes.sizeof(ctypes.c_void_p) * number for number in (1, 2, 3))
"""What HasFuncList of python-pkcs11 has in it: the address of the list, and those of later versions of PKCS #11."""


class CryptokiError(PKCS11Error):
    """A return code of a call made here.

    Attributes:
        code: The CKR value.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"0x{code:x}")
        self.code = code


class NotAModuleError(Exception):
    """The file cannot be loaded, or has no PKCS#11 in it; the text says why."""


class _FunctionList(ctypes.Structure):
    _fields_ = (("version", ctypes.c_ubyte * 2), ("functions", ctypes.c_void_p * 20))


class _InitializeArgs(ctypes.Structure):
    _fields_ = (("callbacks", ctypes.c_void_p * 4), ("flags", ctypes.c_ulong), ("reserved", ctypes.c_char_p))


class _SessionInfo(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_ulong) for name in ("slot", "state", "flags", "device_error"))


class _SymbolInfo(ctypes.Structure):
    """Dl_info of ``dladdr``."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


class CryptokiModule:
    """A loaded PKCS#11 module. It is never unloaded: objects of python-pkcs11 point into it.

    Args:
        name: Path or bare file name of the shared library.

    Raises:
        NotAModuleError: It cannot be loaded or is something else.
    """

    def __init__(self, name: str) -> None:
        try:
            self._library = ctypes.CDLL(name)
            get_function_list = self._library.C_GetFunctionList
        except OSError as error:
            raise NotAModuleError(str(error)) from None
        except AttributeError:
            raise NotAModuleError("it does not export C_GetFunctionList") from None
        self.path = _file_of(get_function_list) or os.path.realpath(name)
        get_function_list.restype = ctypes.c_ulong
        lists = [_list_from(get_function_list) for _ in range(2)]
        self._lists_differ = len({_address(each) for each in lists}) > 1
        self._functions = _functions_in(lists[0])

    def follow(self, library: object) -> None:
        """Use the list of functions that python-pkcs11 has, where the module gives another one each time.

        Those of p11-kit (its proxy and its client) do, and each list has an initialisation of its own.

        Args:
            library: A `pkcs11.lib`; the address of its list is the first that it has in C.

        Raises:
            PKCS11Error: Its list cannot be found there.
        """
        if self._lists_differ:
            if HasFuncList.__basicsize__ - object.__basicsize__ not in _ADDRESSES:
                raise NotAModuleError(
                    "it gives many lists of functions, and this python-pkcs11 does not tell which it has"
                )
            held: Any = ctypes.POINTER(_FunctionList).from_address(id(library) + object.__basicsize__)
            self._functions = _functions_in(held)

    def initialise(self, parameters: str | None) -> bool:
        """Initialise the module for use by several threads.

        Args:
            parameters: Handed over as ``pReserved``, for modules that read it.

        Returns:
            Whether it locks by itself; if not, its calls must be made one at a time.

        Raises:
            CryptokiError: It refuses; CRYPTOKI_ALREADY_INITIALIZED if other code has done it.
        """
        reserved = parameters.encode() if parameters is not None else None
        locking = _InitializeArgs(flags=_OS_LOCKING_OK, reserved=reserved)
        code = self._call("C_Initialize", ctypes.byref(locking))
        if code == CANT_LOCK:
            alone = ctypes.byref(_InitializeArgs(flags=0, reserved=reserved)) if parameters is not None else None
            _check(self._call("C_Initialize", alone))
            return False
        _check(code)
        return True

    def finalise(self) -> None:
        """End all sessions and forget all handles; no other thread may be inside the module.

        Raises:
            CryptokiError: It refuses.
        """
        _check(self._call("C_Finalize", None), accept=(CRYPTOKI_NOT_INITIALIZED,))

    def log_in(self, session: int, kind: str, pin: bytes | None) -> None:
        """Log in, for all sessions that this process has with the token of that one.

        Args:
            session: A session's handle.
            kind: Of `USER_TYPES`.
            pin: None if it is typed at the device.

        Raises:
            CryptokiError: It was refused.
        """
        number = ctypes.c_ulong(USER_TYPES[kind])
        _check(self._call("C_Login", ctypes.c_ulong(session), number, pin, ctypes.c_ulong(len(pin or b""))))

    def log_out(self, session: int) -> None:
        """Log out, all sessions.

        Raises:
            CryptokiError: It refuses.
        """
        _check(self._call("C_Logout", ctypes.c_ulong(session)))

    def is_logged_in(self, session: int) -> bool:
        """Whether the user or security officer is logged in.

        Raises:
            CryptokiError: The session is gone.
        """
        info = _SessionInfo()
        _check(self._call("C_GetSessionInfo", ctypes.c_ulong(session), ctypes.byref(info)))
        return info.state in _LOGGED_IN

    def _call(self, name: str, *arguments: object) -> int:
        function = ctypes.CFUNCTYPE(ctypes.c_ulong)(self._functions[_NUMBERS[name]])
        return int(function(*arguments))


def _list_from(get_function_list: Any) -> Any:
    """What one call of ``C_GetFunctionList`` gives."""
    functions = ctypes.POINTER(_FunctionList)()
    code = get_function_list(ctypes.byref(functions))
    if code != OK:
        raise NotAModuleError(f"its C_GetFunctionList answers with return code 0x{code:x}")
    return functions


def _address(functions: Any) -> int | None:
    return ctypes.cast(functions, ctypes.c_void_p).value


def _functions_in(functions: Any) -> Any:
    if _address(functions) is None or not all(functions.contents.functions[number] for number in _NUMBERS.values()):
        raise NotAModuleError("its list of functions is empty")
    return functions.contents.functions


def _check(code: int, accept: tuple[int, ...] = ()) -> None:
    if code != OK and code not in accept:
        raise CryptokiError(code)


def _file_of(function: object) -> str | None:
    """The file a function is from, links resolved: two spellings of one module must not be initialised twice."""
    found = _SymbolInfo()
    address = ctypes.cast(function, ctypes.c_void_p)  # type: ignore[arg-type]
    if not ctypes.CDLL(None).dladdr(address, ctypes.byref(found)) or not found.file:
        return None
    return os.path.realpath(os.fsdecode(found.file))
