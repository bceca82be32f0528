"""Keys on an SSH server: who may read them, whom we trust, and what is said when it goes wrong."""

from __future__ import annotations

import re
import stat
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from anchorhold.errors import BackendFailedError, RecoveryNeededError, SettingsError
from cli.cli_steps import good, refused
from cli.cli_steps import program as anchorhold_process
from plugin.fake_backends import NO_SECRETS, configured, create_request, settings_file
from programs import program
from storages.servers import Sshd, free_port, listening, ssh_key, tunnel

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from conftest import Command


def _use(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str, options: str) -> None:
    storage = f'[storages.default]\nbackend = "{url}"\n[storages.default.options]\n{options}\n'
    settings_file(folder, monkeypatch, storage)


@pytest.mark.parametrize(
    ("options", "modes"),
    [
        ("", ("0600", "0700")),
        ("file_permissions_mode = 0o640\ndirectory_permissions_mode = 0o750", ("0640", "0750")),
    ],
)
def test_files_and_folders_are_for_their_owner_from_the_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sshd: Sshd, options: str, modes: tuple[str, str]
) -> None:
    _use(tmp_path, monkeypatch, sshd.url(tmp_path / "server" / "keys"), sshd.options + options)
    configured().get("default").create_key(create_request(), NO_SECRETS)
    (file,) = (path for path in (tmp_path / "server").rglob("*") if path.is_file())
    found = (file, file.parent, file.parent.parent, tmp_path / "server")
    assert [f"{stat.S_IMODE(path.stat().st_mode):04o}" for path in found] == [modes[0], *[modes[1]] * 3]
    done = [line for line in sshd.log().splitlines() if str(tmp_path) in line]
    assert re.findall(r"open .* flags WRITE,CREATE,EXCL mode (\d+)", "\n".join(done)) == ["0600"]
    assert re.findall(r"mkdir .* mode (\d+)", "\n".join(done)) == ["0700"] * 3
    assert ["fsync" in line for line in done].count(True) == 1


@pytest.mark.parametrize("hashed", [False, True])
def test_a_server_in_known_hosts_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sshd: Sshd, *, hashed: bool
) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"# ours\nelsewhere {sshd.host_key}\n[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    if hashed:
        subprocess.run([program("ssh-keygen"), "-q", "-H", "-f", known], check=True, capture_output=True)
        assert "127.0.0.1" not in known.read_text()
    _use(
        tmp_path,
        monkeypatch,
        sshd.url(tmp_path / "server"),
        f'known_hosts = "{known}"\nkey_filename = "{sshd.key_file}"',
    )
    configured().get("default").create_key(create_request(), NO_SECRETS)
    assert len(list((tmp_path / "server").rglob("*.key"))) == 1


def test_its_files_are_found_from_the_folder_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sshd: Sshd
) -> None:
    (tmp_path / "known").write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    (tmp_path / "user").symlink_to(sshd.key_file)
    _use(tmp_path, monkeypatch, sshd.url(tmp_path / "server"), 'known_hosts = "known"\nkey_filename = "./user"')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    configured().get("default").create_key(create_request(), NO_SECRETS)
    assert len(list((tmp_path / "server").rglob("*.key"))) == 1


@pytest.fixture
def other(tmp_path: Path) -> str:
    """The public part of a key pair in the file ``other`` that nobody knows."""
    return ssh_key(tmp_path / "other")


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('key_filename = "{user}"', "its host key is not known; it shows ssh-ed25519 SHA256:"),
        ('key_filename = "{user}"\nknown_hosts = "{tmp}/none"', "none cannot be read: No such file"),
        ('key_filename = "{user}"\nhost_key = "{other}"', "its host key does not match the known one"),
        ('key_filename = "{user}"\nhost_key = "nonsense"', "host_key is not a public key"),
        ('key_filename = "{tmp}/other"\nhost_key = "{host}"', "access denied: it refused to log in"),
        ('key_filename = "{tmp}/none"\nhost_key = "{host}"', "none cannot be read: No such file"),
        ('key_filename = "{tmp}/other.pub"\nhost_key = "{host}"', "is not a private key for SSH"),
        ('password = {{ env = "SFTP_PASSWORD" }}\nhost_key = "{host}"', "access denied: it refused to log in"),
        ('host_key = "{host}"', "access denied: there is no key, agent or password"),
    ],
)
def test_a_login_that_fails_says_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    anchorhold: Command,
    sshd: Sshd,
    options: str,
    words: str,
) -> None:
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("SFTP_PASSWORD", "hunter2hunter2")
    filled = options.format(user=sshd.key_file, host=sshd.host_key, tmp=tmp_path, other=other)
    _use(tmp_path, monkeypatch, sshd.url(tmp_path / "server"), filled)
    refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "storage 'default': cannot read", words)
    assert "hunter2hunter2" not in anchorhold("--debug", "init-ca", "Root", "CN=Root").talk
    assert not (tmp_path / "server").exists()


def test_a_key_file_with_a_passphrase_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, sshd: Sshd
) -> None:
    keys = sshd.folder / "authorized_keys"
    keys.write_text(keys.read_text() + ssh_key(tmp_path / "locked", "hunter2hunter2"))
    options = f'host_key = "{sshd.host_key}"\nkey_filename = "{tmp_path}/locked"\n'
    _use(tmp_path, monkeypatch, sshd.url(tmp_path / "server"), options)
    refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "is encrypted and needs a passphrase")
    (tmp_path / "phrase").write_text("wrong")
    with_phrase = f'{options}passphrase = {{ file = "{tmp_path}/phrase" }}'
    _use(tmp_path, monkeypatch, sshd.url(tmp_path / "server"), with_phrase)
    refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "its passphrase is another")
    (tmp_path / "phrase").write_text("hunter2hunter2\n")
    good(anchorhold("init-ca", "Root", "CN=Root"))


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("sftp://root:hunter2@host/keys", "", "has a password in it"),
        ("sftp:///keys", "", "not one of a server"),
        ("sftp://host:many/keys", "", "not one of a server"),
        ("sftp://host/keys", "host_kee = 1", "storages.default.options.host_kee is not known"),
        ("sftp://host/keys", 'password = "prompt"', 'storages: "prompt" is not possible here'),
        ("sftp://host/keys", 'password = { env = "NOT_SET" }', "the variable NOT_SET is not set"),
    ],
)
def test_settings_that_cannot_work_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, url: str, options: str, words: str
) -> None:
    _use(tmp_path, monkeypatch, url, options)
    outcome = refused(anchorhold("init-ca", "Root", "CN=Root"), SettingsError, words)
    assert "hunter2" not in outcome.talk


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("answer", [None, b"", b"HTTP/1.1 400 No\r\n\r\n"], ids=["silent", "cut", "HTTP"])
def test_a_server_that_does_not_speak_ssh_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    def handle(connection: socket.socket) -> None:
        if answer is None:
            connection.recv(1)
            time.sleep(3)
        else:
            connection.sendall(answer)

    with listening(handle) as port:
        _use(tmp_path, monkeypatch, f"sftp://127.0.0.1:{port}/keys", "timeout = 0.5")
        ended = anchorhold_process("init-ca", "Root", "CN=Root")  # libraries print only where nothing captures logs
    assert ended.returncode == BackendFailedError.exit_code
    assert b"does not answer as an SSH server" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr.decode()


@pytest.mark.parametrize(("host", "words"), [("127.0.0.1", "cannot be reached"), ("no.invalid", "there is no host")])
def test_a_host_that_is_not_there_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, host: str, words: str
) -> None:
    _use(tmp_path, monkeypatch, f"sftp://{host}:{free_port()}/keys", "")
    refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, words)


@pytest.mark.parametrize("octets", [100, 1500, 2200])
def test_a_server_that_falls_silent_on_the_way_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, sshd: Sshd, octets: int
) -> None:
    passed = 0

    def fall_silent(sent: bytes, answer: bytes) -> bytes:
        nonlocal passed
        passed += len(answer)
        return answer if passed < octets else b""

    with tunnel(sshd.port, fall_silent) as port:
        _use(
            tmp_path,
            monkeypatch,
            f"sftp://{sshd.user}@127.0.0.1:{port}{tmp_path}/server",
            f"{sshd.options}deadline = 1",
        )
        begun = time.monotonic()
        refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "did not answer")
        assert time.monotonic() - begun < 4.5


@pytest.mark.parametrize("where", ["server", "server/ca/{key}"])
def test_something_else_in_the_place_of_a_folder_or_file_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, sshd: Sshd, csr_file: Path, where: str
) -> None:
    _use(tmp_path, monkeypatch, sshd.url(tmp_path / "server"), sshd.options)
    if where == "server":
        (tmp_path / where).touch()
        outcome = refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "cannot write", "No such file")
        assert "recover" not in outcome.talk
        return
    good(anchorhold("init-ca", "Root", "CN=Root"))
    (key,) = (tmp_path / "server" / "ca").iterdir()
    key.unlink()
    key.mkdir()
    arguments = ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example")
    refused(anchorhold(*arguments), BackendFailedError, "cannot read ca/", "Is a directory")


def test_a_disk_without_room_is_one_clear_line_that_speaks_of_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, full_sshd: Sshd
) -> None:
    """All that the server says is that it failed: the protocol has no code for it."""
    _use(tmp_path, monkeypatch, full_sshd.url(tmp_path / "server"), full_sshd.options)
    refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "cannot write", "and has room")
    assert [path for path in (tmp_path / "server").rglob("*") if path.is_file()] == []


def test_a_connection_lost_after_the_write_leaves_an_authority_to_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, sshd: Sshd
) -> None:
    server = tmp_path / "server"

    def lose(sent: bytes, answer: bytes) -> bytes:
        if list(server.rglob("[!.]*.key")):
            raise ConnectionError
        return answer

    with tunnel(sshd.port, lose) as port:
        _use(tmp_path, monkeypatch, f"sftp://{sshd.user}@127.0.0.1:{port}{server}", sshd.options)
        refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "cannot write", "anchorhold recover")
    assert len(list(server.rglob("[!.]*.key"))) == 1
    _use(tmp_path, monkeypatch, sshd.url(server), sshd.options)
    assert anchorhold("recover").exit_code == RecoveryNeededError.exit_code
    good(anchorhold("recover", "--finish", "Root"))
    assert len(list(server.rglob("[!.]*.key"))) == 1
