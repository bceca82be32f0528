"""Backends and wrappers as third parties would write them, good ones and bad ones, and fake distributions of them."""

from __future__ import annotations

from importlib.metadata import Distribution, EntryPoint, EntryPoints
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import patch

from pydantic import BaseModel, ConfigDict

from anchorhold import pkcs8, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.backends import BackendRegistry
from anchorhold.plugin import (
    BACKENDS_GROUP,
    WRAPPERS_GROUP,
    CertificateAuthority,
    CreatedKey,
    CreateKeyRequest,
    KeyHandle,
    KeyRequest,
    OcspStore,
    SecretReference,
    discovery,
    hookimpl,
)
from anchorhold.plugin.secret_resolver import SecretResolver
from anchorhold.settings import load_settings
from anchorhold.settings.load import with_defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    import pytest

    from anchorhold.algorithms import Algorithm
    from anchorhold.plugin import (
        AddOption,
        FindKeyRequest,
        ImportKeyRequest,
        Operation,
        Secret,
        Secrets,
        Signer,
        SignRequest,
    )
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.public_keys import PublicKey

SUBJECT = "key backend 'mine' (fake of acme-keys 1.2)"
CA = CertificateAuthority(name="Root", subject="CN=Root")
NO_SECRETS = SecretResolver(alias="mine", environment={}, section="key_backends.mine")


class MemoryBackend:
    """Does all that a backend may do, with keys in memory, shared by all instances of the class."""

    anchorhold_api = 1
    keys: ClassVar[dict[str, software_keys.PrivateKey]] = {}

    def __init__(self, options: Any = None, context: Any = None) -> None:
        self.options = options
        self.context = context

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        add("pin", help="PIN of the fake.", secret=True)
        add("phrase", help="Password of the key.", secret=True, scope="key")
        add("label", help="Label of the key.", scope="key", default="fake")

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        return self.keep(request.key_id.hex(), software_keys.generate(request.spec))

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return software_keys.SoftwareSigner(self.keys[request.handle.data["name"]])

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        name = (request.key_id or b"").hex()
        return (self.keep(name, self.keys[name]),) if name in self.keys else ()

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        key = pkcs8.load_private_key(request.pkcs8.reveal_bytes(), None, "imported key")
        return self.keep(request.key_id.hex(), key)

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        return pkcs8.dump_pkcs8(self.keys[request.handle.data["name"]])

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        return self.keys.pop(request.handle.data["name"], None) is not None

    def keep(self, name: str, key: software_keys.PrivateKey) -> CreatedKey:
        """Store a key and say where."""
        self.keys[name] = key
        return CreatedKey(handle=KeyHandle(version=1, data={"name": name}), public_key=key.public_key())


class LyingSigner(software_keys.SoftwareSigner):
    """Shows the right public key and signs as told by the function it is given."""

    def __init__(
        self, key: software_keys.PrivateKey, lie: Callable[[software_keys.SoftwareSigner, bytes, Algorithm], bytes]
    ):
        super().__init__(key)
        self._lie = lie

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        return self._lie(software_keys.SoftwareSigner(self._key), message, algorithm) if self._key else b""


class LyingBackend(MemoryBackend):
    """Signs well until a lie is set."""

    lie: ClassVar[Callable[[software_keys.SoftwareSigner, bytes, Algorithm], bytes] | None] = None

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        key = self.keys[request.handle.data["name"]]
        lie = type(self).lie
        return software_keys.SoftwareSigner(key) if lie is None else LyingSigner(key, lie)


class PinOptions(BaseModel):
    """Options with a secret that may be needed unattended."""

    model_config = ConfigDict(extra="forbid")

    pin: SecretReference | None = None


class PinBackend(MemoryBackend):
    """Like a token: nothing goes without its PIN, not even for OCSP keys."""

    Options = PinOptions

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        secrets.require("pin")
        return self.keep(request.key_id.hex(), software_keys.generate(request.spec))

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        secrets.require("pin")
        return software_keys.SoftwareSigner(self.keys[request.handle.data["name"]])

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        return OcspStore(unattended=frozenset({"pin"}))


class Recorder:
    """A wrapper that writes down when it is entered and left."""

    anchorhold_api = 1
    name: ClassVar[str] = ""
    log: ClassVar[list[str]] = []

    def __init__(self, options: Any = None, context: Any = None) -> None:
        self.context = context

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Generator[None, bytes, bytes]:
        self.log.append(f"{self.name} before {request.purpose}")
        signature = yield
        self.log.append(f"{self.name} after {request.purpose}")
        return signature


class Alpha(Recorder):
    """One recorder."""

    name = "alpha"


class Beta(Recorder):
    """Another."""

    name = "beta"


def offer(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    group: str,
    offers: dict[str, str],
    *,
    distribution: str = "acme-keys",
    version: str = "1.2",
    modules: dict[str, str] | None = None,
) -> Path:
    """Put a distribution on the path of this process: nothing but its metadata, and modules if it has any.

    Args:
        monkeypatch: Takes it off the path again.
        folder: Where to build it; each distribution needs one of its own.
        group: Of its entry points.
        offers: Its entry points, as name and value.
        distribution: Its name.
        version: Its version.
        modules: Python modules, as name and source.
    """
    metadata = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    metadata.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = "".join(f"{name} = {value}\n" for name, value in offers.items())
    metadata.joinpath("entry_points.txt").write_text(f"[{group}]\n{lines}")
    for name, source in (modules or {}).items():
        folder.joinpath(f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    return folder


class _Distribution(Distribution):
    """Installed nowhere."""

    def __init__(self, name: str, version: str) -> None:
        self._metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"

    def read_text(self, filename: str) -> str | None:
        return self._metadata if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        raise AssertionError("nobody looks for its files")


def _entry_point(name: str, group: str, found: type[Any], distribution: _Distribution) -> EntryPoint:
    """An entry point that leads to a class, wherever it was defined."""
    attribute = f"offered_{id(found)}"
    globals()[attribute] = found
    entry_point = EntryPoint(name, f"{__name__}:{attribute}", group)
    vars(entry_point).update(dist=distribution)
    return entry_point


def bound(backend_class: type[Any], wrappers: Sequence[type[Any]] = (), *, alias: str = "mine") -> KeyBackend:
    """A backend class and wrapper classes as if they were installed and configured, but quicker.

    The type of the backend is ``fake``; wrappers are called like their classes.
    """
    policies = _Distribution("acme-policy", "3.4")
    points = EntryPoints(
        [
            _entry_point("fake", BACKENDS_GROUP, backend_class, _Distribution("acme-keys", "1.2")),
            *(_entry_point(wrapper.__name__, WRAPPERS_GROUP, wrapper, policies) for wrapper in wrappers),
        ]
    )
    content = {"key_backends": {alias: {"backend": "fake"}}, "wrappers": {wrapper.__name__: {} for wrapper in wrappers}}
    with patch.object(discovery, "entry_points", points.select):
        return BackendRegistry(with_defaults(content, None, {}), _no_database, {}).get(alias)


def _no_database() -> Any:
    raise AssertionError("nothing here needs the ledger")


def create_request(**values: Any) -> CreateKeyRequest:
    """A request for an EC key."""
    return CreateKeyRequest(**{"key_id": bytes(20), "spec": key_spec("EC"), "ca": CA, **values})


def key_request(created: CreatedKey, public_key: PublicKey | None = None) -> KeyRequest:
    """A request for a key that was created."""
    return KeyRequest(handle=created.handle, public_key=public_key or created.public_key, ca=CA)


def settings_file(folder: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> Path:
    """A settings file that every command of the test reads."""
    path = folder / "config.toml"
    path.write_text(content)
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(path))
    return path


def configured(environment: dict[str, str] | None = None) -> BackendRegistry:
    """The backends of the settings, without a ledger."""
    return BackendRegistry(load_settings(), _no_database, environment or {})
