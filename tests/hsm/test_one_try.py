"""One wrong PIN is one try, however many processes there are, and however often they are started."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from anchorhold import errors
from anchorhold.installation import open_installation
from anchorhold.ledger import IssuancePolicy
from forked import forked
from hsm.softhsm import SO_PIN, USER_PIN, configure
from hsm.spied import spy
from server.serving import HOSTNAME, House, running, signed, until

if TYPE_CHECKING:
    from pathlib import Path

    from hsm.spied import Spy

__all__ = ["spy"]
of_sources = pytest.mark.databases("sqlite", because="it is about where a PIN comes from, not about the ledger")
WRONG: Final = "1243"
OPTION: Final = "--retry-refused-pins"
SIGN: Final = ("sign-cert", "--ca=root", "--csr=example.csr", "--alt=a.example")
KILLED: Final = """
import os, signal, sys
from anchorhold.cli import main
from anchorhold_hsm.cryptoki import CryptokiModule

original = CryptokiModule.log_in
def log_in(self, *arguments):
    try:
        original(self, *arguments)
    finally:
        os.kill(os.getpid(), signal.SIGKILL)

CryptokiModule.log_in = log_in
main()
"""

NO_PIN: Final = (
    ("config", "check"),
    ("config", "show"),
    ("list-cas",),
    ("list-certs",),
    ("edit-ca", "--hostname=other.example.com", "root"),
    ("view-ca", "--output-format=pem", "root"),
    ("sign-cert", "--help"),
    ("recover",),
)
ONE_PROCESS: Final = """
from anchorhold.errors import SecretWrongError
from anchorhold.installation import open_installation

with open_installation() as installation:
    for _ in range(2):
        for attempt in (installation.keys.check, installation.responders.renew):
            try:
                state = attempt(installation.authorities.get("root"))
                assert isinstance(state.problem, SecretWrongError), state
            except SecretWrongError as error:
                print(error)
"""

on_each = pytest.mark.databases("sqlite", "postgresql", because="which PIN was refused is in the ledger")
pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="the test marked `on_each` runs on the other kind, too"),
]


@pytest.fixture
def pin(spy: Spy, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the right PIN of a token that has an authority's key, and nothing is asked of it yet."""
    file = tmp_path / "pin"
    file.write_text(f"{USER_PIN}\n")
    _configure(spy, tmp_path, monkeypatch, f'user_pin = {{ file = "{file}" }}')
    assert _run("init-ca", "--key-backend=hsm", "root", "CN=Root").returncode == 0
    assert spy.logins() == 1
    return file


def _configure(spy: Spy, folder: Path, monkeypatch: pytest.MonkeyPatch, *pins: str, more: str = "") -> None:
    """An alias for authorities, and one for responders, with these PINs or the same one."""
    sections = [
        f'[{section}.hsm]\nbackend = "hsm"\n[{section}.hsm.options]\n'
        f'library_path = "{spy.library}"\ntoken = "one"\n{pins[min(number, len(pins) - 1)]}\n'
        for number, section in enumerate(("key_backends", "ocsp_key_backends"))
    ]
    configure(folder, monkeypatch, *sections, more)


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [*forked(), *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    process = _start(*arguments)
    output, talk = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, output, talk)


def _refused(*arguments: str, words: str = "") -> str:
    """What a command says that is not let in."""
    done = _run(*arguments)
    assert done.returncode == errors.SecretWrongError.exit_code, done.stderr
    assert re.search(words, done.stderr), done.stderr
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


@on_each
def test_commands_after_one_another_try_a_wrong_pin_once_until_its_file_is_corrected(pin: Path, spy: Spy) -> None:
    pin.write_text(WRONG)
    _refused(*SIGN, words="the PIN of the user is wrong; give the right one")
    for _ in range(2):
        when = r"was refused at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(process \d+ on .+\), and is not tried again"
        _refused(*SIGN, words=rf"token 'one': the PIN of the user \(from the file {pin}\) {when}.*; correct it there")
    assert _run("view-ca", "root").returncode == 0
    assert spy.logins() == 1
    pin.write_text(USER_PIN)
    assert _run(*SIGN).returncode == 0
    assert spy.logins() == 1


def test_eight_commands_at_once_try_a_wrong_pin_once(pin: Path, spy: Spy) -> None:
    pin.write_text(WRONG)
    processes = [_start(*SIGN) for _ in range(8)]
    talks = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [errors.SecretWrongError.exit_code] * 8, talks
    assert spy.logins() == 1


def test_eight_commands_at_once_all_get_in_with_the_right_pin(pin: Path, spy: Spy) -> None:
    processes = [_start(*SIGN) for _ in range(8)]
    talks = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, talks
    assert spy.logins() == 8
    with open_installation() as installation:
        assert installation.keys.forget_refused_pins() == 0


def test_workers_of_a_server_try_a_wrong_pin_once_and_so_does_the_next_server(
    pin: Path, spy: Spy, tmp_path: Path
) -> None:
    with open_installation() as installation:
        issuing = IssuancePolicy(hostname=HOSTNAME, ocsp_key_backend="hsm")
        authority = installation.authorities.edit("root", issuing=issuing)
        installation.responders.renew(authority)
        list(installation.crls.generate(authority))
        request = House(authority, signed(installation, authority)).request()
    spy.logins()
    pin.write_text(WRONG)
    for number, options in enumerate(((), (), (OPTION,))):
        with ExitStack() as stack:
            server = stack.enter_context(running(tmp_path, "--workers", "3", before=options))
            refusing: set[int] = set()

            def all_have_refused() -> bool:
                assert server.status(request, server.another_client()) == "INTERNAL_ERROR"  # noqa: B023
                refusing.update(line["process"] for line in server.log() if "PIN" in str(line))  # noqa: B023
                return len(refusing) == 3  # noqa: B023

            until(all_have_refused, 30)
            assert server.ready()[0] == 503
        assert spy.logins() == (1, 0, 1)[number]
    pin.write_text(USER_PIN)
    with running(tmp_path, "--workers", "3") as server:
        until(lambda: server.status(request, server.another_client()) == "GOOD")


@of_sources
def test_a_wrong_pin_in_a_variable_is_tried_again_when_somebody_says_so(
    pin: Path, spy: Spy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _configure(spy, tmp_path, monkeypatch, 'user_pin = { env = "THE_PIN" }')
    monkeypatch.setenv("THE_PIN", WRONG)
    _refused(*SIGN)
    monkeypatch.setenv("THE_PIN", USER_PIN)
    _refused(
        *SIGN,
        words=rf"\(from the variable THE_PIN\) was refused .*; correct it, .*one more try with `anchorhold {OPTION} …`",
    )
    assert spy.logins() == 1
    assert _run(OPTION, *SIGN).returncode == 0
    assert _run(*SIGN).returncode == 0
    assert spy.logins() == 2


@of_sources
@pytest.mark.parametrize("name", ["ANCHORHOLD_HSM_USER_PIN", "ANCHORHOLD_HSM_USER_PIN_FILE"])
def test_variables_and_files_that_win_over_the_settings_are_sources_of_their_own(
    pin: Path, spy: Spy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "other").write_text(WRONG)
    monkeypatch.setenv(name, str(tmp_path / "other") if name.endswith("_FILE") else WRONG)
    _refused(*SIGN)
    _refused(*SIGN, words="the file .*other" if name.endswith("_FILE") else f"the variable {name}")
    monkeypatch.delenv(name)
    assert _run(*SIGN).returncode == 0
    assert spy.logins() == 2


@of_sources
def test_a_wrong_pin_in_the_settings_is_tried_again_when_they_change(
    pin: Path, spy: Spy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _configure(spy, tmp_path, monkeypatch, f'user_pin = "{WRONG}"')
    _refused(*SIGN)
    _refused(
        *SIGN, words=r"from key_backends\.hsm\.options\.user_pin in the settings file .*config\.toml\) was refused"
    )
    assert spy.logins() == 1
    _configure(spy, tmp_path, monkeypatch, f'user_pin = "{USER_PIN}"')
    assert _run(*SIGN).returncode == 0


@of_sources
def test_two_aliases_with_one_wrong_pin_are_one_try(
    pin: Path, spy: Spy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that knows that the PIN is the same tells the others that neither source is any good."""
    (tmp_path / "same").write_text(WRONG)
    pin.write_text(WRONG)
    files = (f'user_pin = {{ file = "{path}" }}' for path in (pin, tmp_path / "same"))
    _configure(spy, tmp_path, monkeypatch, *files)
    assert _run("edit-ca", "root", "--ocsp-key-backend=hsm", f"--hostname={HOSTNAME}").returncode == 0
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", ONE_PROCESS], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "refused" in done.stdout
    _refused(*SIGN)
    assert spy.logins() == 1


@of_sources
def test_whoever_types_a_pin_gets_in_although_that_of_a_file_was_refused(pin: Path, spy: Spy) -> None:
    pin.write_text(WRONG)
    _refused(*SIGN)
    _refused(*SIGN, "--hsm-user-pin=9999", words="is wrong")
    assert _run(*SIGN, f"--hsm-user-pin={USER_PIN}").returncode == 0
    _refused(*SIGN, words=rf"from the file {pin}\) was refused")
    assert spy.logins() == 3


@of_sources
def test_the_pin_of_the_security_officer_is_tried_once_too(
    pin: Path, spy: Spy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "so").write_text(WRONG)
    _configure(spy, tmp_path, monkeypatch, f'so_pin = {{ file = "{tmp_path}/so" }}')
    for _ in range(3):
        _refused(*SIGN, words="PIN of the security officer .*(wrong|refused)")
    assert spy.logins() == 1
    (tmp_path / "so").write_text(SO_PIN)
    assert _run(*SIGN).returncode == errors.KeyMissingError.exit_code
    assert spy.logins() == 2  # the key is looked for once more in a module that was initialised anew


@pytest.mark.parametrize("shown", [WRONG, USER_PIN])
def test_a_process_that_is_killed_while_it_logs_in_leaves_a_mark(pin: Path, spy: Spy, shown: str) -> None:
    pin.write_text(shown)
    killed = subprocess.run([sys.executable, "-c", KILLED, *SIGN], capture_output=True, check=False, timeout=60)
    assert killed.returncode == -9
    for _ in range(2):
        _refused(*SIGN, words=r"was shown to the token, by a process that ended before the answer, at .*; correct it")
    assert spy.logins() == 1
    assert _run(OPTION, *SIGN).returncode == (0 if shown == USER_PIN else errors.SecretWrongError.exit_code)
    assert spy.logins() == 1


@of_sources
def test_commands_that_use_no_key_show_no_pin(pin: Path, spy: Spy) -> None:
    for line in NO_PIN:
        done = _run(*line)
        assert (done.returncode, spy.logins()) == (0, 0), f"{line}: {done.stderr}"


def test_a_mark_tells_nothing_of_a_pin(pin: Path, spy: Spy) -> None:
    """Neither its text nor its length, of which the size of its file would tell."""
    pin.write_text(WRONG)
    _refused(*SIGN)
    status = pin.stat()
    with open_installation() as installation:
        columns = installation.ledger.database.execute_sql("SELECT * FROM anchorhold_refusal").fetchall()
    (row,) = columns
    assert row[:3] == (
        next(value for value in row if str(value).startswith("token 'one'")),
        f"the file {pin}",
        f"{status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}",
    )
    assert row[-1] == "refused"
    assert len(row) == 7
    assert WRONG not in repr(row[4:])
