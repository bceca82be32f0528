"""Whose fault it is: among wrappers, each plugin is called through a function that names it, and notes its changes.

From outside, a hook with wrappers around it answers or fails; which of them did it can only be seen between them. A
backend without wrappers is at fault itself.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from threading import local
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import AnchorholdError, BackendContractError, BackendFailedError
from anchorhold.plugin.failed_notices import warn_of_notice
from anchorhold.plugin.notices import NOTICES
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import pluggy

    from anchorhold.plugin.discovery import PluginIdentity

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """An answer of a hook that a wrapper has replaced.

    Attributes:
        hook: Its name.
        wrapper: Who replaced it.
        before: What it was given.
        after: What it has returned.
    """

    hook: str
    wrapper: PluginIdentity
    before: Any
    after: Any


class _Changes(local):
    """What was changed in the call that this thread made last, whether it was answered, and how deep in calls it is."""

    depth = 0
    answered = False
    noted: tuple[Change, ...] = ()


_CHANGES: Final = _Changes()


@contextmanager
def noting_changes() -> Iterator[None]:
    """For one call of hooks; calls that a wrapper makes within it are part of it."""
    if not _CHANGES.depth:
        _CHANGES.noted, _CHANGES.answered = (), False
    _CHANGES.depth += 1
    try:
        yield
    finally:
        _CHANGES.depth -= 1


def author_of(hook: str, backend: PluginIdentity, is_good: Callable[[Any], bool]) -> PluginIdentity:
    """Who made a bad answer of the call that this thread made last: a wrapper that was given a good one, or a backend.

    Args:
        hook: Its name.
        backend: Who has answered first.
        is_good: Whether an answer is; raises nothing.
    """
    for change in _CHANGES.noted:
        if change.hook == hook and is_good(change.before) and not is_good(change.after):
            return change.wrapper
    return backend


def was_answered() -> bool:
    """Whether a backend has answered the call that this thread made last, whatever wrappers did afterwards."""
    return _CHANGES.answered


def failure(identity: PluginIdentity, what: str, error: BaseException) -> BackendFailedError:
    """The error for what code of a plugin has raised.

    Args:
        identity: Whose code.
        what: What was asked of it: a hook, or ``public_key of its signer``.
        error: What it raised; its text may hold a secret, so that it stays the cause.
    """
    return BackendFailedError(
        f"{identity}: {what} failed ({type(error).__name__})",
        hint=f"correct your environment, or report this to the author of the {_word(identity)}; the cause has details",
        remedy=Remedy("diagnostics.show_cause"),
    )


def broken(identity: PluginIdentity, what: str) -> BackendContractError:
    """The error for an answer that the plugin API does not allow."""
    return BackendContractError(f"{identity}: {what}", hint=f"report this to the author of the {_word(identity)}")


def keep_interrupt(error: BaseException) -> None:
    """Raise it again if it is Ctrl-C; whatever else a plugin raises does not end our command.

    Libraries below a plugin may call ``sys.exit``, panic in Rust, or have time-outs that are no ``Exception``.
    """
    if isinstance(error, KeyboardInterrupt):
        raise error


@contextmanager
def blaming(identity: PluginIdentity, what: str) -> Iterator[None]:
    """Name a plugin in whatever its code raises inside; errors of ours pass."""
    try:
        yield
    except AnchorholdError:
        raise
    except BaseException as error:
        keep_interrupt(error)
        raise failure(identity, what, error) from error


def name_in_calls(manager: pluggy.PluginManager, instance: Any, identity: PluginIdentity) -> None:
    """Have each hook of a registered plugin that answers, or wraps an answer, name it."""
    for hook, found in _hooks_of(manager, instance):
        if hook not in NOTICES:
            watch = _watched_wrapper if found.wrapper else _watched
            found.function = watch(hook, found.function, identity)


def name_in_notices(manager: pluggy.PluginManager, instance: Any, identity: PluginIdentity) -> None:
    """Have what a registered plugin raises when it is told something be a warning that names it."""
    for hook, found in _hooks_of(manager, instance):
        if hook in NOTICES:
            found.function = _watched_notice(hook, found.function, identity)


def _hooks_of(manager: pluggy.PluginManager, instance: Any) -> list[tuple[str, Any]]:
    implemented = ((hook, found) for hook, caller in vars(manager.hook).items() for found in caller.get_hookimpls())
    return [(hook, found) for hook, found in implemented if found.plugin is instance]


def _word(identity: PluginIdentity) -> str:
    return "wrapper" if identity.kind == "wrapper" else "backend"


def _watched(hook: str, function: Callable[..., Any], identity: PluginIdentity) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        with blaming(identity, hook):
            answer = function(*arguments)
        _CHANGES.answered = answer is not None
        return answer

    return call


def _watched_notice(hook: str, function: Callable[..., Any], identity: PluginIdentity) -> Callable[..., Any]:
    """One that is told what is done already: what it raises changes nothing of that."""

    def tell(*arguments: Any) -> None:
        try:
            function(*arguments)
        except AnchorholdError as error:
            warn_of_notice(f"{identity}: {hook} failed", str(error))
        except BaseException as error:
            keep_interrupt(error)
            warn_of_notice(f"{identity}: {hook} failed", type(error).__name__)
            logger.debug("%s failed", hook, exc_info=error)

    return tell


def _watched_wrapper(hook: str, function: Callable[..., Any], identity: PluginIdentity) -> Callable[..., Any]:
    def wrap(*arguments: Any) -> Generator[None, Any, Any]:
        with blaming(identity, hook):
            inner = function(*arguments)
            if _advance(inner, None) is not None:
                raise broken(identity, f"{hook} did not yield")
        try:
            before = yield
        except GeneratorExit:
            inner.close()
            raise
        except BaseException as error:
            with blaming(identity, hook):
                ended = _advance(inner, error)
            before = error
        else:
            with blaming(identity, hook):
                ended = _advance(inner, None, before)
        if ended is None:
            with blaming(identity, hook):
                inner.close()
            raise broken(identity, f"{hook} yielded twice")
        if ended.answer is not before:
            _CHANGES.noted += (Change(hook, identity, before, ended.answer),)
        return ended.answer

    return wrap


@dataclass(frozen=True, slots=True)
class _Ended:
    """A generator that has returned."""

    answer: Any


def _advance(inner: Generator[None, Any, Any], error: BaseException | None, value: Any = None) -> _Ended | None:
    """Let a generator go on; None if it has yielded."""
    try:
        if error is not None:
            inner.throw(error)
        else:
            inner.send(value)
    except StopIteration as end:
        return _Ended(end.value)
    return None
