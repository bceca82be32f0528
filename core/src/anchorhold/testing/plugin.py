"""The pytest plugin: the contract by options of the command line, one rule at a time, and what a run says at its end.

Pytest loads this module for everybody who has anchorhold installed, so it imports nothing until it is used.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

BACKEND = "--anchorhold-backend"
WRAPPER = "--anchorhold-wrapper"
OPTIONS = "--anchorhold-options"
RULE = "--anchorhold-rule"
SLOWEST = 5
"""How many rules the run names that took longest."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("anchorhold", "contract of key backends and wrappers for anchorhold")
    group.addoption(BACKEND, metavar="TYPE", help="Run the whole contract for this type of key backend.")
    group.addoption(WRAPPER, metavar="NAME", help="Run the whole contract for this wrapper.")
    group.addoption(OPTIONS, metavar="FILE", help="TOML file that says how to configure it.")
    group.addoption(
        RULE, action="append", default=[], metavar="ID", help="Of the contract, run only this rule; may be repeated."
    )


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the tests of a contract if a plugin is named, and leave out those of other rules if a rule is."""
    backend, wrapper, options = (config.getoption(name) for name in (BACKEND, WRAPPER, OPTIONS))
    if backend and wrapper:
        raise _usage_error(f"{BACKEND} and {WRAPPER} are given, which have different rules; run each on its own")
    if backend:
        items[:] = _contract_of_backend(session, backend, options)
    elif wrapper:
        items[:] = _contract_of_wrapper(session, wrapper, options)
    elif options:
        raise _usage_error(f"{OPTIONS} is given without {BACKEND} or {WRAPPER}")
    wanted = config.getoption(RULE)
    if wanted:
        _keep_rules(config, items, wanted)
    for item in items:
        rule = getattr(getattr(item, "obj", None), "contract_rule", None)
        if rule is not None:
            item.user_properties.append((RULE, rule.id))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what plugins do not offer, what their start costs, and which rules took longest."""
    reports = [report for found in terminalreporter.stats.values() for report in found if hasattr(report, "duration")]
    lines = {
        value: None
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "anchorhold"
    }
    slowest = _slowest(reports)
    if slowest:
        lines[f"slowest rules: {', '.join(slowest)}"] = None
    if lines:
        terminalreporter.section("contract of key backends and wrappers")
        for line in lines:
            terminalreporter.write_line(line)


def _slowest(reports: list[Any]) -> list[str]:
    """The rules whose tests took longest together, with their seconds; of few rules this is not worth a line."""
    took: Counter[str] = Counter()
    for report in reports:
        rule = dict(getattr(report, "user_properties", ())).get(RULE)
        if rule is not None:
            took[rule] += report.duration
    if len(took) <= SLOWEST:
        return []
    return [f"{rule} {seconds:.1f} s" for rule, seconds in took.most_common(SLOWEST)]


def _contract_of_backend(session: pytest.Session, backend: str, path: str | None) -> Iterator[pytest.Item]:
    from pathlib import Path

    from anchorhold.testing import toml_contract

    toml_contract.describe_backend(backend, Path(path) if path else None)
    return _tests_in(session, toml_contract.__file__)


def _contract_of_wrapper(session: pytest.Session, wrapper: str, path: str | None) -> Iterator[pytest.Item]:
    from pathlib import Path

    from anchorhold.testing.wrappers import toml_contract

    toml_contract.describe_wrapper(wrapper, Path(path) if path else None)
    return _tests_in(session, toml_contract.__file__)


def _tests_in(session: pytest.Session, file: str) -> Iterator[pytest.Item]:
    from pathlib import Path

    import pytest

    module = pytest.Module.from_parent(session, path=Path(file), nodeid="contract")
    return iter(list(session.genitems(module)))


def _keep_rules(config: pytest.Config, items: list[pytest.Item], wanted: list[str]) -> None:
    from anchorhold.suggestions import suggestion
    from anchorhold.testing.rules import RULES, rule_of
    from anchorhold.testing.wrappers.rules import WRAPPER_RULES

    known = {**RULES, **WRAPPER_RULES}
    for name in wanted:
        if name not in known:
            raise _usage_error(f"{RULE} {name}: there is no such rule; {suggestion(name, known)}")
    rules = {item: rule_of(getattr(item, "obj", None)) for item in items}
    left = {item for item, found in rules.items() if found is not None and found.id not in wanted}
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]


def _usage_error(problem: str) -> Exception:
    import pytest

    return pytest.UsageError(problem)
