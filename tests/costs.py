"""What tests cost: processor time is limited and summed up by folder, and what takes long begins first.

Processor time, with that of child processes that have ended, is nearly the same on a busy machine, which time on the
clock is not. A test that takes more than `LIMIT` seconds of it fails, unless it is marked ``slow(because="…")``.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

LIMIT: Final = 15.0 if os.environ.get("CI") else 5.0
"""Seconds of processor time that set-up and call of a test may take, without fixtures that tests share.

More on machines that check changes, which may be slow: there it is for tests that run wild.
"""
DEAREST: Final = 25
"""Tests that are shown."""
TIMEOUT: Final = 300
"""Seconds on the clock after which a test marked `slow` is stopped; pyproject.toml has the limit of the others."""
_SPENT: Final = "processor_time"
"""Property of a report: seconds of its phase."""


class Meter:
    """Counts processor time.

    Attributes:
        mark: What the process had used up when the present phase began.
        shared: Seconds that shared fixtures have taken in the present test.
        test: Seconds that the present test has taken for itself.
    """

    def __init__(self) -> None:
        self.mark = _processor_time()
        self.shared = 0.0
        self.test = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Begin with a test."""
        self.mark, self.shared, self.test = _processor_time(), 0.0, 0.0
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Count apart what a shared fixture takes: the test that needs it first is not to blame."""
        before = _processor_time()
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                self.shared += _processor_time() - before

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put down what a phase took, and fail a test that took too much."""
        report = yield
        now = _processor_time()
        spent, self.mark = now - self.mark, now
        report.user_properties.append((_SPENT, spent))
        self.test += spent
        if report.when == "call" and report.passed and "slow" not in report.keywords:
            own = self.test - self.shared
            if own > LIMIT:
                report.outcome = "failed"
                report.longrepr = (
                    f"took {own:.1f} s of processor time; make it cheaper, "
                    f'or mark it slow(because="…") if it needs more than {LIMIT:g} s'
                )
        return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--costs``: which folder took how much."""
    parser.addoption("--costs", action="store_true", help="show the processor time of folders and tests")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and begin to count."""
    config.addinivalue_line("markers", f"slow(because): takes more than {LIMIT:g} s of processor time, for a reason")
    config.pluginmanager.register(Meter(), "meter")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process is left alone with it at the end.

    With ``--timeout=0`` nothing is stopped: whole tables and soaks take hours.
    """
    is_limited = config.getoption("timeout", None) != 0
    for item in items:
        marker = item.get_closest_marker("slow")
        if marker is not None:
            assert marker.kwargs["because"]
            if is_limited:
                item.add_marker(pytest.mark.timeout(TIMEOUT))
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show how much each folder took, the dearest first, and the dearest tests."""
    if not config.getoption("--costs"):
        return
    seconds: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    each: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                folder = "/".join(report.nodeid.partition("::")[0].split("/")[:2])
                properties: dict[str, Any] = dict(report.user_properties)
                seconds[folder] += properties.get(_SPENT, 0.0)
                each[report.nodeid] += properties.get(_SPENT, 0.0)
                tests[folder] += report.when == "call"
    terminalreporter.section("processor time by folder")
    for folder, spent in seconds.most_common():
        terminalreporter.line(f"{spent:8.1f} s {tests[folder]:6} tests {folder}")
    terminalreporter.line(f"{seconds.total():8.1f} s {tests.total():6} tests")
    terminalreporter.section("dearest tests")
    for test, spent in each.most_common(DEAREST):
        terminalreporter.line(f"{spent:8.1f} s {test}")


def _processor_time() -> float:
    """Seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])
