"""Whatever kills a run, the next one goes on; files are whole, and two runs do not disturb each other."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.x509 import ocsp

from anchorhold import errors
from anchorhold.operations.presigned import run
from anchorhold.operations.presigned.folder import AnswerFolder
from anchorhold.operations.presigned.state import load_state, name_of
from cli.cli_steps import refused
from combinations import ALL

if TYPE_CHECKING:
    from conftest import Command
    from presigned.presigned_steps import Site

pytestmark = pytest.mark.slow(because="thousands of responses, for which other processes are started")

COMMAND = [sys.executable, "-m", "anchorhold", "generate-ocsp-responses", "Root"]
MANY = 2_500
"""Certificates for which other processes are started."""
KILLS = 6 if ALL else 3


@pytest.fixture
def many(site: Site) -> Site:
    """The same with many certificates."""
    site.sign(MANY)
    return site


def started(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def check_whole(site: Site) -> None:
    for path in site.files():
        ocsp.load_der_ocsp_response((site.folder / path).read_bytes())


def workers() -> list[int]:
    """Processes that make responses for others, those of other tests among them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            if b"ocsp_response_worker" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


@pytest.mark.timeout(300)
def test_a_run_that_is_killed_at_any_moment_is_completed_by_later_ones(many: Site) -> None:
    source = random.Random(29)  # noqa: S311  # for a test
    AnswerFolder(many.folder).make()
    for number in range(KILLS):
        process = started("--jobs", str(1 + number % 2))
        time.sleep(source.uniform(0.3, 2.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        check_whole(many)
        many.installation.revocations.revoke(f"{many.leaves[number].serial_number:x}")
        assert many.says(many.leaves[number]) in ("revoked", "")  # there may be nothing yet
    many.installation.ocsp_responses.generate("Root", jobs=2)
    assert {many.says(leaf) for leaf in many.leaves[:KILLS]} == {"revoked"}
    assert {many.says(leaf) for leaf in many.leaves[KILLS:]} == {"good"}
    assert len(many.files()) == 2 * (len(many.leaves) + 2)
    assert not list((many.folder / ".anchorhold").glob("*.new"))


def test_a_run_goes_on_behind_the_last_certificate_that_was_noted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.sign(40)
    monkeypatch.setattr(run, "CHUNK", 10)
    monkeypatch.setattr(run, "CHECKPOINT", 0.0)
    generate = site.installation.ocsp_responses.generate

    def interrupted(_: int) -> None:
        passed.append(1)
        if len(passed) == 3:
            raise KeyboardInterrupt

    passed: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        generate("Root", progress=interrupted)
    state = load_state(AnswerFolder(site.folder), site.installation.authorities.get("Root"))
    assert state is not None
    assert state.passed == 20
    before = site.ages()
    made = generate("Root")
    assert made.written == 2 * 47 - 40
    kept = [path for path, age in site.ages().items() if before.get(path) == age]
    assert len(kept) == 40
    assert generate("Root").written == 0


def test_several_processes_make_them_and_end(many: Site) -> None:
    made = many.installation.ocsp_responses.generate("Root", jobs=2)
    assert made.written == 2 * (len(many.leaves) + 2)
    assert {many.says(leaf) for leaf in many.leaves[::50]} == {"good"}
    assert [found for found in workers() if _parent(found) == os.getpid()] == []


def test_a_worker_that_dies_is_told_of_and_the_next_run_goes_on(many: Site) -> None:
    process = started("--jobs", "2")
    end = time.monotonic() + 40
    while not (mine := [found for found in workers() if _parent(found) == process.pid]) or not many.files():
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(mine[0], signal.SIGKILL)
    _, talk = process.communicate(timeout=60)
    if process.returncode:  # else it had nothing left to do
        assert process.returncode == errors.OcspResponsesError.exit_code
        assert b"has ended unexpectedly" in talk
    many.installation.ocsp_responses.generate("Root")
    assert len(many.files()) == 2 * (len(many.leaves) + 2)


def test_workers_end_with_the_process_that_has_started_them(many: Site) -> None:
    process = started("--jobs", "2", "--all")
    end = time.monotonic() + 40
    while not (mine := [found for found in workers() if _parent(found) == process.pid]):
        assert time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.communicate()
    while set(mine) & set(workers()):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_of_two_runs_one_is_told_that_another_is_at_it(site: Site, anchorhold: Command) -> None:
    site.installation.ocsp_responses.generate("Root")
    site.sign()
    with AnswerFolder(site.folder).run_lock(name_of(site.installation.authorities.get("Root"))):
        refused(anchorhold("generate-ocsp-responses"), errors.BusyError)
        ended = anchorhold("maintain")
        assert (ended.exit_code, site.says(site.leaves[-1])) == (0, "")
    site.installation.ocsp_responses.generate("Root")
    assert site.says(site.leaves[-1]) == "good"


def test_many_runs_at_once_leave_what_one_leaves(many: Site) -> None:
    processes = [started("--jobs", "1") for _ in range(3)]
    for process in processes:
        process.communicate(timeout=100)
    codes = sorted({process.returncode for process in processes})
    assert codes in ([0], [0, errors.BusyError.exit_code])
    assert len(many.files()) == 2 * (len(many.leaves) + 2)
    check_whole(many)


def test_settings_that_no_other_process_can_load_need_one_process(many: Site, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    before = set(workers())
    seen: set[int] = set()
    many.installation.ocsp_responses.generate("Root", jobs=2, progress=lambda _: seen.update(workers()))
    assert seen <= before
    assert len(many.files()) == 2 * (len(many.leaves) + 2)


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
