"""Wrappers around every signature: their order, their refusals, and what a broken one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.errors import BackendContractError, BackendFailedError, RefusedError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import BACKENDS_GROUP, WRAPPERS_GROUP, hookimpl
from plugin.fake_backends import Alpha, Beta, Recorder, offer, settings_file

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from anchorhold.plugin import Signer, SignRequest
    from conftest import Command, MakeCsr

pytestmark = pytest.mark.usefixtures("database")


class Refusing(Recorder):
    """A policy: only authorities."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Generator[None, bytes, bytes]:
        if request.draft is not None and request.draft.profile != "root":
            raise RefusedError("policy: no such certificates", hint="ask somebody else")
        return (yield)


class Forgetful(Recorder):
    """Forgets to hand on the signature."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Any:
        yield


class Crashing(Recorder):
    """Has a defect."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Any:
        if request.message:
            raise ZeroDivisionError("division by zero")
        return (yield)


class Forging(Recorder):
    """Replaces the signature."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Any:
        return b"\x00" * len((yield))


class FailingConstructor(Recorder):
    """Cannot be constructed."""

    def __init__(self, options: Any, context: Any) -> None:
        raise RuntimeError("no licence")


class Implementing(Recorder):
    """Implements instead of wrapping."""

    @hookimpl
    def create_key(self, request: Any, secrets: Any) -> Any: ...


OFFERED = (Alpha, Beta, Refusing, Forgetful, Crashing, Forging, FailingConstructor, Implementing)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All of them are installed; none is enabled by that."""
    offers = {found.__name__.lower(): f"{found.__module__}:{found.__name__}" for found in OFFERED}
    modules = {"old_policy": "class Old: anchorhold_api = 0"}
    offers |= {"old": "old_policy:Old", "gone": "no_such_policy:Policy"}
    offer(monkeypatch, tmp_path / "policies", WRAPPERS_GROUP, offers, distribution="acme-policy", modules=modules)
    monkeypatch.setattr(Recorder, "log", [])


def _enable(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    settings_file(folder, monkeypatch, "".join(f"[wrappers.{name}]\n" for name in names))


@pytest.mark.parametrize(("outer", "inner"), [("alpha", "beta"), ("beta", "alpha")])
def test_the_first_wrapper_in_the_settings_is_the_outermost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outer: str, inner: str
) -> None:
    _enable(tmp_path, monkeypatch, outer, inner)
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    once = [f"{outer} before", f"{inner} before", f"{inner} after", f"{outer} after"]
    assert Recorder.log == [f"{entry} {purpose}" for purpose in ("probe", "certificate") for entry in once]


def test_an_installed_wrapper_that_is_not_enabled_sees_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _enable(tmp_path, monkeypatch)
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    assert Recorder.log == []


def test_what_a_wrapper_refuses_is_not_issued(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, anchorhold: Command, csr_file: Path
) -> None:
    _enable(tmp_path, monkeypatch, "alpha", "refusing")
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0
    Recorder.log.clear()
    before = anchorhold("list-certs").text
    refused = anchorhold("sign-cert", "--ca", "Root", "--csr", str(csr_file), "--alt", "example.com", "--out", "x.pem")
    assert refused.exit_code == RefusedError.exit_code
    assert refused.talk == "anchorhold: policy: no such certificates; ask somebody else\n"
    assert refused.data == b""
    assert not (tmp_path / "x.pem").exists()
    assert Recorder.log == ["alpha before certificate"]
    assert anchorhold("list-certs").text == before
    with open_installation() as installation:
        assert installation.recovery.pending().certificates == ()


@pytest.mark.parametrize(("wrapper", "kind"), [("forgetful", BackendContractError), ("crashing", BackendFailedError)])
def test_a_wrapper_with_a_defect_stops_the_signature_and_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_csr: MakeCsr, wrapper: str, kind: type[Exception]
) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    _enable(tmp_path, monkeypatch, wrapper)
    with open_installation() as installation:
        before = installation.certificates.list()
        with pytest.raises(kind) as caught, installation.certificates.issuer("Root") as issuer:
            issuer.sign(Order(csr=make_csr(), names=["example.com"]))
        assert installation.certificates.list() == before
    assert wrapper in str(caught.value)


def test_an_authority_that_a_wrapper_refuses_leaves_no_key_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, anchorhold: Command, ca_dir: Path
) -> None:
    _enable(tmp_path, monkeypatch, "forging")
    created = anchorhold("init-ca", "Root", "CN=Root")
    assert created.exit_code == 36, created.talk
    assert "Root" not in anchorhold("list-cas").text
    assert [path for path in ca_dir.rglob("*") if path.suffix == ".key"] == []


BROKEN = {
    "gone": ("no_such_policy", 13),
    "failingconstructor": ("cannot be constructed", 13),
    "old": ("upgrade acme-policy", 14),
    "implementing": ("instead of wrapping", 14),
    "never-installed": ("is not installed", 12),
    "alpha.options]\nsuffix='x' #": ("wrappers.alpha.options takes no options", 10),
}


@pytest.mark.parametrize("wrapper", BROKEN)
@pytest.mark.parametrize(
    "command",
    [
        ("init-ca", "Another", "CN=Another"),
        ("init-ca", "--password=secret", "Another", "CN=Another"),
        ("sign-cert", "--ca=Root", "--csr=example.csr", "--alt=example.com"),
        ("config", "check"),
    ],
    ids=["init-ca", "init-ca with an option of the backend", "sign-cert", "config check"],
)
def test_an_enabled_wrapper_that_fails_to_load_always_stops_a_command(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    anchorhold: Command,
    csr_file: Path,
    ca_dir: Path,
    wrapper: str,
    command: tuple[str, ...],
) -> None:
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0
    keys = sorted(ca_dir.rglob("*.key"))
    _enable(tmp_path, monkeypatch, "alpha" if "alpha" not in wrapper else "beta", wrapper)
    words, exit_code = BROKEN[wrapper]
    stopped = anchorhold(*command)
    assert stopped.exit_code == exit_code, stopped.talk
    assert words in stopped.talk
    assert stopped.talk.count("\n") == 1
    assert stopped.data == b""
    assert sorted(ca_dir.rglob("*.key")) == keys


ODD_BACKENDS = {
    "no_such": "",
    "raising": "raise RuntimeError('boom')",
    "exiting": "raise SystemExit(3)",
    "unready": "class Vault:\n def __init__(self, options, context): raise OSError",
    "options_fail": (
        "from plugin.fake_backends import MemoryBackend\nfrom anchorhold.plugin import hookimpl\n"
        "class Vault(MemoryBackend):\n @hookimpl\n def add_cli_options(self, add, operation): raise OSError"
    ),
    "options_bad": (
        "from plugin.fake_backends import MemoryBackend\nfrom anchorhold.plugin import hookimpl\n"
        "class Vault(MemoryBackend):\n @hookimpl\n def add_cli_options(self, add, operation): add('Bad Name', help='x')"
    ),
    "options_odd": (
        "from plugin.fake_backends import MemoryBackend\nfrom anchorhold.plugin import hookimpl\n"
        "class Vault(MemoryBackend):\n @hookimpl\n def add_cli_options(self, add, operation): add(7, help='x')"
    ),
}


@pytest.mark.parametrize("module", ODD_BACKENDS)
def test_an_unused_broken_backend_never_stops_a_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, anchorhold: Command, csr_file: Path, module: str
) -> None:
    modules = {f"unused_{module}": ODD_BACKENDS[module]} if ODD_BACKENDS[module] else {}
    offers = {"odd": f"unused_{module}:Vault"}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, offers, modules=modules)
    broken = '[key_backends.default]\nbackend = "storages"\n[key_backends.odd]\nbackend = "odd"\n'
    settings_file(tmp_path, monkeypatch, f'{broken}[ocsp_key_backends.odd]\nbackend = "odd"\n')
    for command in (
        ("init-ca", "--password=x", "Root", "CN=Root"),
        ("sign-cert", "--password=x", "--ca=Root", "--csr=example.csr", "--alt=example.com"),
        ("list-cas",),
        ("init-ca", "--help"),
        ("backends",),
        ("config", "show"),
    ):
        outcome = anchorhold(*command)
        assert outcome.exit_code == 0, (command, outcome.talk)


def test_a_broken_backend_that_is_used_stops_the_command_with_its_own_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, anchorhold: Command
) -> None:
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"odd": "no_such_module_at_all:Vault"})
    settings_file(tmp_path, monkeypatch, '[key_backends.odd]\nbackend = "odd"\n')
    for options in ((), ("--odd-pin=1234",)):
        stopped = anchorhold("init-ca", *options, "--key-backend=odd", "Root", "CN=Root")
        assert stopped.exit_code == 13, stopped.talk
        assert "no_such_module_at_all" in stopped.talk
