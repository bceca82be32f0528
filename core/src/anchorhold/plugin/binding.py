"""Binding one backend instance and its wrappers to an alias: its own plugin manager, checked when it is created.

One manager for each alias is an allow-list by construction: a hook can never be answered by another backend.
"""

from __future__ import annotations

import inspect
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pluggy

from anchorhold.errors import AnchorholdError, BackendBusyError, BackendContractError, BackendLoadError
from anchorhold.plugin.answers import fault_of_capabilities
from anchorhold.plugin.blame import (
    blaming,
    broken,
    failure,
    keep_interrupt,
    name_in_calls,
    name_in_notices,
)
from anchorhold.plugin.hook_markers import PROJECT, hookimpl
from anchorhold.plugin.hookspecs import REQUIRED_HOOKS, BackendSpec
from anchorhold.plugin.notices import NOTICES
from anchorhold.plugin.retries import patience_end, retried
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from anchorhold.plugin.capabilities import Capabilities
    from anchorhold.plugin.discovery import PluginIdentity
    from anchorhold.plugin.requests import Signer, SignRequest


class CoreSigning:
    """Core's implementation of the hook `sign`, which wrappers wrap."""

    def __init__(self, *, ocsp: bool = False) -> None:
        self._ocsp = ocsp

    @hookimpl
    def sign(self, request: SignRequest, signer: Signer) -> bytes:
        """Let the signer sign the whole message; wrappers see a request once, also if the key is busy at first."""
        sign_request: Callable[[SignRequest], bytes] | None = getattr(signer, "sign_request", None)

        def attempt() -> bytes:
            if sign_request is not None:
                return sign_request(request)
            return signer.sign(request.message, request.algorithm)

        begun = time.monotonic()
        try:
            return attempt()
        except BackendBusyError as busy:
            return retried(attempt, busy, patience_end(begun, request.deadline, ocsp=self._ocsp))


@dataclass(frozen=True, slots=True)
class PluginFactory:
    """A backend or wrapper about to be bound.

    Attributes:
        construct: Makes the instance.
        identity: Who it is, for messages.
    """

    construct: Callable[[], Any]
    identity: PluginIdentity


@dataclass(frozen=True, slots=True)
class BoundBackend:
    """A backend with its wrappers, checked.

    Attributes:
        manager: Holds core's signing, the backend and the wrappers.
        capabilities: What the instance declares, or its class; None if neither says.
        wrapped: Whether there are wrappers, so that each call notes who did what.
    """

    manager: pluggy.PluginManager
    capabilities: Capabilities | None
    wrapped: bool


def bind(backend: PluginFactory, wrappers: Sequence[tuple[PluginIdentity, Any]], *, ocsp: bool) -> BoundBackend:
    """A plugin manager that holds core's signing, one backend and the enabled wrappers, the first outermost.

    Args:
        backend: The backend of the alias.
        wrappers: From `construct_wrapper`, in the order of the settings.
        ocsp: Whether the alias keeps OCSP responder keys.

    Raises:
        BackendLoadError: The backend cannot be constructed.
        BackendContractError: It breaks a rule of the plugin API.
    """
    manager, signing = _manager(), CoreSigning(ocsp=ocsp)
    manager.register(signing, name="core")
    instance = _construct(backend)
    _register(manager, instance, backend.identity)
    _check_backend(manager, instance, backend.identity, ocsp=ocsp)
    name_in_notices(manager, instance, backend.identity)
    if wrappers:
        for plugin in (signing, instance):  # what fails within core's `sign` is the signer of the backend
            name_in_calls(manager, plugin, backend.identity)
    _add_wrappers(manager, wrappers)
    return BoundBackend(manager, _capabilities(instance, backend.identity), bool(wrappers))


def bind_wrappers(wrappers: Sequence[tuple[PluginIdentity, Any]]) -> pluggy.PluginManager:
    """A plugin manager that holds wrappers alone, to tell them what was recorded where no backend is needed."""
    manager = _manager()
    _add_wrappers(manager, wrappers)
    return manager


def construct_wrapper(part: PluginFactory) -> Any:
    """An instance of a wrapper, checked on its own.

    Raises:
        BackendLoadError: It cannot be constructed.
        BackendContractError: It breaks a rule of the plugin API.
    """
    instance = _construct(part)
    manager = _manager()
    _register(manager, instance, part.identity)
    hooks = [name for name, _ in _hook_methods(instance)]
    if not hooks:
        raise BackendContractError(
            f"{part.identity}: wraps no hook, so it would protect nothing",
            hint="its author must mark a method with hookimpl(wrapper=True)",
        )
    for name in hooks:
        is_notice = name in NOTICES
        if not all(found.wrapper is not is_notice for found in _implementations(manager, name, instance)):
            raise BackendContractError(
                f"{part.identity}: wraps the hook {name} instead of implementing it"
                if is_notice
                else f"{part.identity}: implements the hook {name} instead of wrapping it",
                hint=f"its author must mark it with hookimpl{'' if is_notice else '(wrapper=True)'}",
            )
    return instance


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(BackendSpec)
    return manager


def _add_wrappers(manager: pluggy.PluginManager, wrappers: Sequence[tuple[PluginIdentity, Any]]) -> None:
    for owner, wrapper in reversed(wrappers):  # pluggy calls the one registered last first
        _register(manager, wrapper, owner)
        name_in_calls(manager, wrapper, owner)
        name_in_notices(manager, wrapper, owner)


def _construct(part: PluginFactory) -> Any:
    try:
        instance = part.construct()
    except AnchorholdError:
        raise
    except BaseException as error:
        keep_interrupt(error)
        raise BackendLoadError(
            f"{part.identity}: cannot be constructed ({type(error).__name__})",
            hint="report this to its author; see the cause",
            remedy=Remedy("diagnostics.show_cause"),
        ) from error
    with blaming(part.identity, "looking at its methods"):
        _check_arguments(instance, part.identity)
        _check_overrides(instance, part.identity)
    return instance


def _register(manager: pluggy.PluginManager, instance: Any, identity: PluginIdentity) -> None:
    try:
        manager.register(instance, name=f"{identity.kind} {identity.name}")
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise BackendContractError(
            f"{identity}: {' '.join(str(error).split())}", hint="its author must correct the hook"
        ) from error
    except BaseException as error:  # pluggy compares the instance with others, and lists its attributes
        keep_interrupt(error)
        raise failure(identity, "registering it", error) from error


def _capabilities(instance: Any, identity: PluginIdentity) -> Capabilities | None:
    with blaming(identity, "reading capabilities"):
        declared = getattr(instance, "capabilities", None)
        problem = fault_of_capabilities(declared)
    if problem is not None:
        raise broken(identity, problem)
    return cast("Capabilities | None", declared)


def _hook_methods(instance: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, member in inspect.getmembers(type(instance), inspect.isroutine):
        if hasattr(member, f"{PROJECT}_impl"):
            yield name, member


def _check_overrides(instance: Any, identity: PluginIdentity) -> None:
    """A method that overrides an inherited hook but is not a hook itself would never be called."""
    hooks = {name for name, _ in _hook_methods(instance)}
    for parent in type(instance).__mro__[1:]:
        for name, member in vars(parent).items():
            overridden = hasattr(member, f"{PROJECT}_impl") and name not in hooks
            if overridden and getattr(type(instance), name) is not None:
                raise BackendContractError(
                    f"{identity}: overrides the hook {name} of {parent.__name__} with a method that is not a hook",
                    hint="its author must mark it with hookimpl, or sets it to None to leave the hook out",
                )


def _check_arguments(instance: Any, identity: PluginIdentity) -> None:
    """Pluggy never passes a defaulted argument, and fails only in the call at a keyword-only one."""
    for name, method in _hook_methods(instance):
        for argument in inspect.signature(method).parameters.values():
            if argument.default is not argument.empty or argument.kind is not argument.POSITIONAL_OR_KEYWORD:
                raise BackendContractError(
                    f"{identity}: the hook {name} has the argument {_spelt(argument)}, which would never be passed",
                    hint="its author must make every hook argument positional and without default",
                )


def _spelt(argument: inspect.Parameter) -> str:
    """As it stands in the source; its default may be an object that cannot be shown."""
    return str(argument.replace(default=argument.empty, annotation=argument.empty))


def _implementations(manager: pluggy.PluginManager, hook: str, instance: Any) -> list[pluggy.HookImpl]:
    return [found for found in getattr(manager.hook, hook).get_hookimpls() if found.plugin is instance]


def _check_backend(manager: pluggy.PluginManager, instance: Any, identity: PluginIdentity, *, ocsp: bool) -> None:
    for hook in (*REQUIRED_HOOKS, *(("ocsp_store",) if ocsp else ())):
        if not _implementations(manager, hook, instance):
            purpose = " and cannot keep OCSP responder keys" if hook == "ocsp_store" else ""
            raise BackendContractError(
                f"{identity}: does not implement the hook {hook}{purpose}", hint="choose another backend"
            )
    for name, _ in _hook_methods(instance):
        found = _implementations(manager, name, instance)
        if name == "sign" or any(implementation.wrapper or implementation.hookwrapper for implementation in found):
            raise BackendContractError(
                f"{identity}: wraps or implements the hook {name}, which only wrappers may",
                hint="its author must offer that part in the group anchorhold.wrappers",
            )
