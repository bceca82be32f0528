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
OPTIONS = "--anchorhold-options"
RULE = "--anchorhold-rule"
SLOWEST = 5
"""How many rules the run names that took longest."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("anchorhold", "contract of key backends for anchorhold")
    group.addoption(BACKEND, metavar="TYPE", help="Run the whole contract for this type of key backend.")
    group.addoption(OPTIONS, metavar="FILE", help="TOML file that says how to configure it.")
    group.addoption(
        RULE, action="append", default=[], metavar="ID", help="Of the contract, run only this rule; may be repeated."
    )


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the tests of the contract if a backend is named, and leave out those of other rules if a rule is."""
    backend = config.getoption(BACKEND)
    if backend:
        items[:] = _whole_contract(session, backend, config.getoption(OPTIONS))
    elif config.getoption(OPTIONS):
        raise _usage_error(f"{OPTIONS} is given without {BACKEND}")
    wanted = config.getoption(RULE)
    if wanted:
        _keep_rules(config, items, wanted)
    for item in items:
        rule = getattr(getattr(item, "obj", None), "contract_rule", None)
        if rule is not None:
            item.user_properties.append((RULE, rule.id))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what backends do not offer, what their start costs, and which rules took longest."""
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
        terminalreporter.section("contract of key backends")
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


def _whole_contract(session: pytest.Session, backend: str, path: str | None) -> Iterator[pytest.Item]:
    from pathlib import Path

    import pytest

    from anchorhold.testing import toml_contract

    toml_contract.describe_backend(backend, Path(path) if path else None)
    module = pytest.Module.from_parent(session, path=Path(toml_contract.__file__), nodeid="contract")
    return iter(list(session.genitems(module)))


def _keep_rules(config: pytest.Config, items: list[pytest.Item], wanted: list[str]) -> None:
    from anchorhold.suggestions import suggestion
    from anchorhold.testing.rules import RULES, rule_of

    for name in wanted:
        if name not in RULES:
            raise _usage_error(f"{RULE} {name}: there is no such rule; {suggestion(name, RULES)}")
    rules = {item: rule_of(getattr(item, "obj", None)) for item in items}
    left = {item for item, found in rules.items() if found is not None and found.id not in wanted}
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]


def _usage_error(problem: str) -> Exception:
    import pytest

    return pytest.UsageError(problem)
