"""What the contract is told about a wrapper: fixtures with defaults, for a subclass to override.

`wrapper` and `options` are what most have to say, with `allowed` and `refused` if it is a policy.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from anchorhold.errors import AnchorholdError
from anchorhold.testing.fast_kdf import fast_kdf
from anchorhold.testing.harness import Harness
from anchorhold.testing.rules import RuleBrokenError
from anchorhold.testing.secret_values import SecretValues
from anchorhold.testing.wrappers import inner_backend
from anchorhold.testing.wrappers.bench import PURPOSES, WrapperBench
from anchorhold.testing.wrappers.process_state import ProcessState
from anchorhold.testing.wrappers.recording import Recorded, record
from anchorhold.testing.wrappers.rules import WRAPPER_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from anchorhold.plugin import Purpose

_sites: list[Path] = []
"""The folder on the path: one for all tests, because entry points are read again when the path changes."""
_recorded: dict[str, Recorded] = {}
"""What was recorded for an order that passes and one that is refused: the same for all wrappers and tests."""


class WrapperFixtures:
    """The wrapper that is tested. Its authority is called ``Contract``, with the subject ``CN=Contract``.

    Attributes:
        wrapper: Its name: that of its entry point in ``anchorhold.wrappers``.
    """

    wrapper: ClassVar[str] = ""

    @pytest.fixture(autouse=True)
    def fast_kdf(self) -> Iterator[None]:
        """What stretches the passwords of keys does so quickly."""
        with fast_kdf():
            yield

    @pytest.fixture(autouse=True)
    def process(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """The process works in a folder of the test, and is afterwards as it was."""
        working = tmp_path / "working"
        working.mkdir()
        monkeypatch.chdir(working)
        before = ProcessState.now()
        yield
        before.restore()

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """``wrappers.<name>.options`` as in the settings."""
        return {}

    @pytest.fixture
    def allowed(self) -> dict[str, Any]:
        """A certificate that the wrapper lets pass: ``names``, ``subject`` or ``profile`` of an `anchorhold.Order`."""
        return {"names": ["www.example.com"]}

    @pytest.fixture
    def refused(self) -> dict[str, Any] | None:
        """The same of a certificate that it refuses; None if it refuses nothing."""
        return None

    @pytest.fixture
    def passes(self) -> Sequence[Purpose]:
        """The purposes whose signatures it lets pass: ``certificate``, ``crl``, ``ocsp``, ``csr`` and ``probe``."""
        return PURPOSES

    @pytest.fixture
    def slowest(self) -> float:
        """Seconds that it may add to a signature, in the median."""
        return 0.1

    @pytest.fixture(autouse=True)
    def site(self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder on the path, in which the backend of the contract is installed."""
        if not _sites:
            _sites.append(tmp_path_factory.mktemp("site"))
            inner_backend.offer(_sites[0])
        monkeypatch.syspath_prepend(str(_sites[0]))
        return _sites[0]

    @pytest.fixture
    def recorded(
        self,
        site: Path,
        allowed: dict[str, Any],
        refused: dict[str, Any] | None,
        tmp_path_factory: pytest.TempPathFactory,
        secrets: SecretValues,
    ) -> Recorded:
        """Requests for signatures, from an authority without wrappers."""
        known = json.dumps([allowed, refused])
        if known not in _recorded:
            folder = tmp_path_factory.mktemp("recorded")
            config = self.write_settings(folder, folder / "keys", {})
            plain = Harness(config=config, offered=inner_backend.OFFERED, given_secrets=secrets)
            try:
                _recorded[known] = record(plain, folder / "keys", allowed, refused)
            finally:
                plain.close()
        return _recorded[known]

    @pytest.fixture
    def secrets(self) -> SecretValues:
        """What keys are protected with."""
        return SecretValues(password="correct horse battery staple")  # noqa: S106  # of keys that last for one test

    @pytest.fixture
    def config(self, tmp_path: Path, recorded: Recorded, options: dict[str, Any]) -> Path:
        """The settings file of one test."""
        return self.write_settings(tmp_path / "contract", recorded.folder, {self.wrapper: {"options": options}})

    def write_settings(self, folder: Path, keys: Path, wrappers: dict[str, Any]) -> Path:
        """Write a settings file that only its owner can read; its path."""
        import tomli_w

        folder.mkdir(mode=0o700, exist_ok=True)
        alias = {"backend": inner_backend.TYPE, "options": {"folder": str(keys)}}
        content = {
            "ca_dir": str(folder / "ca"),
            "key_backends": {"default": alias, "other": alias},
            "ocsp_key_backends": {"default": alias},
            "wrappers": wrappers,
        }
        path = folder / "config.toml"
        path.touch(mode=0o600)
        path.write_text(tomli_w.dumps(content))
        return path

    @pytest.fixture
    def harness(self, config: Path, secrets: SecretValues) -> Iterator[Harness]:
        """The alias with the wrapper around it."""
        if not self.wrapper:
            raise pytest.UsageError(f'{type(self).__name__}: say which wrapper is tested: wrapper = "NAME"')
        harness = Harness(config=config, offered=inner_backend.OFFERED, given_secrets=secrets)
        try:
            harness.backend  # noqa: B018  # binding it checks all that core checks
        except AnchorholdError as error:
            raise RuleBrokenError(WRAPPER_RULES["wrapper.binds"], error) from error
        yield harness
        harness.instance.script.failure = None
        harness.clean()

    @pytest.fixture
    def bench(self, harness: Harness, recorded: Recorded, passes: Sequence[Purpose]) -> WrapperBench:
        """The same with requests to let pass and to refuse."""
        allowed = {purpose: recorded.allowed[purpose] for purpose in passes}
        return WrapperBench(harness, self.wrapper, recorded.key, allowed, recorded.refused)

    @pytest.fixture
    def note(self, request: pytest.FixtureRequest) -> Callable[[str], None]:
        """Adds a line to what the run says at its end."""
        return lambda line: request.node.user_properties.append(("anchorhold", line))

    def told_refused(self, bench: WrapperBench, note: Callable[[str], None]) -> bool:
        """Whether the contract was told of a certificate that must be refused; that it was not is noted."""
        if bench.refused is None:
            note(f"{self.wrapper}: refuses nothing, as far as the contract was told; {self.ask('refused')} if it does")
        return bench.refused is not None

    @classmethod
    def ask(cls, fixture: str) -> str:
        """What to do about a fixture that is not given, for messages."""
        return f"override the fixture `{fixture}`"
