"""One alias's way to its token: log in, lend a session, and try once more when something can be put right."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, TypeVar

from pkcs11.exceptions import PKCS11Error

from anchorhold_hsm.failures import explain
from anchorhold_hsm.module import ModuleChoice
from anchorhold_hsm.registry import module_of
from anchorhold_hsm.tokens import TokenChoice
from anchorhold_hsm.trouble import PAUSES, Remedy, TokenAwayError, remedy_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold_hsm.module import Module
    from anchorhold_hsm.opened import OpenedToken
    from anchorhold_hsm.options import Options
    from anchorhold_hsm.pins import Credential
    from anchorhold_hsm.token_state import TokenState

T = TypeVar("T")


class _Begun(Generic[T]):
    """A task that tells whether it has begun: until then, nothing can be half done."""

    def __init__(self, task: Callable[..., T]) -> None:
        self._task = task
        self.begun = False

    def __call__(self, *given: object) -> T:
        self.begun = True
        return self._task(*given)


class Access:
    """Runs tasks on the token of an alias. Threads may share it; after a fork it finds the token anew.

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
        self._opened: OpenedToken | None = None

    def run(
        self,
        task: Callable[..., T],
        about: str = "",
        *given: object,
        writing: bool = False,
        repeat: bool = True,
        renewed: bool = False,
    ) -> T:
        """Do something in a session of its own that is logged in.

        Args:
            task: What to do; is called with a worker and `given`. It is done again after a remedy, so it must not
                have half-done things.
            about: The key in question, for messages.
            given: For the task.
            writing: Whether it changes objects of the token.
            repeat: Whether it may be done again at all, once it has begun.
            renewed: Whether the module was initialised anew for it.

        Raises:
            AnchorholdError: One sentence on what went wrong.
        """
        begun = _Begun(task)

        def attempt(module: Module) -> T:
            return self._attempt(module, begun, about, given, writing=writing)

        return self._patiently(
            attempt, about, writing=writing, renewed=renewed, repeatable=lambda: repeat or not begun.begun
        )

    def look(self) -> None:
        """Find out whether the module can be loaded and has the token; nobody logs in.

        Raises:
            AnchorholdError: One sentence on what went wrong.
        """

        def attempt(module: Module) -> None:
            with module.gate:
                module.token(self._token_choice, self._max_sessions, self.subject)

        self._patiently(attempt, "", writing=False, repeatable=lambda: True)

    def _patiently(
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
                if remedy is Remedy.RENEW and remedy not in tried and not module.may_renew(about, generation):
                    remedy = None
                if remedy is None:
                    place = self.describe(self._opened, about)
                    raise explain(error, place, renewed=renewed or bool(tried), writing=writing) from error
                if isinstance(error, TokenAwayError):
                    time.sleep(PAUSES[tried.count(remedy)])
            tried += (remedy,)
            self._apply(remedy, module, generation, about)

    def renew(self, generation: int, reason: str) -> bool:
        """Initialise the module anew, unless that was done not long ago for the same reason; whether it was done.

        Args:
            generation: Of the module when something failed.
            reason: What failed.

        Raises:
            ModuleDownError: It cannot be initialised now.
        """
        module = self._module
        if module is None or not module.may_renew(reason, generation):
            return False
        module.renew(generation, self.describe(self._opened, reason))
        return True

    def worked(self, reason: str) -> None:
        """What failed works again after `renew`."""
        if self._module is not None:
            self._module.worked(reason)

    @property
    def generation(self) -> int:
        """Of the module, so that what failed in it can be told from what was renewed since."""
        return self._module.generation if self._module is not None else -1

    def describe(self, opened: TokenState | None, about: str = "") -> str:
        """Alias, token and key, for a message."""
        token = repr(opened.label) if opened is not None else f"with {self._token_choice}"
        return f"{self.subject}, token {token}{', ' + about if about else ''}"

    def _attempt(
        self, module: Module, task: Callable[..., T], about: str, given: tuple[object, ...], *, writing: bool
    ) -> T:
        module.gate.enter()
        try:
            opened = self._opened
            if opened is None or opened.generation != module.generation:
                self._opened = None
                opened = self._opened = module.token(self._token_choice, self._max_sessions, self.subject)
            if opened.accepted != self.credential.digest:
                opened.admit(self.credential, self.describe(opened))
            pool = opened.pool
            worker = pool.take(writing=writing or opened.is_security_officer)
            try:
                result = task(worker, *given)
            except BaseException:
                pool.drop(worker)  # an operation may have stayed active in it
                raise
            pool.give(worker)
        finally:
            module.gate.leave()
        if module.renewed_for:
            module.worked(about)
        return result

    def _apply(self, remedy: Remedy, module: Module, generation: int, about: str) -> None:
        opened = self._opened
        if remedy is Remedy.RENEW or opened is None:
            module.renew(generation, self.describe(opened, about))
            return
        with module.gate:
            if opened.generation == module.generation:
                opened.reopen()
