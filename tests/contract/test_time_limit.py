"""Rules have a time limit, which disturbs no other timer."""

from __future__ import annotations

import signal
import time
from contextlib import suppress

import pytest

from anchorhold.testing import RuleBrokenError
from anchorhold.testing.rules import rule
from anchorhold.testing.time_limit import TooLongError, limited

pytestmark = pytest.mark.databases(because="no ledger is opened")


class _Contract:
    time_limit = 0.05

    @rule("create.fresh")
    def waits(self) -> None:
        """Too long, in a way that catches what it can."""
        with suppress(Exception):
            time.sleep(10)


def test_a_test_that_takes_too_long_is_told_under_its_rule() -> None:
    began = time.monotonic()
    with pytest.raises(
        RuleBrokenError, match=r"(?s)^create\.fresh: .*Found: its test did not end within 0\.05 seconds"
    ):
        _Contract().waits()
    assert time.monotonic() - began < 5


def test_what_is_done_in_time_is_left_alone() -> None:
    with limited(10, "it"):
        done = True
    assert done


def test_a_timer_that_was_running_goes_on() -> None:
    before = signal.getitimer(signal.ITIMER_REAL)[0]
    left = before or 100.0
    if not before:
        signal.setitimer(signal.ITIMER_REAL, left)
    try:
        with pytest.raises(TooLongError), limited(0.05, "it"):
            time.sleep(10)
        assert left - 5 < signal.getitimer(signal.ITIMER_REAL)[0] < left
    finally:
        if not before:
            signal.setitimer(signal.ITIMER_REAL, 0)
