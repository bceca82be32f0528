"""What is checked at each call of a hook: the answer, the public key, the exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives.asymmetric import x25519

from anchorhold import pkcs8, software_keys
from anchorhold.algorithms import Algorithm, key_spec
from anchorhold.errors import (
    AnchorholdError,
    BackendContractError,
    BackendFailedError,
    KeyMismatchError,
    KeyUnsupportedError,
    OperationUnsupportedError,
    SecretWrongError,
)
from anchorhold.plugin import (
    BACKENDS_GROUP,
    CreatedKey,
    FindKeyRequest,
    ImportKeyRequest,
    KeyHandle,
    OcspStore,
    Secret,
    SignRequest,
    hookimpl,
)
from plugin.fake_backends import (
    CA,
    NO_SECRETS,
    SUBJECT,
    MemoryBackend,
    bound,
    configured,
    create_request,
    key_request,
    offer,
    settings_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.plugin.key_backend import KeyBackend

EC_KEY = software_keys.generate(key_spec("EC"))
OTHER_KEY = software_keys.generate(key_spec("EC"))


def _created(data: Any, key: software_keys.PrivateKey = EC_KEY) -> CreatedKey:
    return CreatedKey(handle=KeyHandle(version=1, data=data), public_key=key.public_key())


GOOD = _created({"name": "x"})


class _Answering(MemoryBackend):
    """Each hook answers what the test says, or raises it."""

    answer: ClassVar[Any] = None

    def _give(self) -> Any:
        answer = type(self).answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    @hookimpl
    def create_key(self, request: Any, secrets: Any) -> Any:
        return self._give()

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any:
        return self._give()

    @hookimpl
    def find_key(self, request: Any, secrets: Any) -> Any:
        return self._give()

    @hookimpl
    def import_key(self, request: Any, secrets: Any) -> Any:
        return self._give()

    @hookimpl
    def export_key(self, request: Any, secrets: Any) -> Any:
        return self._give()

    @hookimpl
    def delete_key(self, request: Any, secrets: Any) -> Any:
        return self._give()

    @hookimpl
    def ocsp_store(self) -> Any:
        return self._give()


CALLS: dict[str, Callable[[KeyBackend], object]] = {
    "create_key": lambda backend: backend.create_key(create_request(), NO_SECRETS),
    "load_signer": lambda backend: backend.load_signer(key_request(GOOD), NO_SECRETS),
    "find_key": lambda backend: backend.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS),
    "import_key": lambda backend: backend.import_key(
        ImportKeyRequest(key_id=bytes(20), pkcs8=Secret("x"), ca=CA), NO_SECRETS
    ),
    "export_key": lambda backend: backend.export_key(key_request(GOOD), NO_SECRETS),
    "delete_key": lambda backend: backend.delete_key(key_request(GOOD), NO_SECRETS),
    "ocsp_store": lambda backend: backend.ocsp_store(),
}


class _Odd:
    """Neither a signer nor anything else."""


USES = ("load_signer", "export_key", "delete_key")
NEWER = CreatedKey(handle=KeyHandle(version=2, data={"name": "x"}), public_key=EC_KEY.public_key())


@pytest.mark.parametrize("hook", USES)
def test_a_handle_of_a_newer_release_is_refused_before_the_backend_is_asked(hook: str) -> None:
    _Answering.answer = AssertionError("the backend was asked")
    message = (
        f"{SUBJECT}: the key of 'Root' was recorded by a newer release of acme-keys (handle version 2; this one reads"
        " up to 1)"
    )
    with pytest.raises(KeyUnsupportedError) as refused:
        getattr(bound(_Answering), hook)(key_request(NEWER), NO_SECRETS)
    assert refused.value.problem == message
    assert refused.value.hint == "upgrade acme-keys"


@pytest.mark.parametrize("hook", USES)
def test_a_handle_of_a_version_that_the_class_reads_comes_to_the_backend(hook: str) -> None:
    class Newer(_Answering):
        handle_version = 2

    Newer.answer = SecretWrongError("asked: so it was", hint="nothing to do")
    with pytest.raises(SecretWrongError):
        getattr(bound(Newer), hook)(key_request(NEWER), NO_SECRETS)


@pytest.mark.parametrize("version", ["2", 0, None, 1.5])
def test_a_class_whose_handle_version_is_no_version_is_refused(version: object) -> None:
    class Odd(MemoryBackend):
        handle_version = version

    with pytest.raises(BackendContractError, match=r"handle_version is .*, not a whole number from 1 on"):
        bound(Odd)


NOT_JSON = [
    {"name": b"bytes"},
    {"name": {1, 2}},
    {"name": float("nan")},
    {"name": EC_KEY},
    {"name": Secret("1234")},
    {1: "a key that JSON would turn into text"},
    "text",
    ["a", "list"],
    None,
]


@pytest.mark.parametrize(
    ("hook", "answer"),
    [
        *[(hook, None) for hook in CALLS],
        *[(hook, _Odd()) for hook in CALLS],
        ("create_key", {"name": "x"}),
        ("create_key", [GOOD]),
        ("import_key", EC_KEY),
        ("find_key", GOOD),
        ("find_key", [GOOD]),
        ("find_key", (GOOD, None)),
        ("find_key", ({"name": "x"},)),
        ("export_key", "-----BEGIN PRIVATE KEY-----"),
        ("export_key", Secret("key")),
        ("export_key", pkcs8.dump_pkcs8(OTHER_KEY)),
        ("delete_key", 1),
        ("ocsp_store", {"options": {}}),
        ("create_key", CreatedKey(handle={"name": "x"}, public_key=EC_KEY.public_key())),  # type: ignore[arg-type]
        ("create_key", CreatedKey(handle=KeyHandle(version=1, data={}), public_key=EC_KEY)),  # type: ignore[arg-type]
        ("create_key", CreatedKey(handle=KeyHandle(version=1, data={}), public_key=None)),  # type: ignore[arg-type]
        *[("create_key", _created(data)) for data in NOT_JSON],
        *[("find_key", (_created(data),)) for data in NOT_JSON],
        *[("import_key", _created(data)) for data in NOT_JSON],
    ],
)
def test_a_wrong_answer_is_a_broken_contract_that_names_the_hook(
    monkeypatch: pytest.MonkeyPatch, hook: str, answer: Any
) -> None:
    monkeypatch.setattr(_Answering, "answer", answer)
    with pytest.raises(BackendContractError) as caught:
        CALLS[hook](bound(_Answering))
    assert caught.value.problem.startswith(f"{SUBJECT}: {hook} ")
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize(
    ("hook", "answer"),
    [
        ("create_key", GOOD),
        ("import_key", GOOD),
        ("find_key", ()),
        ("find_key", (GOOD, GOOD)),
        ("export_key", pkcs8.dump_pkcs8(EC_KEY)),
        ("delete_key", False),
        ("ocsp_store", OcspStore()),
    ],
)
def test_a_right_answer_passes_even_if_it_is_empty(monkeypatch: pytest.MonkeyPatch, hook: str, answer: Any) -> None:
    monkeypatch.setattr(_Answering, "answer", answer)
    assert CALLS[hook](bound(_Answering)) == answer


@pytest.mark.parametrize("kind", ["Ed25519", "P-384"])
def test_a_key_of_another_kind_than_asked_for_is_refused(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    spec = key_spec("Ed25519") if kind == "Ed25519" else key_spec("EC", curve=kind)
    monkeypatch.setattr(_Answering, "answer", _created({"name": "x"}, software_keys.generate(spec)))
    with pytest.raises(BackendContractError, match="create_key made a key of the kind"):
        CALLS["create_key"](bound(_Answering))


def test_a_key_of_a_type_nobody_asked_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    key: Any = x25519.X25519PrivateKey.generate()
    monkeypatch.setattr(_Answering, "answer", _created({"name": "x"}, key))
    with pytest.raises(BackendContractError, match=": create_key "):
        CALLS["create_key"](bound(_Answering))


def test_a_signer_with_another_key_is_closed_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Signer(software_keys.SoftwareSigner):
        def close(self) -> None:
            closed.append(True)
            super().close()

    monkeypatch.setattr(_Answering, "answer", Signer(OTHER_KEY))
    with pytest.raises(KeyMismatchError, match=r"'Root' does not belong to its certificate.*nothing was signed"):
        CALLS["load_signer"](bound(_Answering))
    assert closed == [True]


def test_a_signer_with_no_usable_public_key_is_closed_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Signer(software_keys.SoftwareSigner):
        def __init__(self) -> None:
            self.public_key = None  # type: ignore[assignment]

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr(_Answering, "answer", Signer())
    with pytest.raises(AnchorholdError, match="acme-keys"):
        CALLS["load_signer"](bound(_Answering))
    assert closed == [True]


@pytest.mark.parametrize("hook", [*CALLS, "add_cli_options"])
@pytest.mark.parametrize("foreign", [OSError("slot 3, PIN 1234"), KeyError("1234"), RuntimeError(), Exception("1234")])
def test_a_foreign_exception_becomes_one_that_names_the_backend(
    monkeypatch: pytest.MonkeyPatch, hook: str, foreign: Exception
) -> None:
    class Failing(_Answering):
        answer = foreign

        @hookimpl
        def add_cli_options(self, add: Any, operation: Any) -> None:
            raise foreign

    def add_options(backend: KeyBackend) -> None:
        backend.add_cli_options(Mock(), "use")

    with pytest.raises(BackendFailedError) as caught:
        {**CALLS, "add_cli_options": add_options}[hook](bound(Failing))
    assert caught.value.problem == f"{SUBJECT}: {hook} failed ({type(foreign).__name__})"
    assert "1234" not in str(caught.value)
    assert caught.value.__cause__ is foreign


@pytest.mark.parametrize("hook", CALLS)
def test_an_error_of_ours_passes_unchanged(monkeypatch: pytest.MonkeyPatch, hook: str) -> None:
    ours = SecretWrongError("mine: the PIN is wrong", hint="try the right one")
    monkeypatch.setattr(_Answering, "answer", ours)
    with pytest.raises(SecretWrongError) as caught:
        CALLS[hook](bound(_Answering))
    assert caught.value is ours


def test_a_failing_signer_names_alias_type_distribution_and_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"vault": "plugin.fake_backends:LyingBackend"})
    settings_file(tmp_path, monkeypatch, '[key_backends.hsm-eu]\nbackend = "vault"\n')
    backend = configured().get("hsm-eu")

    class Dead(software_keys.SoftwareSigner):
        def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
            raise ConnectionError("")

    request = SignRequest(message=b"x", algorithm=Algorithm(scheme="ecdsa", hash="SHA-256"), purpose="probe", ca=CA)
    with pytest.raises(BackendFailedError) as caught:
        backend.sign(request, Dead(EC_KEY))
    for word in ("'hsm-eu'", "vault", "acme-keys", "1.2", "ConnectionError"):
        assert word in caught.value.problem


@pytest.mark.parametrize("answer", [None, "text", 1])
def test_a_signer_that_returns_no_bytes_breaks_the_contract(answer: Any) -> None:
    class Empty(software_keys.SoftwareSigner):
        def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
            result: bytes = answer
            return result

    request = SignRequest(message=b"x", algorithm=Algorithm(scheme="ecdsa", hash="SHA-256"), purpose="probe", ca=CA)
    with pytest.raises(BackendContractError, match=": sign returned "):
        bound(MemoryBackend).sign(request, Empty(EC_KEY))


@pytest.mark.parametrize("hook", ["find_key", "import_key", "export_key", "delete_key", "ocsp_store"])
def test_an_optional_hook_that_is_missing_says_so(hook: str) -> None:
    class Small:
        anchorhold_api = 1
        create_key, load_signer = MemoryBackend.create_key, MemoryBackend.load_signer

        def __init__(self, options: Any, context: Any) -> None: ...

    backend = bound(Small)
    assert not backend.supports(hook)
    with pytest.raises(OperationUnsupportedError, match=f"does not offer the operation {hook}"):
        CALLS[hook](backend)
