"""A PKCS#11 module: initialised for threads, and again when what it shows is gone."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pkcs11 import PKCS11Error
from pkcs11._pkcs11 import lib

from anchorhold.errors import SettingsError
from anchorhold_hsm.cryptoki import CRYPTOKI_ALREADY_INITIALIZED, CryptokiError
from anchorhold_hsm.module_lock import ModuleLock
from anchorhold_hsm.open_token import OpenToken
from anchorhold_hsm.return_codes import ModuleUnavailableError, name_of
from anchorhold_hsm.run_with_timeout import run_with_timeout
from anchorhold_hsm.token_selection import attributes_of, find_token, tokens_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkcs11 import Token

    from anchorhold_hsm.cryptoki import CryptokiModule
    from anchorhold_hsm.options import Options
    from anchorhold_hsm.token_selection import TokenChoice

FAILURE_PAUSE: Final = 10.0
"""Seconds after a failed attempt to initialise a module before it is tried again: some crash if they are pressed."""
REINITIALISE_PAUSE: Final = 5.0
"""Seconds before a module is initialised again for what the last time did not bring back."""
DOUBLINGS: Final = 4
"""How often that pause becomes twice as long, for each time all aliases of the module lose their sessions."""
INHERITED_TIMEOUT: Final = 30.0
"""Seconds that a module may take to be initialised in a forked child, where it can hang for ever."""
NEW_PROCESS: Final = "if they are well, start this process again: some modules come back in a new one only"
"""What helps at last, such as tpm2-pkcs11 when its services were all started again."""

_generations = count()
"""Goes on in forked children, so that a number never means two initialisations."""


class ModuleChoice(NamedTuple):
    """What the settings say about a module.

    Attributes:
        path: Path or bare file name.
        parameters: For its initialisation.
        serialise: Whether it gets one call at a time.
    """

    path: str
    parameters: str | None = None
    serialise: bool = False

    @classmethod
    def of(cls, options: Options) -> ModuleChoice:
        """What the options of an alias say."""
        return cls(options.library_path, options.library_parameters, options.serialise)


class _Reinitialisation(NamedTuple):
    """Why a module was initialised again, without success yet.

    Attributes:
        generation: The last one that was replaced.
        at: When, as `time.monotonic` has it.
        doublings: Of the pause before the next one.
    """

    generation: int
    at: float
    doublings: int = 0


class _Library(lib):
    """python-pkcs11's view of a module that was initialised by us; it neither initialises nor finalises it."""

    def initialize(self) -> None:
        """Called by the constructor; done already."""


class Module:
    """A module. Every use is made inside `gate`, after `reinitialise` has initialised it.

    Args:
        native: The loaded module.
        choice: What the settings say about it.
        forked: Whether this process may have inherited it initialised.

    Attributes:
        lock: Held while the module is called.
        generation: Number of its initialisation; objects of an earlier one are never touched again.
        ready: Whether it is initialised.
        renewed_for: What for it was renewed without success yet.
    """

    def __init__(self, native: CryptokiModule, choice: ModuleChoice, *, forked: bool) -> None:
        self.lock = ModuleLock(serialise=choice.serialise)
        self.generation = next(_generations)
        self.ready = False
        self._choice = choice
        self._forked = forked
        self._ours = False
        self._native = native
        self._opening = Lock()
        self._opened: dict[TokenChoice, OpenToken] = {}
        self._failed_at: float | None = None
        self._failure = ""
        self._hangs = False
        self.renewed_for: dict[str, _Reinitialisation] = {}
        self._loaded: Any = None
        self._library: Any = None

    def token(self, choice: TokenChoice, max_sessions: int, subject: str) -> OpenToken:
        """The token that is meant.

        Raises:
            TokenUnavailableError, SettingsError, BackendFailedError: As `find_token`.
            PKCS11Error: The module gives no slots.
        """
        open_token = self._opened.get(choice)
        if open_token is not None:
            return open_token
        with self._opening:
            tokens, unread = tokens_in(self._library.get_slots())
            shown = {token: attributes_of(token, self._library, self._native.path) for token in tokens}
            found = find_token(shown, unread, choice, subject)
            known = (each for each in self._opened.values() if each.slot.slot_id == found.slot.slot_id)
            open_token = next(known, None) or self._open(found, shown[found], max_sessions)
            open_token.limit(max_sessions)
            self._opened[choice] = open_token
            return open_token

    def _open(self, token: Token, attributes: Mapping[str, str], max_sessions: int) -> OpenToken:
        return OpenToken(self._native, token, attributes, max_sessions, self.generation)

    def reinitialise(self, generation: int, subject: str) -> None:
        """Finalise and initialise, unless another thread has done so since.

        Args:
            generation: The one that is to be replaced.
            subject: Alias, token and key, for the messages.

        Raises:
            ModuleUnavailableError: It cannot be initialised now.
        """
        with self.lock.exclusive():
            if self.ready and generation != self.generation:
                return
            if self._failed_at is not None and time.monotonic() - self._failed_at < FAILURE_PAUSE:
                raise ModuleUnavailableError(
                    f"{subject}: the module {self._native.path} could not be initialised a moment ago "
                    f"({self._failure})",
                    hint=f"check its device or service, and try again after {FAILURE_PAUSE:g} seconds; {NEW_PROCESS}",
                )
            self.forget()
            self._initialise(subject)

    def forget(self) -> None:
        """Finalise; nobody may be inside."""
        self.generation = next(_generations)
        self._opened.clear()
        ready, self.ready = self.ready, False
        if ready and self._ours:
            with suppress(CryptokiError):  # what lost its device or service fails here; initialising decides
                self._native.finalise()

    def close(self, timeout: float = -1) -> None:
        """Finalise, and initialise again at the next use; not if a call is in progress for longer than that.

        Args:
            timeout: Seconds; for ever if it is negative.
        """
        if not self.lock.close(timeout):
            return
        try:
            self.forget()
            self._failed_at = None
            self.renewed_for.clear()
        finally:
            self.lock.reopen()

    def may_reinitialise(self, reason: str, generation: int) -> bool:
        """Whether that may help: not if it was done not long ago for the same reason, and did not.

        Args:
            reason: The key or token that is not there.
            generation: The one in which it was not; threads that miss it at the same time share one renewal.
        """
        now, last = time.monotonic(), self.renewed_for.get(reason)
        if last is None:
            self.renewed_for[reason] = _Reinitialisation(generation, now)
        elif last.generation != generation:
            if now - last.at < REINITIALISE_PAUSE * 2**last.doublings:
                return False
            self.renewed_for[reason] = _Reinitialisation(generation, now, min(last.doublings + 1, DOUBLINGS))
        return True

    def note_success(self, reason: str) -> None:
        """What was missing is there again."""
        self.renewed_for.pop(reason, None)

    def check_settings(self, choice: ModuleChoice, subject: str) -> None:
        """Accept the settings of another alias for this module.

        Raises:
            SettingsError: They contradict those it was initialised with.
        """
        if choice.parameters != self._choice.parameters:
            raise SettingsError(
                f"{subject}: another alias initialises this module with other library_parameters",
                hint="give all aliases of one module the same library_parameters",
            )
        if choice.serialise:
            self.lock.serialise()

    def _initialise(self, subject: str) -> None:
        try:
            if self._loaded is None:
                self._loaded = _Library.__new__(_Library, self._native.path)  # type: ignore[call-arg]  # it loads, and asks nothing
                self._native.follow(self._loaded)
            if not (self._initialised_in_time(subject) if self._forked else self._locks_by_itself()):
                self.lock.serialise()
            if self._library is None:
                self._loaded.__init__(self._native.path)  # asks the module about itself
                self._library = self._loaded
        except PKCS11Error as error:
            self._failed_at, self._failure = time.monotonic(), name_of(error)
            raise ModuleUnavailableError(
                f"{subject}: the module {self._native.path} cannot be initialised ({self._failure})",
                hint=f"check its configuration, and that its device or service is there; {NEW_PROCESS}",
            ) from error
        self._failed_at = None
        self.ready = True

    def _initialised_in_time(self, subject: str) -> bool:
        """As `_locks_by_itself`, in a forked child: a lock that a thread of its parent held then is never released."""
        if not self._hangs:
            try:
                return run_with_timeout(INHERITED_TIMEOUT, self._locks_by_itself)
            except TimeoutError:
                self._hangs = True
        raise ModuleUnavailableError(
            f"{subject}: the module {self._native.path} does not answer in this process, which was forked from another",
            hint="end this process and start it again, before other threads use the module",
        )

    def _locks_by_itself(self) -> bool:
        """Initialise; returns whether threads may call the module at the same time."""
        self._ours = True
        try:
            return self._native.initialise(self._choice.parameters)
        except CryptokiError as error:
            if error.code != CRYPTOKI_ALREADY_INITIALIZED:
                raise
        if self._forked:
            self._native.finalise()  # what was inherited
            return self._native.initialise(self._choice.parameters)
        self._ours = False  # other code in this process has it initialised, perhaps without locks
        return False
