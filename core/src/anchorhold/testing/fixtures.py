"""What the contract is told about a backend: fixtures with defaults, for a subclass to override.

`backend`, `options`, `other_options` and `unreachable_options` are what most have to say; `secrets` if there are any.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from anchorhold.errors import AnchorholdError, OperationUnsupportedError
from anchorhold.plugin import BACKENDS_GROUP, Capabilities, discovery
from anchorhold.testing import key_kinds
from anchorhold.testing.fast_kdf import fast_kdf
from anchorhold.testing.harness import Harness
from anchorhold.testing.rules import TIME_LIMIT, UnmetError, counted_as, expect
from anchorhold.testing.secret_values import SecretValues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from anchorhold.plugin import CreatedKey, KeyHandle

ALIASES = {"default": "options", "other": "other_options", "nowhere": "unreachable_options"}
"""The aliases of the contract's settings, and the fixture that says how each is configured."""


class ContractFixtures:
    """The backend that is tested.

    Attributes:
        backend: Its type: the name of its entry point in ``anchorhold.backends``.
        offers: What the configured instance offers, if that is less than its class declares, as with a token.
        time_limit: Seconds that one test of a rule may take.
        unreachable_within: Seconds after which a place that cannot be reached must be told of.
    """

    backend: ClassVar[str] = ""
    offers: ClassVar[Capabilities | None] = None
    time_limit: ClassVar[float] = TIME_LIMIT
    unreachable_within: ClassVar[float] = 10.0

    @pytest.fixture(autouse=True)
    def fast_kdf(self) -> Iterator[None]:
        """What stretches the passwords of keys does so quickly."""
        with fast_kdf():
            yield

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """``key_backends.<alias>.options`` as in the settings; secrets are given by `secrets` instead."""
        return {}

    @pytest.fixture
    def other_options(self) -> dict[str, Any] | None:
        """The same for a second alias, whose keys are somewhere else."""
        return None

    @pytest.fixture
    def unreachable_options(self) -> dict[str, Any] | None:
        """The same for a place that cannot be reached: a server that is not there, a folder that nobody may read."""
        return None

    @pytest.fixture
    def ocsp_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """``ocsp_key_backends.<alias>.options``: with all that is needed for unattended use."""
        return options

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """Other sections of the settings, such as ``storages``."""
        return {}

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        """Secrets by name as given on the command line; of eight characters or more, to be recognised anywhere."""
        return {}

    @pytest.fixture
    def wrong_secrets(self, secrets: dict[str, str]) -> dict[str, str]:
        """A wrong value for each of the secrets."""
        return {name: value[::-1] + "x" for name, value in secrets.items()}

    @pytest.fixture
    def wrong(self, wrong_secrets: dict[str, str]) -> SecretValues:
        """The same for tests, which must not show them."""
        return SecretValues(wrong_secrets)

    @pytest.fixture
    def key_options(self) -> dict[str, Any]:
        """Options of new keys, as given on the command line."""
        return {}

    @pytest.fixture
    def vanish(self, harness: Harness) -> Callable[[CreatedKey], None]:
        """Makes a key go away behind the backend's back; by default another instance deletes it."""
        return self.deleted_by_another(harness)

    def deleted_by_another(self, harness: Harness) -> Callable[[CreatedKey], None]:
        """Lets another instance delete a key."""

        def delete(created: CreatedKey) -> None:
            expect(
                harness.backend.supports("delete_key"),
                f"there is no delete_key, so the subclass must say how a key is removed: {self.ask('vanish')}",
            )
            harness.fresh().delete(created)

        return delete

    @pytest.fixture
    def stored(self) -> Callable[[], int] | None:
        """Counts the private keys in the place of the alias without the backend; None if nothing else can look."""
        return None

    @pytest.fixture
    def adoption(self) -> Callable[[CreatedKey], Mapping[str, Any]] | None:
        """The options by which a key is adopted; None if the backend keeps no keys but its own."""
        return None

    @pytest.fixture
    def old_handles(self) -> Callable[[KeyHandle], Sequence[KeyHandle]]:
        """The handles that earlier releases gave to the same key; one for each older version."""
        return lambda handle: ()

    @pytest.fixture
    def offered(self) -> Capabilities:
        """What the configured instance offers."""
        with counted_as("plugin.binds"):
            return self.capabilities()[1]

    @pytest.fixture
    def config(
        self,
        tmp_path: Path,
        options: dict[str, Any],
        other_options: dict[str, Any] | None,
        unreachable_options: dict[str, Any] | None,
        ocsp_options: dict[str, Any],
        settings: dict[str, Any],
    ) -> Path:
        """The settings file of one test, with all aliases."""
        places = {"default": options, "other": other_options, "nowhere": unreachable_options}
        aliases = {name: place for name, place in places.items() if place is not None}
        return self.write_settings(tmp_path / "contract", aliases, ocsp_options, settings)

    def write_settings(
        self, folder: Path, aliases: Mapping[str, Any], ocsp_options: Any, settings: Mapping[str, Any]
    ) -> Path:
        """Write a settings file that only its owner can read; its path."""
        import tomli_w

        folder.mkdir(mode=0o700, exist_ok=True)
        content = {
            "ca_dir": str(folder / "ca"),
            **settings,
            "key_backends": {name: {"backend": self.backend, "options": place} for name, place in aliases.items()},
        }
        if self._keeps_ocsp_keys():
            content["ocsp_key_backends"] = {"default": {"backend": self.backend, "options": ocsp_options}}
        path = folder / "config.toml"
        path.touch(mode=0o600)
        path.write_text(tomli_w.dumps(content))
        return path

    @pytest.fixture
    def harness(
        self, config: Path, offered: Capabilities, secrets: dict[str, str], key_options: dict[str, Any]
    ) -> Iterator[Harness]:
        """The first alias."""
        harness = Harness(config=config, offered=offered, given_secrets=SecretValues(secrets), key_options=key_options)
        with counted_as("plugin.binds"):
            harness.backend  # noqa: B018  # binding it checks all that core checks
        yield harness
        harness.clean()

    @pytest.fixture
    def note(self, request: pytest.FixtureRequest) -> Callable[[str], None]:
        """Adds a line to what the run says at its end."""
        return lambda line: request.node.user_properties.append(("anchorhold", line))

    def alias(self, harness: Harness, name: str) -> Harness:
        """Another alias of the same settings."""
        given = harness.installation.backends.aliases()
        expect(name in given, f"the contract was not told how: {self.ask(ALIASES[name])}")
        return harness.fresh(alias=name)

    @classmethod
    def ask(cls, fixture: str) -> str:
        """What to do about a fixture that is not given, for messages."""
        return f"override the fixture `{fixture}`"

    def counted(self, stored: Callable[[], int] | None, note: Callable[[str], None]) -> int:
        """How many private keys there are; that nobody can count them is noted, for then leftovers stay unseen."""
        if stored is not None:
            return stored()
        note(f"{self.backend}: private keys that are left behind are not looked for; {self.ask('stored')}")
        return 0

    def offers_hook(self, harness: Harness, hook: str, note: Callable[[str], None]) -> bool:
        """Whether the backend implements an optional hook; one that it does not must be refused, and that is noted."""
        if harness.backend.supports(hook):
            return True
        face = getattr(harness.backend, hook)
        secrets = harness.secrets()
        try:
            face(*{"ocsp_store": (), "list_keys": (secrets,)}.get(hook, (None, secrets)))
        except OperationUnsupportedError:
            note(f"{self.backend}: does not offer {hook}, and says so")
            return False
        raise UnmetError(f"{hook} is not implemented, and calling it is not refused")

    @classmethod
    def capabilities(cls) -> tuple[Capabilities, Capabilities]:
        """What the class declares, and what the configured instance offers of it."""
        declared = cls._declared()
        return declared, cls.offers or declared

    @classmethod
    def _declared(cls) -> Capabilities:
        declared: Capabilities = getattr(cls._loaded(), "capabilities", None) or Capabilities()
        return declared

    @classmethod
    def _keeps_ocsp_keys(cls) -> bool:
        """Whether it has the hook without which core refuses it for keys of responders."""
        try:
            return hasattr(cls._loaded(), "ocsp_store")
        except AnchorholdError:  # core cannot bind the backend, which the rule for it says
            return False

    @classmethod
    def _loaded(cls) -> Any:
        """The class of the backend."""
        if not cls.backend:
            raise pytest.UsageError(f'{cls.__name__}: say which backend is tested: backend = "TYPE"')
        return discovery.find(BACKENDS_GROUP, cls.backend, cls.__name__).loaded

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give tests that ask for it each kind of key that the instance offers."""
        lists = {"kind": key_kinds.key_kinds, "kind_of_type": key_kinds.one_of_each_type}
        for name in lists.keys() & set(metafunc.fixturenames):
            try:
                listed = lists[name](self.capabilities()[1])
            except AnchorholdError:  # core cannot bind the backend, which the rule for it says; here any kind will do
                listed = [key_kinds.simplest(Capabilities())]
            metafunc.parametrize(name, listed, ids=lambda kind: str(kind).replace(" ", "-"))


def generated(ocsp: Harness) -> SecretValues:
    """The secrets that core generates for a key of an OCSP responder."""
    return SecretValues(
        {name: f"generated {name} {os.urandom(4).hex()}" for name in ocsp.backend.ocsp_store().generated}
    )


def new_id() -> bytes:
    """A key id as core draws it."""
    return os.urandom(20)


def similar_ids(key_id: bytes) -> tuple[bytes, bytes]:
    """Ids that differ from one in the last octet only, and in the first only."""
    return key_id[:-1] + bytes([key_id[-1] ^ 1]), bytes([key_id[0] ^ 1]) + key_id[1:]
