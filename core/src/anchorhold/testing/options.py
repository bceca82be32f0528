"""Rules of configuration: options in the settings and on the command line, OCSP stores, what a start costs."""

from __future__ import annotations

import builtins
import getpass
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import AnchorholdError, OptionConflictError, SettingsError
from anchorhold.plugin.backend_options import options_of
from anchorhold.testing import subprocess_runner
from anchorhold.testing.fixtures import ContractFixtures, generated
from anchorhold.testing.harness import Harness
from anchorhold.testing.rules import UnmetError, expect, rule
from anchorhold.testing.subprocess_main import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

UNKNOWN: Final = "no_such_option"
WRONG_VALUES: Final[tuple[Any, ...]] = ([[{}]], {"no": [{"such": "value"}]})
"""What no option takes; one that takes a list may take the first, one that takes a table the second."""


class OptionRules(ContractFixtures):
    """How a backend is told what to do."""

    @rule("options.unknown")
    def test_an_unknown_option_is_refused(
        self, tmp_path: Path, options: dict[str, Any], settings: dict[str, Any], harness: Harness
    ) -> None:
        """For it is a known one, misspelt."""
        refused = self._refused(tmp_path, {**options, UNKNOWN: "value"}, settings)
        expect(refused, f'the option {UNKNOWN} is accepted; its model needs extra="forbid"')

    @rule("options.validated")
    def test_values_of_a_wrong_kind_are_refused(
        self, tmp_path: Path, options: dict[str, Any], settings: dict[str, Any], harness: Harness
    ) -> None:
        """When the settings are read, not when a key is needed."""
        for name in type(harness.backend.options).model_fields if harness.backend.options is not None else ():
            refused = [self._refused(tmp_path, {**options, name: value}, settings) for value in WRONG_VALUES]
            expect(any(refused), f"the option {name} takes anything")

    def _refused(self, tmp_path: Path, options: dict[str, Any], settings: dict[str, Any]) -> bool:
        """Whether options are refused as settings are."""
        tried = Harness(config=self.write_settings(tmp_path / "refused", {"default": options}, {}, settings))
        try:
            tried.backend  # noqa: B018  # binding it validates
        except SettingsError:
            return True
        return False

    @rule("cli.names")
    def test_options_have_names_and_help(self, harness: Harness) -> None:
        """For every operation."""
        for operation in OPERATIONS:
            try:
                options_of(harness.backend, operation)
            except AnchorholdError as error:
                raise UnmetError(f"{operation}: {error.problem}") from error

    @rule("cli.collisions")
    def test_options_take_no_flag_of_others(self, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a prefix and without, beside core's own and beside a second alias."""
        from anchorhold.cli.command_builder import build_command
        from anchorhold.cli.command_table import COMMANDS
        from anchorhold.cli.global_options import GlobalOptions

        for name in [name for name in os.environ if name.startswith("ANCHORHOLD_")]:
            monkeypatch.delenv(name)
        for command in [name for name, command in COMMANDS.items() if command.operations]:
            try:
                build_command(command, GlobalOptions(config=harness.config))
            except OptionConflictError as error:
                raise UnmetError(f"{command}: {error.problem}") from error

    @rule("ocsp.unattended")
    def test_ocsp_keys_need_nobody(
        self, harness: Harness, monkeypatch: pytest.MonkeyPatch, note: Callable[[str], None]
    ) -> None:
        """Their whole life, with a person there who would be asked."""
        if not self.offers_hook(harness, "ocsp_store", note):
            return
        ocsp = harness.fresh(role="ocsp")
        asked = _listen_for_questions(monkeypatch, ocsp)
        ocsp.given_secrets = generated(ocsp)
        created = ocsp.create()
        expect(ocsp.use(created), "the key of a responder does not sign")
        expect(not asked, f"a person was asked: {asked[:1]}")
        elsewhere = subprocess_runner.run(ocsp, "use a key", key=subprocess_runner.as_json(created))
        expect(elsewhere["signs"], "the key of a responder does not sign in another process")
        if ocsp.backend.supports("delete_key"):
            answer = ocsp.delete(created)
            expect(answer is True, f"the key of a responder is deleted, and the answer is {answer!r}")
            expect(not ocsp.fresh().usable(created), "the key of a responder signs after it was deleted")
            expect(not asked, f"a person was asked: {asked[:1]}")

    @rule("start.imports")
    def test_a_start_loads_no_library_of_others(self, harness: Harness, note: Callable[[str], None]) -> None:
        """What signs is loaded when something is signed: the help of a command must not wait for it."""
        began = subprocess_runner.run(harness, "start")
        note(f"{self.backend}: a start loads {began['modules']} modules in {began['milliseconds']:.0f} ms")
        heavy = set(began["packages"]) - harness.packages - {"anchorhold"} - set(sys.stdlib_module_names)
        expect(not heavy, f"it loads {', '.join(sorted(heavy))}; import that where it is used")


def _listen_for_questions(monkeypatch: pytest.MonkeyPatch, harness: Harness) -> list[str]:
    """What a person is asked from now on; every answer is empty."""

    def ask(question: object = "", *_: object, **__: object) -> str:
        harness.questions.append(str(question))
        return ""

    monkeypatch.setattr(builtins, "input", ask)
    monkeypatch.setattr(getpass, "getpass", ask)
    return harness.questions
