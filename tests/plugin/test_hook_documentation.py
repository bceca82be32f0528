"""The docstrings of the plugin API are its documentation: complete, and with examples that run."""

from __future__ import annotations

import ast
import datetime as dt
import importlib
import inspect
import itertools
import pkgutil
import re
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import pluggy
import pytest

import anchorhold.plugin
from anchorhold import pkcs8, software_keys
from anchorhold.algorithms import Algorithm, KeySpec, key_spec
from anchorhold.errors import KeyMissingError
from anchorhold.plugin import (
    BackendSpec,
    CreatedKey,
    FindKeyRequest,
    ImportKeyRequest,
    KeyHandle,
    KeyRequest,
    ListedKey,
    OcspStore,
    RecordedEvent,
    Secret,
    SignRequest,
)
from anchorhold.plugin.binding import CoreSigning
from anchorhold.plugin.helping_hooks import HELPING_HOOKS
from anchorhold.plugin.hook_markers import PROJECT
from anchorhold.plugin.hookspecs import OPTIONAL_HOOKS, REQUIRED_HOOKS
from anchorhold.plugin.notices import NOTICES
from plugin.fake_backends import CA, NO_SECRETS, create_request
from plugin.hook_example import example_of, section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOOKS = [name for name in dir(BackendSpec) if hasattr(getattr(BackendSpec, name), f"{PROJECT}_spec")]
KEY = software_keys.generate(key_spec("EC"))
NAME = "2a" * 20
REQUEST = KeyRequest(handle=KeyHandle(version=1, data={"name": NAME}), public_key=KEY.public_key(), ca=CA)


def test_every_hook_is_known_to_these_tests() -> None:
    known = {*REQUIRED_HOOKS, *OPTIONAL_HOOKS, *HELPING_HOOKS, *NOTICES, "add_cli_options", "sign"}
    assert known == set(HOOKS) == set(EXERCISES)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_says_when_it_is_called_and_describes_arguments_answer_and_errors(hook: str) -> None:
    documentation = getattr(BackendSpec, hook).__doc__ or ""
    assert re.search(r"^\s+Called ", documentation, re.MULTILINE)
    signature = inspect.signature(getattr(BackendSpec, hook))
    described = re.findall(r"^(\w+): \S", section(hook, "Args"), re.MULTILINE)
    assert described == [name for name in signature.parameters if name != "self"]
    assert bool(section(hook, "Returns")) is (signature.return_annotation != "None")
    assert section(hook, "Raises")


@pytest.mark.parametrize("hook", HOOKS)
def test_every_error_that_a_hook_is_said_to_raise_exists(hook: str) -> None:
    errors = importlib.import_module("anchorhold.errors")
    names = re.findall(r"\b[A-Z]\w+Error\b", section(hook, "Raises"))
    assert [name for name in names if not hasattr(errors, name)] == []


def _register(example: Any) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(BackendSpec)
    manager.register(CoreSigning())
    manager.register(example)
    manager.check_pending()
    return manager


@pytest.mark.parametrize("hook", HOOKS)
def test_every_example_can_be_constructed_as_core_does_it(hook: str) -> None:
    example = example_of(hook)
    assert example.anchorhold_api == anchorhold.plugin.API_VERSION
    example(None, None)


def _options(caller: Any, _: Any) -> None:
    added: dict[str, set[str]] = {}
    for operation in ("create", "import", "adopt", "use"):
        names = added[operation] = set()
        caller(add=lambda name, names=names, **_: names.add(name), operation=operation)
    assert added["create"] == {"path", "password"}
    assert added["use"] == {"password"}


def _create(caller: Any, example: Any) -> None:
    created = caller(request=create_request(key_id=bytes.fromhex(NAME)), secrets=NO_SECRETS)
    assert isinstance(created, CreatedKey)
    assert example.keys[NAME].public_key() == created.public_key


def _load(caller: Any, example: Any) -> None:
    with pytest.raises(KeyMissingError):
        caller(request=REQUEST, secrets=NO_SECRETS)
    example.keys[NAME] = KEY
    signer = caller(request=REQUEST, secrets=NO_SECRETS)
    assert signer.public_key == KEY.public_key()
    assert signer.sign(b"message", Algorithm(scheme="ecdsa", hash="SHA-256"))
    signer.close()


def _ocsp(caller: Any, _: Any) -> None:
    assert caller() == OcspStore(options={"path": "ocsp"}, generated=frozenset({"password"}))


def _sign(caller: Any, example: Any) -> None:
    request = SignRequest(message=b"x", algorithm=KeySpec(type="Ed25519").algorithm(), purpose="probe", ca=CA)
    signer = software_keys.SoftwareSigner(software_keys.generate(KeySpec(type="Ed25519")))
    assert caller(request=request, signer=signer) == signer.sign(b"x", request.algorithm)
    assert example.seen == ["probe"]


def _sign_batch(caller: Any, _: Any) -> None:
    request = SignRequest(message=b"x", algorithm=KeySpec(type="Ed25519").algorithm(), purpose="probe", ca=CA)
    signer = software_keys.SoftwareSigner(software_keys.generate(KeySpec(type="Ed25519")))
    assert caller(requests=[request] * 2, signer=signer) == [signer.sign(b"x", request.algorithm)] * 2


def _find(caller: Any, example: Any) -> None:
    request = FindKeyRequest(key_id=bytes.fromhex(NAME))
    assert caller(request=request, secrets=NO_SECRETS) == ()
    example.keys[NAME] = KEY
    (found,) = caller(request=request, secrets=NO_SECRETS)
    assert found == CreatedKey(handle=REQUEST.handle, public_key=KEY.public_key())


def _import(caller: Any, example: Any) -> None:
    request = ImportKeyRequest(key_id=bytes.fromhex(NAME), pkcs8=pkcs8.dump_pkcs8(KEY), ca=CA)
    assert caller(request=request, secrets=NO_SECRETS).public_key == KEY.public_key()
    assert example.keys[NAME].public_key() == KEY.public_key()


def _export(caller: Any, example: Any) -> None:
    example.keys[NAME] = KEY
    exported = caller(request=REQUEST, secrets=NO_SECRETS)
    assert isinstance(exported, Secret)
    assert pkcs8.load_private_key(exported.reveal_bytes(), None, "exported").public_key() == KEY.public_key()


def _delete(caller: Any, example: Any) -> None:
    example.keys[NAME] = KEY
    assert caller(request=REQUEST, secrets=NO_SECRETS) is True
    assert caller(request=REQUEST, secrets=NO_SECRETS) is False


def _list(caller: Any, example: Any) -> None:
    assert caller(secrets=NO_SECRETS) == ()
    example.keys[NAME] = KEY
    assert caller(secrets=NO_SECRETS) == (ListedKey(name=NAME, key_id=bytes.fromhex(NAME)),)


def _describe(caller: Any, example: Any) -> None:
    with pytest.raises(KeyMissingError):
        caller(request=REQUEST, secrets=NO_SECRETS)
    example.keys[NAME] = KEY
    described = caller(request=REQUEST, secrets=NO_SECRETS)
    assert (described.made, described.can_leave) == ("unknown", True)


def _recorded(caller: Any, example: Any) -> None:
    caller(event=RecordedEvent(kind="crl-made", at=dt.datetime.now(dt.UTC), ca=CA))
    assert example.lines == ["crl-made None"]


def _rejected(caller: Any, example: Any) -> None:
    request = SignRequest(message=b"x", algorithm=KeySpec(type="Ed25519").algorithm(), purpose="crl", ca=CA)
    caller(request=request, reason="it does not verify")
    assert example.lines == ["crl it does not verify"]


def _close(caller: Any, example: Any) -> None:
    assert example.connections
    caller()
    assert not example.connections


EXERCISES: dict[str, Callable[[Any, Any], None]] = {
    "add_cli_options": _options,
    "create_key": _create,
    "load_signer": _load,
    "ocsp_store": _ocsp,
    "sign": _sign,
    "sign_batch": _sign_batch,
    "find_key": _find,
    "import_key": _import,
    "export_key": _export,
    "delete_key": _delete,
    "list_keys": _list,
    "describe_key": _describe,
    "recorded": _recorded,
    "rejected": _rejected,
    "close_backend": _close,
}


@pytest.mark.parametrize("hook", HOOKS)
def test_every_example_runs_and_does_what_the_hook_is_for(hook: str) -> None:
    example = example_of(hook)
    instance = example(None, None) if "__init__" in vars(example) else example()
    EXERCISES[hook](getattr(_register(instance).hook, hook), instance)


def _documented_constants() -> Iterator[str]:
    """Names in the modules of the plugin API that are assigned and followed by a text."""
    modules = [anchorhold.plugin, *(importlib.import_module(f"anchorhold.plugin.{found.name}") for found in _modules())]
    for module in modules:
        body = ast.parse(inspect.getsource(module)).body
        for statement, following in itertools.pairwise(body):
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                match statement:
                    case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                        yield name


def _modules() -> list[pkgutil.ModuleInfo]:
    return list(pkgutil.iter_modules(anchorhold.plugin.__path__))


@pytest.mark.parametrize("name", anchorhold.plugin.__all__)
def test_every_public_name_of_the_plugin_api_has_a_docstring(name: str) -> None:
    found = getattr(anchorhold.plugin, name)
    if inspect.isfunction(found):
        assert inspect.getdoc(found)
        return
    if not inspect.isclass(found):
        assert name in set(_documented_constants())
        return
    documentation = vars(found).get("__doc__") or ""
    assert documentation
    assert not documentation.startswith(f"{name}("), "made by dataclass, not by a person"
    missing = [
        member
        for member, value in vars(found).items()
        if not member.startswith("_") and (inspect.isroutine(value) or isinstance(value, property))
        if not inspect.getdoc(getattr(found, member))
    ]
    assert missing == []
    if is_dataclass(found) and not name.endswith("Reference"):
        described = re.findall(r"^ +(\w+): \S", documentation, re.MULTILINE)
        assert described == [field.name for field in fields(found)]
