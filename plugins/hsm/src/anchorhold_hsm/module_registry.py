"""The PKCS#11 modules of this process, each loaded once, and none of them inherited by a forked child.

While a process forks nobody is inside a module: the child would inherit locks that nobody there can release.
"""

from __future__ import annotations

import atexit
import os
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.errors import SettingsError
from anchorhold_hsm.cryptoki import CryptokiModule, NotAModuleError
from anchorhold_hsm.fork_safety import wait_for_ended_threads
from anchorhold_hsm.module import Module

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold_hsm.module import ModuleChoice

FORK_TIMEOUT: Final = 10.0
"""Seconds that a fork waits for those who are inside a module; then it goes on: perhaps one of them is forking."""
SHUTDOWN_TIMEOUT: Final = 1.0
"""Seconds that it waits for threads that are ending."""
EXIT_TIMEOUT: Final = 5.0
"""Seconds that the end of the process waits for threads that are inside a module; then it is left as it is."""

_registry: dict[str, Module] = {}
_by_choice: dict[ModuleChoice, Module] = {}
_registering = Lock()
_kept: list[object] = []
_held: list[Callable[[], None]] = []
"""What lets everybody in again after a fork."""
_forked = False


def module_of(choice: ModuleChoice, subject: str, place: str) -> Module:
    """The module, loaded and initialised when it is first asked for.

    Args:
        choice: What the settings say about it.
        subject: Whose settings these are, for the messages.
        place: Alias, token and key, for messages about the module.

    Raises:
        SettingsError: The file is not a PKCS#11 module, or another alias wants it otherwise.
        ModuleUnavailableError: It cannot be initialised.
    """
    module = _by_choice.get(choice) or _register(choice, subject)
    if not module.ready:
        module.reinitialise(module.generation, place)
    return module


def close_modules(patience: float = -1) -> None:
    """Finalise every module of this process: when it ends, or when a program lets go of its tokens before that.

    They are initialised again when they are next used.

    Args:
        patience: Seconds to wait at most for those who are inside a module, which else is left as it is; for ever if it
            is negative.
    """
    if not _registering.acquire(timeout=patience):
        return
    try:
        for module in _registry.values():
            module.close(patience)
    finally:
        _registering.release()


def _register(choice: ModuleChoice, subject: str) -> Module:
    with _registering:
        try:
            native = CryptokiModule(choice.path)
        except NotAModuleError as error:
            reason = str(error).removeprefix(f"{choice.path}: ")
            raise SettingsError(
                f"{subject}: library_path {choice.path} is not a PKCS#11 module ({reason})",
                hint="name the shared library that came with the token, such as /usr/lib/softhsm/libsofthsm2.so",
            ) from error
        module = _registry.setdefault(native.path, Module(native, choice, forked=_forked))
        module.check_settings(choice, subject)
        _by_choice[choice] = module
        return module


def _lock_modules() -> None:
    """Before a fork."""
    if _registering.acquire(timeout=FORK_TIMEOUT):
        _held.append(_registering.release)
    for module in list(_registry.values()):
        if module.lock.close(FORK_TIMEOUT):
            _held.append(module.lock.reopen)
    wait_for_ended_threads(SHUTDOWN_TIMEOUT)


def _unlock_modules() -> None:
    while _held:
        _held.pop()()


def _forget_inherited() -> None:
    """In a forked child nothing of the parent's may be touched; its locks may be held by threads that do not exist."""
    global _registering, _forked
    _held.clear()
    _kept.extend(_registry.values())  # nor may it be taken down
    for module in _registry.values():
        module.ready = False
    _registry.clear()
    _by_choice.clear()
    _registering = Lock()
    _forked = True


os.register_at_fork(before=_lock_modules, after_in_parent=_unlock_modules, after_in_child=_forget_inherited)
atexit.register(close_modules, EXIT_TIMEOUT)
"""Tokens outlive the process: a TPM keeps what was loaded into it, a network HSM its sessions. A forked child has only
modules of its own here."""
