"""One alias's way to its token: log in, lend a session, and try once more when something can be put right."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, TypeVar

from pkcs11.exceptions import PKCS11Error

from anchorhold_hsm.error_messages import explain
from anchorhold_hsm.module import ModuleChoice
from anchorhold_hsm.module_registry import module_of
from anchorhold_hsm.return_codes import PAUSES, Remedy, TokenUnavailableError, remedy_for
from anchorhold_hsm.token_selection import TokenChoice

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold_hsm.module import Module
    from anchorhold_hsm.open_token import OpenToken
    from anchorhold_hsm.options import Options
    from anchorhold_hsm.pins import Credential
    from anchorhold_hsm.token_state import TokenState

T = TypeVar("T")


class _StartedTask(Generic[T]):
    """A task that tells whether it has begun: until then, nothing can be half done."""

    def __init__(self, task: Callable[..., T]) -> None:
        self._task = task
        self.begun = False

    def __call__(self, *given: object) -> T:
        self.begun = True
        return self._task(*given)


class TokenClient:
    """Runs tasks on the token of an alias. Threads may share it; after a fork it finds the token again.

    Args:
        alias: The alias.
        options: Its options.
        credential: What to log in with.
    """

    def __init__(self, alias: str, options: Options, credential: Credential) -> None:
        self.credential = credential
        self.subject = f"key backend {alias!r}"
        self._module_choice = ModuleChoice.of(options)
        self._token_choice = TokenChoice.of(options)
        self._max_sessions = options.max_sessions
        self._module: Module | None = None
        self._opened: OpenToken | None = None

    def run(
        self,
        task: Callable[..., T],
        about: str = "",
        *given: object,
        writing: bool = False,
        repeat: bool = True,
        renewed: bool = False,
    ) -> T:
        """Do something in a separate session that is logged in.

        Args:
            task: What to do; is called with a worker and `given`. It is done again after a remedy, so it must not
                have half-done things.
            about: The key in question, for messages.
            given: For the task.
            writing: Whether it changes objects of the token.
            repeat: Whether it may be done again at all, once it has begun.
            renewed: Whether the module was initialised again for it.

        Raises:
            AnchorholdError: One sentence on what went wrong.
        """
        begun = _StartedTask(task)

        def attempt(module: Module) -> T:
            return self._attempt(module, begun, about, given, writing=writing)

        return self._retry(
            attempt, about, writing=writing, renewed=renewed, repeatable=lambda: repeat or not begun.begun
        )

    def check_token(self) -> None:
        """Find out whether the module can be loaded and has the token; nobody logs in.

        Raises:
            AnchorholdError: One sentence on what went wrong.
        """

        def attempt(module: Module) -> None:
            with module.lock:
                module.token(self._token_choice, self._max_sessions, self.subject)

        self._retry(attempt, "", writing=False, repeatable=lambda: True)

    def _retry(
        self,
        attempt: Callable[[Module], T],
        about: str,
        *,
        writing: bool,
        repeatable: Callable[[], bool],
        renewed: bool = False,
    ) -> T:
        tried: tuple[Remedy, ...] = ()
        while True:
            module = self._module
            if module is None or not module.ready:
                module = self._module = module_of(self._module_choice, self.subject, self.describe(self._opened, about))
            generation = module.generation
            try:
                return attempt(module)
            except PKCS11Error as error:
                remedy = remedy_for(error, tried) if repeatable() else None
                if (
                    remedy is Remedy.REINITIALISE
                    and remedy not in tried
                    and not module.may_reinitialise(about, generation)
                ):
                    remedy = None
                if remedy is None:
                    place = self.describe(self._opened, about)
                    raise explain(error, place, renewed=renewed or bool(tried), writing=writing) from error
                if isinstance(error, TokenUnavailableError):
                    time.sleep(PAUSES[tried.count(remedy)])
            tried += (remedy,)
            self._apply(remedy, module, generation, about)

    def reinitialise(self, generation: int, reason: str) -> bool:
        """Initialise the module again, unless that was done not long ago for the same reason; whether it was done.

        Args:
            generation: Of the module when something failed.
            reason: What failed.

        Raises:
            ModuleUnavailableError: It cannot be initialised now.
        """
        module = self._module
        if module is None or not module.may_reinitialise(reason, generation):
            return False
        module.reinitialise(generation, self.describe(self._opened, reason))
        return True

    def note_success(self, reason: str) -> None:
        """What failed works again after `reinitialise`."""
        if self._module is not None:
            self._module.note_success(reason)

    @property
    def generation(self) -> int:
        """Of the module, so that what failed in it can be told from what was renewed since."""
        return self._module.generation if self._module is not None else -1

    def describe(self, open_token: TokenState | None, about: str = "") -> str:
        """Alias, token and key, for a message."""
        token = repr(open_token.label) if open_token is not None else f"with {self._token_choice}"
        return f"{self.subject}, token {token}{', ' + about if about else ''}"

    def _attempt(
        self, module: Module, task: Callable[..., T], about: str, given: tuple[object, ...], *, writing: bool
    ) -> T:
        module.lock.enter()
        try:
            open_token = self._opened
            if open_token is None or open_token.generation != module.generation:
                self._opened = None
                open_token = self._opened = module.token(self._token_choice, self._max_sessions, self.subject)
            if open_token.accepted != self.credential.digest:
                open_token.ensure_logged_in(self.credential, self.describe(open_token))
            pool = open_token.pool
            token_session = pool.acquire(writing=writing or open_token.is_security_officer)
            try:
                result = task(token_session, *given)
            except BaseException:
                pool.discard(token_session)  # an operation may have stayed active in it
                raise
            pool.release(token_session)
        finally:
            module.lock.leave()
        if module.renewed_for:
            module.note_success(about)
        return result

    def _apply(self, remedy: Remedy, module: Module, generation: int, about: str) -> None:
        open_token = self._opened
        if remedy is Remedy.REINITIALISE or open_token is None:
            module.reinitialise(generation, self.describe(open_token, about))
            return
        with module.lock:
            if open_token.generation == module.generation:
                open_token.reopen()
