"""Writing a key file is killed at each of its steps: the key is found or is not, and deleting leaves nothing of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.key_file import is_whole, key_file
from anchorhold.testing.crash_injection import CallRecorder, run_in_fork
from anchorhold_storages.local import LocalStorage
from anchorhold_storages.options import LocalOptions
from cli.cli_steps import good

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

CONTENT = key_file(software_keys.generate(key_spec("EC")), None)
LINES = [line for line in CONTENT.partition(b"-----END PRIVATE")[0].splitlines()[1:] if len(line) > 10]
"""Of which no file may have any."""
NAME = "ca/0123.key"


def _storage(folder: Path) -> LocalStorage:
    return LocalStorage(LocalOptions(location=folder), "storage 'default'")


def _write(folder: Path, watch: CallRecorder) -> list[str]:
    """Write the file; the C functions that were called."""
    storage = _storage(folder)
    sys.setprofile(watch)
    try:
        storage.write_new(NAME, CONTENT)
    finally:
        sys.setprofile(None)
    return watch.seen


def _with_the_key(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(line in path.read_bytes() for line in LINES)]


def test_after_a_kill_at_any_step_the_key_is_found_or_not_and_deleted_for_good(tmp_path: Path) -> None:
    steps = run_in_fork(lambda: _write(tmp_path / "whole", CallRecorder()))
    assert "posix.link" in steps
    found = []
    for step, name in enumerate(steps):
        folder = tmp_path / str(step)
        assert run_in_fork(partial(_write, folder, CallRecorder(step))) is None, "it was not killed"
        content = _storage(folder).settle(NAME, is_whole)
        assert content in (None, CONTENT), name
        assert _with_the_key(folder) == ([] if content is None else ["0123.key"]), name
        assert _storage(folder).delete(NAME) is (content is not None), name
        assert _with_the_key(folder) == [], name
        found.append(content is not None)
    assert found == sorted(found), "a key that was there is not found after a later step"
    assert set(found) == {False, True}


def test_deleting_takes_along_what_was_never_looked_for(tmp_path: Path) -> None:
    steps = run_in_fork(lambda: _write(tmp_path / "whole", CallRecorder()))
    for step, name in enumerate(steps):
        folder = tmp_path / str(step)
        run_in_fork(partial(_write, folder, CallRecorder(step)))
        _storage(folder).delete(NAME)
        assert _with_the_key(folder) == [], name


@pytest.mark.parametrize("length", [0, 40, CONTENT.index(b"-----BEGIN PUBLIC"), len(CONTENT) - 3])
def test_a_torn_file_is_no_key_and_is_removed(length: int, tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca/.0123.key.0123456789abcdef").write_bytes(CONTENT[:length])
    assert _storage(tmp_path).settle(NAME, is_whole) is None
    assert list((tmp_path / "ca").iterdir()) == []


def test_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    others = [".0124.key.0123456789abcdef", "0123.key.bak", ".0123.key.old", ".0123xkey.0123456789abcdef"]
    for other in others:
        (tmp_path / "ca" / other).write_bytes(CONTENT)
    storage = _storage(tmp_path)
    assert (storage.settle(NAME, is_whole), storage.delete(NAME)) == (None, False)
    assert sorted(path.name for path in (tmp_path / "ca").iterdir()) == sorted(others)


def test_a_writer_whose_file_was_settled_meanwhile_has_written_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, link = _storage(tmp_path), os.link

    def settled(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        assert _storage(tmp_path).settle(NAME, is_whole) == CONTENT
        link(source, target) if source.exists() else os.link(target, target)

    monkeypatch.setattr(os, "link", settled)
    storage.write_new(NAME, CONTENT)
    assert storage.read(NAME) == CONTENT
    assert [path.name for path in (tmp_path / "ca").iterdir()] == ["0123.key"]


_KILLED_BEFORE_THE_LINK = """
import os, signal, sys
def link(*_): os.kill(os.getpid(), signal.SIGKILL)
os.link = link
from anchorhold.cli import main
main()
"""


@pytest.mark.parametrize(("how", "keys"), [("--finish", 2), ("--abandon", 1)])
def test_recover_knows_a_key_of_which_only_the_temporary_file_is_there(
    how: str, keys: int, anchorhold: Command, ca_dir: Path
) -> None:
    good(anchorhold("init-ca", "First", "CN=First"))
    command = [sys.executable, "-c", _KILLED_BEFORE_THE_LINK, "init-ca", "Root", "CN=Root"]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    assert len(list(ca_dir.rglob(".*.key.*"))) == 1
    good(anchorhold("recover", how, "Root"))
    assert list(ca_dir.rglob(".*.key.*")) == []
    assert len(list(ca_dir.rglob("*.key"))) == keys
