"""Key backends that are slow to fail: each is waited for once, and the others meanwhile."""

from __future__ import annotations

import json
import time
from threading import Barrier
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from anchorhold import errors
from anchorhold.plugin import BACKENDS_GROUP, hookimpl, unresponsive
from cli.cli_steps import good
from plugin.fake_backends import MemoryBackend, offer, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

pytestmark = pytest.mark.usefixtures("database")


class AwayBackend(MemoryBackend):
    """Is there while it is set up, and later takes its time to fail."""

    is_away: ClassVar[bool] = False
    asked: ClassVar[list[str]] = []
    together: ClassVar[Barrier | None] = None
    delay: ClassVar[float] = 0.15

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any:
        if not self.is_away:
            return super().load_signer(request, secrets)
        self.asked.append(self.context.alias)
        if self.together is not None:
            self.together.wait(timeout=20)
        time.sleep(self.delay)
        raise errors.BackendFailedError(f"{self.context.alias}: does not answer", hint="wait")


@pytest.fixture(autouse=True)
def _away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, anchorhold: Command) -> None:
    """Two authorities in each of two aliases, which are away from then on."""
    monkeypatch.setattr(MemoryBackend, "keys", {})
    monkeypatch.setattr(AwayBackend, "asked", [])
    monkeypatch.setattr(unresponsive, "SLOW", 0.1)
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"away": f"{__name__}:AwayBackend"})
    aliases = "".join(f'[key_backends.{alias}]\nbackend = "away"\n' for alias in ("one", "two"))
    settings_file(tmp_path, monkeypatch, aliases)
    for alias in ("one", "two"):
        for number in range(2):
            good(anchorhold("init-ca", f"{alias}-{number}", f"CN={alias} {number}", f"--key-backend={alias}"))
            good(anchorhold("regenerate-ocsp-keys", f"{alias}-{number}"))
    monkeypatch.setattr(AwayBackend, "is_away", True)


def test_backends_waits_once_for_each_alias_and_for_both_at_once(
    anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AwayBackend, "together", Barrier(2))
    rows = json.loads(good(anchorhold("backends", "--output-format=json")).data)["keys"]
    assert [row["authority"] for row in rows] == ["one-0", "one-1", "two-0", "two-1"]
    assert all(f"{row['alias']}: does not answer" in row["key_problem"] for row in rows)
    assert sorted(AwayBackend.asked) == ["one", "two"]


def test_maintain_waits_once_for_each_alias_and_for_both_at_once(
    anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AwayBackend, "together", Barrier(2))
    outcome = anchorhold("maintain")
    assert outcome.exit_code == errors.BackendFailedError.exit_code
    assert sorted(AwayBackend.asked) == ["one", "two"]
    for name in ("one-0", "one-1", "two-0", "two-1"):
        assert f"{name}: {name[:3]}: does not answer" in " ".join(outcome.talk.split()).replace("'", "")


def test_a_failure_that_comes_at_once_is_not_remembered(anchorhold: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AwayBackend, "delay", 0.0)
    good(anchorhold("backends"))
    assert sorted(AwayBackend.asked) == ["one", "one", "two", "two"]


def _fail_slowly(memory: unresponsive.UnresponsiveAliases, asked: list[str]) -> None:
    with memory.asking("ca", "one"):
        asked.append("one")
        time.sleep(0.12)
        raise errors.BackendFailedError("one: away", hint="wait")


@pytest.mark.parametrize(("left_alone", "expected"), [(60.0, 1), (0.0, 2)])
def test_an_alias_is_asked_again_after_a_while(
    left_alone: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unresponsive, "LEFT_ALONE", left_alone)
    memory, asked = unresponsive.UnresponsiveAliases(), list[str]()
    for _ in range(2):
        with pytest.raises(errors.BackendFailedError, match="one: away"):
            _fail_slowly(memory, asked)
    assert len(asked) == expected
    with memory.asking("ocsp", "one"), memory.asking("ca", "two"):
        asked.append("others")
    assert asked[-1] == "others"
