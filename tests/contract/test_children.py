"""Processes that the contract starts: secrets reach them by a pipe only, and those that hang are ended."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anchorhold.settings import load_settings
from anchorhold.testing import children
from anchorhold.testing.bench import Bench
from anchorhold.testing.given import Given
from anchorhold.testing.hearing import Hearing, shown
from anchorhold.testing.rules import UnmetError

if TYPE_CHECKING:
    from anchorhold.testing.children import Child

pytestmark = pytest.mark.databases(because="no ledger is opened")

PASSWORD = "correct horse battery"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Keys in files, by the default settings."""
    config = tmp_path / "config.toml"
    config.write_text(f'ca_dir = "{tmp_path}/ca"\n')
    assert load_settings(config, {}).settings.key_backends
    return Bench(config=config, given=Given(password=PASSWORD))


def _waiting(bench: Bench) -> Child:
    """A child that waits to be told to go on."""
    return children.start(bench, "create keys", count=1, shared=children.as_json(bench.create()))


def test_no_secret_is_among_the_arguments_or_variables_of_a_child(bench: Bench) -> None:
    child = _waiting(bench)
    assert child.process.stdout is not None
    assert child.process.stdout.readline() == "ready\n"
    process = Path(f"/proc/{child.process.pid}")
    seen = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
    assert len(child.answer()["made"]) == 1
    assert b"anchorhold.testing.child" in seen
    assert shown(seen, bench.given) == []


def test_a_child_that_fails_says_why(bench: Bench) -> None:
    told = children.as_json(bench.create())
    told["handle"]["data"]["path"] = "elsewhere"
    with pytest.raises(UnmetError, match=r"a process that was to use a key ended with 1: .*KeyMissingError"):
        children.run(bench, "use a key", key=told)


def test_a_child_that_hangs_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    child = _waiting(bench)
    monkeypatch.setattr(children, "PATIENCE", 0.1)
    began = time.monotonic()
    with pytest.raises(UnmetError, match="did not end within"):
        child.answer()
    assert child.process.returncode < 0
    assert time.monotonic() - began < 10


def test_those_that_are_left_when_one_fails_are_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = _waiting(bench), _waiting(bench)
    monkeypatch.setattr(children, "PATIENCE", 0.1)
    with pytest.raises(UnmetError, match="did not end within"):
        children.answers_of([first, second])
    assert second.process.returncode < 0


@pytest.mark.parametrize("form", [PASSWORD, PASSWORD.encode().hex(), "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"])
def test_a_secret_is_recognised_in_every_form(form: str) -> None:
    assert shown(f"something {form} something", {"password": PASSWORD}) == ["password"]
    assert shown("something else", {"password": PASSWORD}) == []


_SAID = ("logged argument", "whispered", "written", "echoed", "warned", "printed", "complained")


def test_everything_that_is_said_is_heard() -> None:
    import logging
    import sys
    import warnings

    quiet = logging.getLogger("some.quiet.library")
    quiet.propagate = False
    quiet.setLevel(logging.CRITICAL)
    with Hearing() as heard:
        logging.getLogger("some.library").debug("logged %s", "argument")
        quiet.debug("whispered")
        os.write(1, b"written")
        subprocess.run(["sh", "-c", "echo echoed >&2"], check=True)
        warnings.warn("warned", stacklevel=1)
        print("printed")
        print("complained", file=sys.stderr)
    assert all(word in heard.said for word in _SAID)


def test_what_was_heard_is_not_said_to_others_and_what_comes_later_is(capfd: pytest.CaptureFixture[str]) -> None:
    with Hearing() as heard:
        os.write(2, b"during")
    os.write(2, b"after")
    assert heard.said.strip() == "during"
    assert capfd.readouterr().err == "after"
