"""What is checked when a backend or wrapper is bound to an alias, before any key is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.errors import AnchorholdError, BackendContractError, BackendLoadError, InputError
from anchorhold.plugin import BACKENDS_GROUP, hookimpl
from anchorhold.plugin.hookspecs import OPTIONAL_HOOKS, REQUIRED_HOOKS
from plugin.fake_backends import (
    SUBJECT,
    MemoryBackend,
    Recorder,
    bound,
    configured,
    create_request,
    offer,
    settings_file,
)

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin import KeyRequest, Signer, SignRequest


class _Minimal:
    """Only what is required."""

    anchorhold_api = 1

    def __init__(self, options: Any, context: Any) -> None: ...

    @hookimpl
    def create_key(self, request: Any, secrets: Any) -> Any: ...

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any: ...


class _OnlyCreates:
    anchorhold_api = 1

    def __init__(self, options: Any, context: Any) -> None: ...

    @hookimpl
    def create_key(self, request: Any, secrets: Any) -> Any: ...


class _OnlyLoads:
    anchorhold_api = 1

    def __init__(self, options: Any, context: Any) -> None: ...

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any: ...


class _NotMarked(_OnlyLoads):
    def create_key(self, request: Any, secrets: Any) -> Any:
        """Looks right, and is never called, because the mark is missing."""


class _Misspelt(_Minimal):
    @hookimpl
    def find_keys(self, request: Any, secrets: Any) -> Any: ...


class _UnknownArgument(_Minimal):
    @hookimpl
    def find_key(self, request: Any, password: Any) -> Any: ...


class _Defaulted(_Minimal):
    @hookimpl
    def find_key(self, request: Any, secrets: Any = None) -> Any: ...


class _DefaultedMisspelt(_Minimal):
    @hookimpl
    def find_key(self, request: Any, secretz: Any = None) -> Any: ...


class _KeywordOnly(_Minimal):
    @hookimpl
    def find_key(self, request: Any, *, secrets: Any) -> Any: ...


class _StarArguments(_Minimal):
    @hookimpl
    def find_key(self, *arguments: Any) -> Any: ...


class _StaticDefaulted(_Minimal):
    @staticmethod
    @hookimpl
    def find_key(request: Any, secrets: Any = None) -> Any: ...


class _Signs(_Minimal):
    @hookimpl
    def sign(self, request: SignRequest, signer: Signer) -> bytes:
        return b""


class _WrapsSigning(_Minimal):
    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Any:
        return (yield)


class _WrapsLoading(_Minimal):
    @hookimpl(wrapper=True)
    def load_signer(self, request: KeyRequest, secrets: Any) -> Any:
        return (yield)


class _OldStyleWrap(_Minimal):
    @hookimpl(hookwrapper=True)
    def find_key(self, request: KeyRequest, secrets: Any) -> Any:
        yield


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (_OnlyCreates, ("does not implement the hook load_signer",)),
        (_OnlyLoads, ("does not implement the hook create_key",)),
        (_NotMarked, ("does not implement the hook create_key",)),
        (_Misspelt, ("find_keys",)),
        (_UnknownArgument, ("find_key", "password")),
        (_Defaulted, ("find_key", "secrets", "never be passed")),
        (_DefaultedMisspelt, ("find_key", "secretz")),
        (_KeywordOnly, ("find_key", "secrets")),
        (_StarArguments, ("find_key", "arguments")),
        (_StaticDefaulted, ("find_key", "secrets")),
        (_Signs, ("hook sign", "only wrappers may")),
        (_WrapsSigning, ("hook sign", "only wrappers may")),
        (_WrapsLoading, ("hook load_signer", "only wrappers may")),
        (_OldStyleWrap, ("hook find_key", "only wrappers may")),
    ],
)
def test_a_backend_that_breaks_a_rule_is_refused_when_it_is_bound(backend: type[Any], words: tuple[str, ...]) -> None:
    with pytest.raises(BackendContractError) as caught:
        bound(backend)
    message = str(caught.value)
    assert message.startswith(SUBJECT)
    for word in words:
        assert word in message
    assert "\n" not in message


def test_the_required_hooks_are_enough() -> None:
    backend = bound(_Minimal)
    assert [hook for hook in REQUIRED_HOOKS if not backend.supports(hook)] == []
    assert [hook for hook in OPTIONAL_HOOKS if backend.supports(hook)] == []


class _Implements(Recorder):
    @hookimpl
    def create_key(self, request: Any, secrets: Any) -> Any:
        """Would answer in place of the backend."""


class _ImplementsSigning:
    anchorhold_api = 1

    def __init__(self, options: Any, context: Any) -> None: ...

    @hookimpl
    def sign(self, request: SignRequest, signer: Signer) -> bytes:
        return b""


class _WrapsUnknownHook(Recorder):
    @hookimpl(wrapper=True)
    def signs(self, request: Any, signer: Any) -> Any:
        return (yield)


class _WrapsWithDefault(Recorder):
    @hookimpl(wrapper=True)
    def create_key(self, request: Any, secrets: Any = None) -> Any:
        return (yield)


class _NoGenerator(Recorder):
    @hookimpl(wrapper=True)
    def create_key(self, request: Any, secrets: Any) -> Any:
        return None


class _WrapsNothing:
    anchorhold_api = 1

    def __init__(self, options: Any, context: Any) -> None: ...


@pytest.mark.parametrize(
    ("wrapper", "words"),
    [
        (_Implements, ("create_key", "instead of wrapping")),
        (_ImplementsSigning, ("sign", "instead of wrapping")),
        (_WrapsUnknownHook, ("signs",)),
        (_WrapsWithDefault, ("create_key", "secrets", "never be passed")),
        (_NoGenerator, ("create_key",)),
    ],
)
def test_a_wrapper_that_breaks_a_rule_is_refused_when_it_is_bound(wrapper: type[Any], words: tuple[str, ...]) -> None:
    with pytest.raises(BackendContractError) as caught:
        bound(MemoryBackend, [wrapper])
    message = str(caught.value)
    assert message.startswith(f"wrapper {wrapper.__name__!r} ({wrapper.__name__} of acme-policy 3.4)")
    for word in words:
        assert word in message
    assert "\n" not in message


def test_a_wrapper_that_wraps_nothing_is_refused_because_it_would_protect_nothing() -> None:
    with pytest.raises(BackendContractError, match="_WrapsNothing"):
        bound(MemoryBackend, [_WrapsNothing])


class _Raises(_Minimal):
    def __init__(self, options: Any, context: Any) -> None:
        raise OSError("the library is gone, PIN was 1234")


class _Refuses(_Minimal):
    def __init__(self, options: Any, context: Any) -> None:
        raise InputError("mine: not like this", hint="do otherwise")


class _TakesNothing(_Minimal):
    def __init__(self) -> None: ...


@pytest.mark.parametrize(
    ("backend", "kind", "words"),
    [
        (_Raises, BackendLoadError, (SUBJECT, "cannot be constructed", "OSError")),
        (_TakesNothing, BackendLoadError, (SUBJECT, "cannot be constructed", "TypeError")),
        (_Refuses, InputError, ("mine: not like this", "do otherwise")),
    ],
)
def test_a_constructor_that_raises_is_one_clear_error(
    backend: type[Any], kind: type[AnchorholdError], words: tuple[str, ...]
) -> None:
    with pytest.raises(kind) as caught:
        bound(backend)
    for word in words:
        assert word in str(caught.value)
    assert "1234" not in str(caught.value)
    assert kind is InputError or caught.value.__cause__ is not None


class _Property(_Minimal):
    """Getters with side effects must not run while hooks are looked for."""

    @property
    def session(self) -> Any:
        raise AssertionError("the session was opened")


def test_binding_does_not_run_the_properties_of_a_backend() -> None:
    assert bound(_Property).supports("create_key")


class _ValueEqual(_Minimal):
    """Pluggy refuses a plugin that equals one it has; two aliases of one type must not meet that."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ValueEqual)

    def __hash__(self) -> int:
        return 1


def test_two_aliases_of_one_type_are_bound_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"vault": "plugin.fake_backends:MemoryBackend"})
    settings_file(tmp_path, monkeypatch, "".join(f'[key_backends.{a}]\nbackend = "vault"\n' for a in ("one", "two")))
    backends = configured()
    one, two = backends.get("one"), backends.get("two")
    assert one.manager is not two.manager
    assert backends.get("one") is one
    assert bound(_ValueEqual).supports("create_key")
    assert bound(_ValueEqual).supports("create_key")


def test_a_bound_backend_creates_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryBackend, "keys", {})
    created = bound(MemoryBackend).create_key(create_request(), None)  # type: ignore[arg-type]
    assert list(MemoryBackend.keys) == [created.handle.data["name"]]
