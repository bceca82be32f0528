"""Plugins that go wrong, wherever their code runs: the guilty one is named, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, field_validator

from anchorhold import pkcs8, software_keys
from anchorhold.algorithms import Algorithm, key_spec
from anchorhold.errors import AnchorholdError, BackendFailedError, KeyMismatchError, SignatureError
from anchorhold.operations.signing import sign_and_verify
from anchorhold.plugin import Capabilities, OcspStore, SignRequest, hookimpl
from anchorhold.plugin.backend_options import options_of
from plugin.fake_backends import CA, NO_SECRETS, SUBJECT, MemoryBackend, Recorder, bound, create_request, key_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin.key_backend import KeyBackend

OTHER_KEY = software_keys.generate(key_spec("EC"))


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryBackend, "keys", {})


def wrapper_named(name: str) -> str:
    """How a wrapper is named."""
    return f"wrapper '{name}' ({name} of acme-policy 3.4)"


def _boom(*_: Any) -> Any:
    raise ZeroDivisionError("1234")


def _exits(*_: Any) -> Any:
    raise SystemExit(3)


class _OddMeta(type):
    @property
    def Options(cls) -> Any:  # noqa: N802  # as the plugin API has it
        return _boom()


class _Descriptor:
    def __get__(self, instance: Any, owner: Any) -> Any:
        return _boom()


class _Unshown:
    def __repr__(self) -> str:
        raise ZeroDivisionError("1234")


def _sign(backend: KeyBackend) -> bytes:
    """Make a key, and a signature with it."""
    created = backend.create_key(create_request(), NO_SECRETS)
    signer = backend.load_signer(key_request(created), NO_SECRETS)
    algorithm = Algorithm(scheme="ecdsa", hash="SHA-256")
    request = SignRequest(message=b"message", algorithm=algorithm, purpose="probe", ca=CA)
    return sign_and_verify(backend, signer, created.public_key, request)


def _create(backend: KeyBackend) -> Any:
    return backend.create_key(create_request(), NO_SECRETS)


def _export(backend: KeyBackend) -> Any:
    return backend.export_key(key_request(_create(backend)), NO_SECRETS)


def _nothing(backend: KeyBackend) -> None:
    """It is bound, and that is too much."""


def _place(backend: KeyBackend) -> Any:
    return backend.check_place()


def _options(backend: KeyBackend) -> Any:
    return options_of(backend, "create")


def _store(backend: KeyBackend) -> Any:
    return backend.ocsp_store()


def _signer_with(**members: Any) -> type[MemoryBackend]:
    """A backend whose signers have other members."""
    kind = type("Odd", (software_keys.SoftwareSigner,), members)

    class Backend(MemoryBackend):
        @hookimpl
        def load_signer(self, request: Any, secrets: Any) -> Any:
            signer: Any = object.__new__(kind)
            signer._key = self.keys[request.handle.data["name"]]
            if "public_key" not in members:
                signer.public_key = signer._key.public_key()
            return signer

    return Backend


def _answering(hook: str, answer: Callable[[], Any]) -> type[MemoryBackend]:
    """A backend that answers one hook like that."""
    if hook == "ocsp_store":
        return type("Backend", (MemoryBackend,), {hook: hookimpl(lambda self: answer())})
    if hook == "add_cli_options":
        return type("Backend", (MemoryBackend,), {hook: hookimpl(lambda self, add, operation: answer()(add))})
    return type("Backend", (MemoryBackend,), {hook: hookimpl(lambda self, request, secrets: answer())})


def _with(**members: Any) -> type[MemoryBackend]:
    return type("Backend", (MemoryBackend,), members)


class _Options(BaseModel):
    pin: str = "x"

    @field_validator("pin")
    @classmethod
    def _check(cls, pin: str) -> str:
        raise ZeroDivisionError(pin)

    model_config = {"validate_default": True}


class _ExitingOptions(_Options):
    @field_validator("pin")
    @classmethod
    def _check(cls, pin: str) -> str:
        raise SystemExit(pin)


BACKENDS: dict[str, tuple[type[Any], Callable[[KeyBackend], Any], str]] = {
    "constructor exits": (_with(__init__=_exits), _nothing, "cannot be constructed (SystemExit)"),
    "constructor raises": (_with(__init__=_boom), _nothing, "cannot be constructed (ZeroDivisionError)"),
    "descriptor of the class": (_with(state=_Descriptor()), _nothing, "looking at its methods failed"),
    "comparison": (_with(__eq__=_boom, __hash__=None), _nothing, "registering it failed"),
    "list of attributes": (_with(__dir__=_boom), _nothing, "registering it failed"),
    "capabilities raise": (_with(capabilities=property(_boom)), _nothing, "reading capabilities failed"),
    "capabilities are a dict": (_with(capabilities={"curves": ()}), _nothing, "capabilities are of the type dict"),
    "capabilities have text": (_with(capabilities=Capabilities(curves="P-256")), _nothing, "capabilities.curves"),  # type: ignore[arg-type]
    "capabilities have None": (_with(capabilities=Capabilities(hashes=None)), _nothing, "capabilities.hashes"),  # type: ignore[arg-type]
    "capabilities have one size": (_with(capabilities=Capabilities(rsa_sizes=2048)), _nothing, "rsa_sizes"),  # type: ignore[arg-type]
    "capabilities have an odd padding": (
        _with(capabilities=Capabilities(rsa_paddings=("oaep",))),
        _nothing,
        "capabilities.rsa_paddings",
    ),
    "handle_version cannot be shown": (_with(handle_version=_Unshown()), _nothing, "handle_version is an object"),
    "Options cannot be read": (
        _OddMeta("Odd", (), {**vars(MemoryBackend), "__dict__": None}),
        _nothing,
        "the attribute Options of its class cannot be read",
    ),
    "Options are no model": (_with(Options=7), _nothing, "checking key_backends.mine.options failed"),
    "validator raises": (_with(Options=_Options), _nothing, "checking key_backends.mine.options failed"),
    "validator exits": (_with(Options=_ExitingOptions), _nothing, "checking key_backends.mine.options failed"),
    "create_key exits": (_answering("create_key", _exits), _create, "create_key failed (SystemExit)"),
    "public_key raises": (_signer_with(public_key=property(_boom)), _sign, "load_signer returned a signer whose"),
    "public_key exits": (_signer_with(public_key=property(_exits)), _sign, "load_signer returned a signer whose"),
    "sign raises": (_signer_with(sign=_boom), _sign, "sign failed (ZeroDivisionError)"),
    "sign exits": (_signer_with(sign=_exits), _sign, "sign failed (SystemExit)"),
    "sign returns text": (_signer_with(sign=lambda *_: "x"), _sign, "sign returned str, not bytes"),
    "sign lies": (_signer_with(sign=lambda *_: b"x"), _sign, "returned a signature that does not verify"),
    "exports another key": (
        _answering("export_key", lambda: pkcs8.dump_pkcs8(OTHER_KEY)),
        _export,
        "export_key returned another key",
    ),
    "check_place raises": (_with(check_place=_boom), _place, "check_place failed"),
    "check_place returns None": (_with(check_place=lambda _: None), _place, "check_place failed"),
    "option whose help is not text": (
        _answering("add_cli_options", lambda: lambda add: add("pin", help=_Unshown())),
        _options,
        "adds an option whose name or help is not text",
    ),
    "option whose default is a list": (
        _answering("add_cli_options", lambda: lambda add: add("pin", help="Pin.", default=[])),
        _options,
        "adds an option whose name or help is not text",
    ),
    "add_cli_options exits": (_answering("add_cli_options", _exits), _options, "add_cli_options failed (SystemExit)"),
    "OCSP store of a text": (
        _answering("ocsp_store", lambda: OcspStore(unattended="pin")),  # type: ignore[arg-type]
        _store,
        "ocsp_store returned unattended",
    ),
    "OCSP store of no options": (
        _answering("ocsp_store", lambda: OcspStore(options=None)),  # type: ignore[arg-type]
        _store,
        "ocsp_store returned options",
    ),
}


@pytest.mark.parametrize("case", BACKENDS.values(), ids=BACKENDS)
def test_a_backend_is_named_wherever_its_code_fails(
    case: tuple[type[Any], Callable[[KeyBackend], Any], str],
) -> None:
    backend_class, use, words = case
    with pytest.raises(AnchorholdError) as caught:
        use(bound(backend_class))
    assert "acme-keys 1.2" in caught.value.problem
    assert words in caught.value.problem
    assert "1234" not in str(caught.value)
    assert "\n" not in str(caught.value)


def _wrapping(hook: str, wrap: Callable[..., Any]) -> type[Recorder]:
    """A wrapper of one hook; the function is given the answer, or None before it is there."""
    arguments = {"sign": "request, signer", "ocsp_store": "", "add_cli_options": "add, operation"}
    listed = arguments.get(hook, "request, secrets")
    names: dict[str, Any] = {"wrap": wrap}
    exec(f"def {hook}(self, {listed}):\n    return wrap((yield))", names)  # noqa: S102  # pluggy reads its arguments
    return type("Guilty", (Recorder,), {"sign": None, hook: hookimpl(wrapper=True)(names[hook])})


def _made(function: Callable[..., Any]) -> type[Recorder]:
    return type("Guilty", (Recorder,), {"sign": hookimpl(wrapper=True)(function)})


def _before(self: Any, request: Any) -> Any:
    _boom()
    return (yield)


def _never_yields(self: Any, request: Any) -> Any:
    if request is None:
        yield
    return b""


def _yields_twice(self: Any, request: Any) -> Any:
    yield
    yield
    return b""


def _swallows(self: Any, request: Any) -> Any:
    try:
        return (yield)
    except AnchorholdError:
        return None


class Innocent(Recorder):
    """Hands on what it is given."""

    name = "innocent"


WRAPPERS: dict[str, tuple[type[Recorder], Callable[[KeyBackend], Any], str]] = {
    "spoils the signature": (_wrapping("sign", lambda made: bytes(len(made))), _sign, "does not verify"),
    "shortens the signature": (_wrapping("sign", lambda made: made[:-1]), _sign, "does not verify"),
    "forgets the signature": (_wrapping("sign", lambda _: None), _sign, "sign returned NoneType, not bytes"),
    "fails after the signature": (_wrapping("sign", _boom), _sign, "sign failed (ZeroDivisionError)"),
    "exits after the signature": (_wrapping("sign", _exits), _sign, "sign failed (SystemExit)"),
    "fails before the signature": (_made(_before), _sign, "sign failed (ZeroDivisionError)"),
    "never yields": (_made(_never_yields), _sign, "sign did not yield"),
    "yields twice": (_made(_yields_twice), _sign, "sign yielded twice"),
    "another signer": (
        _wrapping("load_signer", lambda _: software_keys.SoftwareSigner(OTHER_KEY)),
        _sign,
        "does not belong to its certificate",
    ),
    "no signer": (_wrapping("load_signer", lambda _: 7), _sign, "load_signer returned a int, not a signer"),
    "no key": (_wrapping("create_key", lambda _: {}), _create, "create_key returned dict"),
    "another export": (
        _wrapping("export_key", lambda _: pkcs8.dump_pkcs8(OTHER_KEY)),
        _export,
        "export_key returned another key",
    ),
}


@pytest.mark.parametrize("innocent_first", [True, False])
@pytest.mark.parametrize("case", WRAPPERS.values(), ids=WRAPPERS)
def test_the_wrapper_that_spoils_an_answer_is_named_and_nobody_else(
    case: tuple[type[Recorder], Callable[[KeyBackend], Any], str], innocent_first: bool
) -> None:
    guilty, use, words = case
    wrappers = (Innocent, guilty) if innocent_first else (guilty, Innocent)
    with pytest.raises(AnchorholdError) as caught:
        use(bound(MemoryBackend, wrappers))
    assert caught.value.problem.startswith(wrapper_named("Guilty"))
    assert words in caught.value.problem
    assert "acme-keys" not in str(caught.value)
    assert "Innocent" not in str(caught.value)


def test_a_backend_that_lies_is_named_though_a_wrapper_hands_its_lie_on() -> None:
    with pytest.raises(SignatureError) as caught:
        _sign(bound(_signer_with(sign=lambda *_: b"x"), [Innocent]))
    assert caught.value.problem.startswith(SUBJECT)


def test_a_wrapper_of_one_alias_is_not_named_for_the_backend_of_another() -> None:
    with pytest.raises(SignatureError, match="Guilty"):
        _sign(bound(MemoryBackend, [_wrapping("sign", lambda made: bytes(len(made)))]))
    with pytest.raises(SignatureError) as caught:
        _sign(bound(_signer_with(sign=lambda *_: b"x")))
    assert caught.value.problem.startswith(SUBJECT)


def test_a_backend_that_fails_is_named_though_a_wrapper_sees_its_error() -> None:
    seen = []

    class Watching(Recorder):
        @hookimpl(wrapper=True)
        def sign(self, request: Any, signer: Any) -> Any:
            try:
                return (yield)
            except AnchorholdError as error:
                seen.append(error)
                raise

    with pytest.raises(BackendFailedError) as caught:
        _sign(bound(_signer_with(sign=_boom), [Watching]))
    assert caught.value.problem.startswith(SUBJECT)
    assert seen == [caught.value]


def test_a_wrapper_that_swallows_an_error_has_to_answer_itself() -> None:
    with pytest.raises(AnchorholdError) as caught:
        _sign(bound(_signer_with(sign=_boom), [_made(_swallows)]))
    assert "sign returned NoneType" in caught.value.problem


def test_a_wrapper_may_replace_a_signature_by_one_that_verifies() -> None:
    class Signing(Recorder):
        @hookimpl(wrapper=True)
        def sign(self, request: Any, signer: Any) -> Any:
            yield
            return signer.sign(request.message, request.algorithm)

    assert _sign(bound(MemoryBackend, [Signing]))


def test_a_signer_of_another_key_names_the_backend_behind_good_wrappers(monkeypatch: pytest.MonkeyPatch) -> None:
    other = _answering("load_signer", lambda: software_keys.SoftwareSigner(OTHER_KEY))
    with pytest.raises(KeyMismatchError, match="acme-keys"):
        _sign(bound(other, [Innocent]))


def test_control_c_is_no_failure_of_a_plugin() -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _sign(bound(_signer_with(sign=interrupted), [Innocent]))


def test_capabilities_may_belong_to_the_instance() -> None:
    class Backend(MemoryBackend):
        def __init__(self, options: Any, context: Any) -> None:
            super().__init__(options, context)
            self.capabilities = Capabilities(key_types=("Ed25519",))

    assert bound(Backend).capabilities.key_types == ("Ed25519",)
