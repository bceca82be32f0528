"""A throw-away SoftHSM: its tokens, settings that use them, and the backend without a command around it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.plugin import BackendContext, CertificateAuthority, CreateKeyRequest, FindKeyRequest, KeyRequest, Secret
from anchorhold.plugin.secret_resolver import SecretResolver
from anchorhold_hsm import HsmBackend
from anchorhold_hsm.module_registry import close_modules
from programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.algorithms import KeySpec
    from anchorhold.plugin import CreatedKey, Signer

FOLDERS = (
    "/usr/lib/softhsm",
    "/usr/lib/*/softhsm",
    "/usr/lib64",
    "/usr/local/lib/softhsm",
    "/opt/homebrew/lib/softhsm",
)
USER_PIN = "1234"
SO_PIN = "5678"
CA = CertificateAuthority(name="Test", subject="CN=Test")


def find_library() -> str:
    """The PKCS#11 module of SoftHSM; without it the test fails with what to install."""
    program("softhsm2-util", "softhsm2")
    found = [path for folder in FOLDERS for path in Path("/").glob(f"{folder[1:]}/libsofthsm2.so")]
    assert found, "this test needs libsofthsm2.so: as root on Debian, apt-get install softhsm2"
    return str(found[0])


@dataclass(frozen=True)
class SoftHsm:
    """A folder of tokens.

    Attributes:
        folder: Everything is below it.
        library: The PKCS#11 module.
    """

    folder: Path
    library: str

    @property
    def tokens(self) -> Path:
        """Where the tokens are."""
        return self.folder / "tokens"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process that uses these tokens."""
        return {**os.environ, "SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}

    def add_token(self, label: str, pin: str = USER_PIN, so_pin: str = SO_PIN) -> None:
        """Initialise one more token."""
        self.util("--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", so_pin)

    def util(self, *arguments: str) -> str:
        """Run ``softhsm2-util``; its output."""
        return _run(program("softhsm2-util", "softhsm2"), *arguments, environment=self.environment)

    def tool(self, *arguments: str, token: str = "one", pin: str | None = USER_PIN) -> str:
        """Run ``pkcs11-tool`` on a token, logged in unless there is no PIN; its output."""
        login = ("--login", "--pin", pin) if pin is not None else ()
        start = (program("pkcs11-tool", "opensc"), "--module", self.library, "--token-label", token)
        return _run(*start, *login, *arguments, environment=self.environment)

    def private_labels(self, token: str = "one") -> list[str]:
        """Labels of the private keys in a token."""
        lines = self.tool("--list-objects", "--type", "privkey", token=token).splitlines()
        return sorted(line.partition(":")[2].strip() for line in lines if line.strip().startswith("label:"))

    def objects(self, token: str = "one") -> int:
        """How many objects a token has, public ones too."""
        return self.tool("--list-objects", token=token).count("Object;")


@dataclass
class Bench:
    """The backend of one alias, called as core calls it.

    Attributes:
        options: As in the settings.
        alias: Its name.
        given: PINs given on the command line.
    """

    options: dict[str, Any]
    alias: str = "hsm"
    given: dict[str, str] = field(default_factory=lambda: {"user-pin": USER_PIN})

    @property
    def backend(self) -> HsmBackend:
        """The backend."""
        nothing: Any = lambda: None  # noqa: E731  # keys in tokens need no database
        context = BackendContext(alias=self.alias, role="ca", database=nothing, environment={}, shared={})
        return HsmBackend(HsmBackend.Options.model_validate(self.options), context)

    @property
    def secrets(self) -> SecretResolver:
        """Its PINs."""
        return SecretResolver(
            alias=self.alias,
            environment={},
            section=f"key_backends.{self.alias}",
            given={name: Secret(pin) for name, pin in self.given.items()},
            options=HsmBackend.Options.model_validate(self.options),
        )

    def create(self, spec: KeySpec, label: str | None = None, key_id: bytes | None = None) -> CreatedKey:
        """A new key."""
        options = {"key-label": label}
        request = CreateKeyRequest(key_id=key_id or os.urandom(20), spec=spec, ca=CA, options=options)
        return self.backend.create_key(request, self.secrets)

    def signer(self, created: CreatedKey) -> Signer:
        """The signer of a key."""
        return self.backend.load_signer(self.request(created), self.secrets)

    def find(self, key_id: bytes | None = None, /, **options: str) -> tuple[CreatedKey, ...]:
        """Keys that fit; options have underscores here."""
        named = {name.replace("_", "-"): value for name, value in options.items()}
        return self.backend.find_key(FindKeyRequest(key_id=key_id, options=named), self.secrets)

    def delete(self, created: CreatedKey) -> bool:
        """Destroy a key."""
        return self.backend.delete_key(self.request(created), self.secrets)

    def request(self, created: CreatedKey) -> KeyRequest:
        """For what is done with a key."""
        return KeyRequest(handle=created.handle, public_key=created.public_key, ca=CA)


@pytest.fixture
def softhsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    """A SoftHSM with one token, ``one``; its variable is set for this process and its children."""
    made = SoftHsm(tmp_path / "softhsm", find_library())
    made.tokens.mkdir(parents=True)
    settings = f"directories.tokendir = {made.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    (made.folder / "softhsm2.conf").write_text(settings)
    monkeypatch.setenv("SOFTHSM2_CONF", str(made.folder / "softhsm2.conf"))
    made.add_token("one")
    close_modules()
    yield made
    close_modules()


@pytest.fixture
def bench(softhsm: SoftHsm) -> Bench:
    """The backend on the token ``one``, with its user PIN."""
    return Bench({"library_path": softhsm.library, "token": "one"})


def settings(softhsm: SoftHsm, alias: str = "hsm", token: str = "one", more: str = "") -> str:
    """A section of the settings for one alias; `more` are further options in TOML."""
    return f"""
[key_backends.{alias}]
backend = "hsm"
[key_backends.{alias}.options]
library_path = "{softhsm.library}"
token = "{token}"
{more}
"""


def run_program(softhsm: SoftHsm, program: str, *arguments: str) -> str:
    """Run a program in Python with the module's path and these arguments; it must complain of nothing. Its output."""
    environment = {**softhsm.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, softhsm.library, *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def _run(*command: str, environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return done.stdout


def configure(folder: Path, monkeypatch: pytest.MonkeyPatch, *sections: str) -> None:
    """Make these sections the settings of this process and its children."""
    (folder / "config.toml").write_text("".join(sections))
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(folder / "config.toml"))
