"""Rules of manners: how a wrapper is made and configured, and what it must leave alone."""

from __future__ import annotations

import pickle
import socket
import sys
import warnings
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import AnchorholdError, SettingsError
from anchorhold.testing import subprocess_runner
from anchorhold.testing.foreign_keys import foreign_key
from anchorhold.testing.harness import Harness
from anchorhold.testing.output_capture import OutputCapture, secrets_shown
from anchorhold.testing.process_state import descriptors
from anchorhold.testing.rules import expect
from anchorhold.testing.secret_values import SecretValues
from anchorhold.testing.wrappers.fixtures import WrapperFixtures
from anchorhold.testing.wrappers.process_state import ProcessState, threads
from anchorhold.testing.wrappers.reachable import secrets_held
from anchorhold.testing.wrappers.rules import wrapper_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from anchorhold.plugin import Role
    from anchorhold.testing.wrappers.bench import WrapperBench

UNKNOWN: Final = "no_such_option"
WRONG_VALUES: Final[tuple[Any, ...]] = ([[{}]], {"no": [{"such": "value"}]})
"""What no option takes; one that takes a list may take the first, one that takes a table the second."""
PLACES: Final[tuple[tuple[str, Role], ...]] = (("default", "ca"), ("other", "ca"), ("default", "ocsp"))
"""Aliases and roles, each with an instance."""
MANY: Final = 25
"""Signatures after which nothing more may be open."""


class MannersRules(WrapperFixtures):
    """What a wrapper is asked to do beside its work."""

    @wrapper_rule("wrapper.binds")
    def test_core_binds_it(self, bench: WrapperBench) -> None:
        """With all checks that core has."""
        expect(bench.instance is not None, "it is not around the alias")

    @wrapper_rule("wrapper.order")
    def test_the_operator_orders_wrappers(self, bench: WrapperBench) -> None:
        """For every hook that it wraps."""
        callers = vars(bench.harness.backend.manager.hook).values()
        own = [each for caller in callers for each in caller.get_hookimpls() if each.plugin is bench.instance]
        expect(own, "it wraps no hook")
        moved = [each.function.__name__ for each in own if each.tryfirst or each.trylast]
        expect(not moved, f"{' and '.join(moved)} would be called out of order")

    @wrapper_rule("wrapper.each-alias")
    def test_each_alias_has_an_instance(self, bench: WrapperBench) -> None:
        """Those made later do not disturb those made before."""
        benches = [bench, *self._others(bench)]
        expect(len({id(each.instance) for each in benches}) == len(benches), "two aliases have the same instance")
        for each in (*benches, *reversed(benches)):
            place = f"{each.harness.role} alias {each.harness.alias!r}"
            with bench.signer() as signer:  # of the key that exists, around which each of them can be
                each.check_passes(each.usual, signer, place)
                if each.refused is not None and each.harness.role == "ca":
                    expect(each.is_refused(each.refused, signer), f"{place}: what must be refused passes")

    def _others(self, bench: WrapperBench) -> Iterator[WrapperBench]:
        for alias, role in PLACES[1:]:
            yield replace(bench, harness=bench.harness.fresh(alias=alias, role=role))

    @wrapper_rule("wrapper.offline")
    def test_construction_needs_no_network(self, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
        """For every command constructs it, that of a machine without network too."""
        tried: list[str] = []

        def refuse(*arguments: Any, **_: Any) -> Any:
            tried.append(str(arguments[-1]))
            raise OSError(101, "Network is unreachable")

        for owner, name in ((socket.socket, "connect"), (socket.socket, "connect_ex"), (socket, "getaddrinfo")):
            monkeypatch.setattr(owner, name, refuse)
        failed = None
        try:
            harness.fresh().backend  # noqa: B018  # binding it constructs it
        except AnchorholdError as error:
            failed = error
        expect(not tried, f"it connects to {tried[:1]}")
        expect(failed is None, f"it is not constructed: {failed}")

    @wrapper_rule("wrapper.imports")
    def test_a_start_loads_no_library_of_others(
        self, tmp_path: Path, harness: Harness, note: Callable[[str], None]
    ) -> None:
        """Every command that shows options of an alias imports it."""
        plain = Harness(
            config=self.write_settings(tmp_path / "plain", tmp_path / "keys", {}),
            offered=harness.offered,
            given_secrets=harness.given_secrets,
        )
        alone, around = (subprocess_runner.run(each, "start") for each in (plain, harness))
        ((identity, _),) = harness.installation.backends.wrappers("default")
        point = identity.plugin.entry_point
        own = {"anchorhold", point.module.partition(".")[0]}
        if point.dist is not None:
            own |= {str(path.parts[0]).removesuffix(".py") for path in point.dist.files or ()}
        heavy = set(around["packages"]) - set(alone["packages"]) - own - set(sys.stdlib_module_names)
        more = around["modules"] - alone["modules"]
        note(f"{self.wrapper}: a start loads {more} modules more")
        expect(not heavy, f"it loads {', '.join(sorted(heavy))}; import that where it is used")

    @wrapper_rule("settings.unknown")
    def test_an_unknown_option_is_refused(self, tmp_path: Path, options: dict[str, Any], harness: Harness) -> None:
        """For it is a known one, misspelt."""
        refused = self._is_refused(tmp_path, {**options, UNKNOWN: "value"})
        expect(refused, f'the option {UNKNOWN} is accepted; its model needs extra="forbid"')

    @wrapper_rule("settings.validated")
    def test_values_of_a_wrong_kind_are_refused(
        self, tmp_path: Path, options: dict[str, Any], harness: Harness
    ) -> None:
        """When the settings are read, not when something is signed."""
        ((identity, _),) = harness.installation.backends.wrappers("default")
        model = getattr(identity.plugin.loaded, "Options", None)
        for name in model.model_fields if model is not None else ():
            refused = [self._is_refused(tmp_path, {**options, name: value}) for value in WRONG_VALUES]
            expect(any(refused), f"the option {name} takes anything")

    def _is_refused(self, tmp_path: Path, options: dict[str, Any]) -> bool:
        config = self.write_settings(tmp_path / "refused", tmp_path / "keys", {self.wrapper: {"options": options}})
        try:
            Harness(config=config).backend  # noqa: B018  # binding it validates
        except SettingsError:
            return True
        return False

    @wrapper_rule("secrets.not-kept")
    def test_secrets_are_not_kept(self, bench: WrapperBench, tmp_path: Path) -> None:
        """Neither in memory nor in a file."""
        secrets = _use_secrets(bench)
        found = secrets_held(bench.instance, secrets)
        expect(not found, f"the wrapper holds the {' and '.join(found)}")
        kept = bench.harness.config.parent
        for path in (found for found in tmp_path.rglob("*") if found.is_file() and kept not in found.parents):
            shown = secrets_shown(path.read_bytes(), secrets)
            expect(not shown, f"the file {path.name} holds the {' and '.join(shown)}")

    @wrapper_rule("secrets.not-shown")
    def test_secrets_are_not_shown(self, bench: WrapperBench) -> None:
        """With every logger at its most talkative."""
        with OutputCapture() as heard:
            secrets = _use_secrets(bench)
        found = secrets_shown(heard.output, secrets)
        expect(not found, f"logs, warnings or output show the {' and '.join(found)}")
        pickled = b""
        with suppress(Exception):  # what refuses to be pickled is as good
            pickled = pickle.dumps(bench.instance)
        shown = secrets_shown(f"{bench.instance!r} {bench.instance!s}", secrets) or secrets_shown(pickled, secrets)
        expect(not shown, f"its repr or a pickle of it shows the {' and '.join(shown)}")

    @wrapper_rule("state.unchanged")
    def test_the_state_of_the_process_stays(self, bench: WrapperBench) -> None:
        """Of which others in it know nothing."""
        before = ProcessState.now()
        _use(self._fresh(bench))
        changed = ProcessState.now().changed(before)
        expect(not changed, f"after signatures the {' and the '.join(changed)} of the process is another one")

    @wrapper_rule("state.nothing-left")
    def test_nothing_is_left_behind(self, bench: WrapperBench) -> None:
        """A batch has thousands of signatures."""
        running = threads()
        _use(bench)
        more = threads() - running
        expect(not more, f"threads are left behind: {', '.join(sorted(more))}")
        opened = descriptors()
        with bench.signer() as signer:
            for _ in range(MANY):
                bench.is_refused(bench.usual, signer)
        more_open = descriptors() - opened
        expect(more_open < MANY // 2, f"after {MANY} signatures {more_open} more files or connections are open")

    @wrapper_rule("state.quiet")
    def test_nothing_is_said(self, bench: WrapperBench, capfd: pytest.CaptureFixture[str]) -> None:
        """Commands print data that programs read; log records are for those who want them."""
        capfd.readouterr()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            _use(self._fresh(bench))
        said = "".join([*capfd.readouterr(), *(str(warning.message) for warning in caught)])
        expect(not said, f"it says {said[:60]!r}")

    def _fresh(self, bench: WrapperBench) -> WrapperBench:
        return replace(bench, harness=bench.harness.fresh())

    @wrapper_rule("fork.both")
    def test_a_fork_breaks_nothing(self, bench: WrapperBench) -> None:
        """Servers fork their workers after wrappers were constructed."""
        key = subprocess_runner.as_json(bench.key)
        answer = subprocess_runner.run(bench.harness, "fork around a wrapper", key=key)
        for who, good in answer.items():
            expect(good, f"a signature is not made: {who}")


def _use(bench: WrapperBench) -> None:
    """All that a wrapper sees; what fails is the matter of other rules."""
    with bench.signer() as signer:
        for request in bench.allowed.values():
            bench.is_refused(request, signer)
        if bench.refused is not None:
            bench.is_refused(bench.refused, signer)
    for _, call in bench.every_hook():
        with suppress(Exception):
            call()


def _use_secrets(bench: WrapperBench) -> SecretValues:
    """The same; the secrets that were in it."""
    harness = bench.harness
    _use(bench)
    pkcs8 = foreign_key(harness)[0]
    harness.import_key(pkcs8)
    exported = harness.export(harness.create())
    keys = {"imported private key": pkcs8, "exported private key": exported}
    return SecretValues({**harness.given_secrets, **{name: key.reveal().splitlines()[1] for name, key in keys.items()}})
