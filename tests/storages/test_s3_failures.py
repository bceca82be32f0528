"""What goes wrong with S3 is one clear line in bounded time, and loses no key."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from anchorhold.errors import BackendFailedError, KeyExistsError, KeyInvalidError, RecoveryNeededError, SettingsError
from cli.cli_steps import good, refused
from plugin.fake_backends import NO_SECRETS, configured, create_request, settings_file
from storages.servers import Bucket, free_port, listening, moto, tunnel

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from conftest import Command


SECRET = "hunter2hunter2"
_ONCE = "config_kwargs = { read_timeout = 0.5, connect_timeout = 0.5, retries = { total_max_attempts = 1 } }\n"
_XML = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>No.</Message></Error>'


def _use(folder: Path, monkeypatch: pytest.MonkeyPatch, bucket: Bucket, more: str = "") -> None:
    storage = f'[storages.default]\nbackend = "s3://{bucket.name}/keys"\n[storages.default.options]\n'
    settings_file(folder, monkeypatch, storage + bucket.options + more)


def _answer(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_answer("500", ""), "answered 500"),
        (_answer("500", _XML.format("InternalError")), "answered 500 InternalError"),
        (_answer("503", _XML.format("SlowDown")), "answered 503 SlowDown"),
        (_answer("403", _XML.format("AccessDenied")), "access denied"),
        (_answer("403", _XML.format("SignatureDoesNotMatch")), "the secret does not belong to the access key"),
        (_answer("403", _XML.format("RequestTimeTooSkewed")), "the clock of this machine is wrong"),
        (_answer("404", _XML.format("NoSuchBucket")), "no such bucket 'vault'"),
        (_answer("404", "<html>Not here</html>"), "answered 404"),
        (_answer("200", "short").replace(b"5", b"500", 1), "broke off its answer"),
        (b"SSH-2.0-OpenSSH\r\n", "did not answer in HTTP"),
        (b"", "closed the connection"),
    ],
    ids=["500", "500 XML", "503", "403", "secret", "clock", "bucket", "404 page", "cut short", "no HTTP", "cut"],
)
def test_a_store_that_answers_badly_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, answer: bytes, words: str
) -> None:
    asked: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(answer)

    with listening(handle) as port:
        _use(tmp_path, monkeypatch, Bucket(f"http://127.0.0.1:{port}", "vault"), _ONCE)
        outcome = refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "storage 'default'", words)
        assert "recover" not in outcome.talk
        assert len(asked) <= 2, "one attempt was allowed, and aiohttp repeats a GET whose connection was cut"
        assert SECRET not in anchorhold("--debug", "init-ca", "Root", "CN=Root").talk
    assert "Root" not in anchorhold("list-cas").text


def test_an_endpoint_that_is_no_url_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    _use(tmp_path, monkeypatch, Bucket("127.0.0.1:1", "vault"), _ONCE)
    refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "cannot read", "endpoint_url is not a URL")


def test_a_web_server_in_the_place_of_a_store_has_no_key_to_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    """It answers everything with its page, a key that never was, too."""

    def welcome(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(_answer("200", "<html>Welcome</html>"))

    with listening(welcome) as port:
        _use(tmp_path, monkeypatch, Bucket(f"http://127.0.0.1:{port}", "vault"), _ONCE)
        words = (": is not a key file", "check the path in the settings")
        refused(anchorhold("init-ca", "Root", "CN=Root"), KeyInvalidError, *words)


@pytest.mark.parametrize(
    ("more", "pause", "words"),
    [(_ONCE, 5.0, "did not answer within 0.5 s"), ("deadline = 1", 0.2, "did not answer within 1 s")],
    ids=["silent", "a byte at a time"],
)
def test_a_store_that_never_comes_to_an_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, more: str, pause: float, words: str
) -> None:
    def handle(connection: socket.socket) -> None:
        for letter in b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n":
            time.sleep(pause)
            connection.sendall(bytes([letter]))

    with listening(handle) as port:
        _use(tmp_path, monkeypatch, Bucket(f"http://127.0.0.1:{port}", "vault"), more)
        begun = time.monotonic()
        refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, words)
        assert time.monotonic() - begun < 4.5


def test_a_failure_that_passes_is_not_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, bucket: Bucket
) -> None:
    answered: list[bytes] = []

    def first_fails(sent: bytes, answer: bytes) -> bytes:
        answered.append(sent)
        return _answer("500", _XML.format("InternalError")) if len(answered) == 1 else answer

    with tunnel(int(bucket.url.rpartition(":")[2]), first_fails) as port:
        _use(tmp_path, monkeypatch, Bucket(f"http://127.0.0.1:{port}", bucket.name))
        good(anchorhold("init-ca", "Root", "CN=Root"))
    assert len(bucket.names()) == 1


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ('regionn = "eu"', SettingsError, "options.regionn: S3FileSystem has no such option"),
        ("deadline = 0", SettingsError, "storages.default.options.deadline"),
        ('key = "AK"', BackendFailedError, "only a part of the credentials was given"),
        ("", BackendFailedError, "no credentials were given or found"),
        ('key = { env = "NOT_SET" }', SettingsError, "the variable NOT_SET is not set"),
    ],
)
def test_options_that_cannot_work_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, options: str, error: type, words: str
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    storage = '[storages.default]\nbackend = "s3://vault"\n[storages.default.options]\n'
    settings_file(tmp_path, monkeypatch, f'{storage}endpoint_url = "http://127.0.0.1:{free_port()}"\n{options}\n')
    refused(anchorhold("init-ca", "Root", "CN=Root"), error, words)


def test_a_store_that_is_not_there_and_a_bucket_that_is_not_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, bucket: Bucket
) -> None:
    _use(tmp_path, monkeypatch, Bucket(f"http://127.0.0.1:{free_port()}", "vault"), _ONCE)
    refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "cannot be reached")
    _use(tmp_path, monkeypatch, Bucket(bucket.url, "no-such-bucket"))
    refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "no such bucket 'no-such-bucket'")
    assert b"no-such-bucket" not in Bucket(bucket.url, "").request("GET"), "it was made"


def test_credentials_that_the_store_does_not_know_are_access_denied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command
) -> None:
    with moto(tmp_path, INITIAL_NO_AUTH_ACTION_COUNT="0") as url:
        _use(tmp_path, monkeypatch, Bucket(url, "vault"))
        refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "access denied", "access key")


def test_a_bucket_that_goes_away_is_not_a_key_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, bucket: Bucket, csr_file: Path
) -> None:
    _use(tmp_path, monkeypatch, bucket)
    good(anchorhold("init-ca", "Root", "CN=Root"))
    bucket.request("DELETE", bucket.names()[0])
    gone = anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example")
    assert "in storage 'default' is gone" in gone.talk
    bucket.request("DELETE")
    refused(
        anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example"),
        BackendFailedError,
        "no such bucket",
    )


def test_a_write_whose_answer_was_lost_once_is_taken_for_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, bucket: Bucket
) -> None:
    lost: list[bytes] = []

    def lose(sent: bytes, answer: bytes) -> bytes:
        if sent.startswith(b"PUT") and b" 100 " not in answer and not lost:
            lost.append(answer)
            raise ConnectionError
        return answer

    with tunnel(int(bucket.url.rpartition(":")[2]), lose) as port:
        _use(tmp_path, monkeypatch, Bucket(f"http://127.0.0.1:{port}", bucket.name))
        good(anchorhold("init-ca", "Root", "CN=Root"))
    assert b" 200 " in lost[0]
    assert len(bucket.names()) == 1


def test_a_store_that_dies_after_writing_leaves_an_authority_to_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchorhold: Command, bucket: Bucket
) -> None:
    written: list[bytes] = []

    def die(sent: bytes, answer: bytes) -> bytes:
        if sent.startswith(b"PUT") and b" 100 " not in answer:
            written.append(answer)
        if written:
            raise ConnectionError
        return answer

    with tunnel(int(bucket.url.rpartition(":")[2]), die) as port:
        _use(tmp_path, monkeypatch, Bucket(f"http://127.0.0.1:{port}", bucket.name), _ONCE)
        refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "cannot write", "anchorhold recover")
    assert len(bucket.names()) == 1
    _use(tmp_path, monkeypatch, bucket)
    assert anchorhold("recover").exit_code == RecoveryNeededError.exit_code
    good(anchorhold("recover", "--finish", "Root"))
    assert len(bucket.names()) == 1


@pytest.mark.parametrize("knows_conditions", [True, False])
def test_a_store_replaces_nothing_whether_it_knows_conditions_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: Bucket, *, knows_conditions: bool
) -> None:
    conditions: set[bytes] = set()
    hiding = False

    def hide(sent: bytes, answer: bytes) -> bytes:
        nonlocal hiding
        conditions.update(re.findall(rb"^PUT .*(if-none-match: .*?)\r", sent, re.DOTALL | re.IGNORECASE))
        begins = answer.startswith(b"HTTP/")  # what does not is the rest of an answer that came in pieces
        if begins:
            hiding = knows_conditions and sent.startswith(b"GET") and b" 200 " in answer
        if not hiding:
            return answer
        return _answer("404", _XML.format("NoSuchKey")) if begins else b""

    _use(tmp_path, monkeypatch, bucket)
    configured().get("default").create_key(create_request(), NO_SECRETS)
    (name,) = bucket.names()
    before = bucket.request("GET", name)
    with tunnel(int(bucket.url.rpartition(":")[2]), hide) as port:
        _use(tmp_path, monkeypatch, Bucket(f"http://127.0.0.1:{port}", bucket.name))
        with pytest.raises(KeyExistsError, match="exists already"):
            configured().get("default").create_key(create_request(), NO_SECRETS)
    assert conditions == ({b"If-None-Match: *"} if knows_conditions else set())
    assert bucket.request("GET", name) == before
