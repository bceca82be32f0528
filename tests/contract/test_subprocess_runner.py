"""Processes that the contract starts: secrets reach them by a pipe only, and those that hang are ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anchorhold.settings import load_settings
from anchorhold.testing import subprocess_runner
from anchorhold.testing.harness import Harness
from anchorhold.testing.output_capture import OutputCapture, secrets_shown
from anchorhold.testing.rules import UnmetError
from anchorhold.testing.secret_values import SecretValues

if TYPE_CHECKING:
    from anchorhold.testing.subprocess_runner import ChildProcess

pytestmark = pytest.mark.databases(because="no ledger is opened")

PASSWORD = "correct horse battery"


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """Keys in files, by the default settings."""
    config = tmp_path / "config.toml"
    config.write_text(f'ca_dir = "{tmp_path}/ca"\n')
    assert load_settings(config, {}).settings.key_backends
    return Harness(config=config, given_secrets=SecretValues(password=PASSWORD))


def _waiting(harness: Harness) -> ChildProcess:
    """A child that waits to be told to go on."""
    return subprocess_runner.start(harness, "create keys", count=1, shared=subprocess_runner.as_json(harness.create()))


def test_no_secret_is_among_the_arguments_or_variables_of_a_child(harness: Harness) -> None:
    child = _waiting(harness)
    assert child.answers.readline() == b"ready\n"
    process = Path(f"/proc/{child.pid}")
    seen = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
    assert len(child.answer()["made"]) == 1
    assert b"anchorhold.testing.nursery" in seen
    assert secrets_shown(seen, harness.given_secrets) == []


def test_a_child_that_fails_says_why(harness: Harness) -> None:
    told = subprocess_runner.as_json(harness.create())
    told["handle"]["data"]["path"] = "elsewhere"
    with pytest.raises(UnmetError, match=r"a process that was to use a key ended with 1: .*KeyMissingError"):
        subprocess_runner.run(harness, "use a key", key=told)


def _hanging(harness: Harness) -> ChildProcess:
    """One that stands still; one that only waits would go on when its input ends."""
    child = _waiting(harness)
    os.kill(child.pid, signal.SIGSTOP)
    return child


def test_a_child_that_hangs_is_ended(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    child = _hanging(harness)
    monkeypatch.setattr(subprocess_runner, "TIMEOUT", 0.1)
    began = time.monotonic()
    with pytest.raises(UnmetError, match="did not end within"):
        child.answer()
    assert child.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 10


def test_those_that_are_left_when_one_fails_are_ended(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = _hanging(harness), _hanging(harness)
    monkeypatch.setattr(subprocess_runner, "TIMEOUT", 0.1)
    with pytest.raises(UnmetError, match="did not end within"):
        subprocess_runner.answers_of([first, second])
    assert second.returncode == -signal.SIGKILL


@pytest.mark.parametrize("form", [PASSWORD, PASSWORD.encode().hex(), "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"])
def test_a_secret_is_recognised_in_every_form(form: str) -> None:
    assert secrets_shown(f"something {form} something", {"password": PASSWORD}) == ["password"]
    assert secrets_shown("something else", {"password": PASSWORD}) == []


_SAID = ("logged argument", "whispered", "written", "echoed", "warned", "printed", "complained")


def test_everything_that_is_said_is_heard() -> None:
    import logging
    import sys
    import warnings

    quiet = logging.getLogger("some.quiet.library")
    quiet.propagate = False
    quiet.setLevel(logging.CRITICAL)
    with OutputCapture() as heard:
        logging.getLogger("some.library").debug("logged %s", "argument")
        quiet.debug("whispered")
        os.write(1, b"written")
        subprocess.run(["sh", "-c", "echo echoed >&2"], check=True)
        warnings.warn("warned", stacklevel=1)
        print("printed")
        print("complained", file=sys.stderr)
    assert all(word in heard.output for word in _SAID)


def test_what_was_heard_is_not_said_to_others_and_what_comes_later_is(capfd: pytest.CaptureFixture[str]) -> None:
    with OutputCapture() as heard:
        os.write(2, b"during")
    os.write(2, b"after")
    assert heard.output.strip() == "during"
    assert capfd.readouterr().err == "after"
