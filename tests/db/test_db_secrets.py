"""Passwords and encryption keys: each is needed where it was used, and none of them ever leaves a trace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from anchorhold.errors import SecretMissingError, SecretWrongError, SettingsError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import KeyRequest, Secret
from anchorhold.plugin.secret_resolver import GeneratedSecrets
from cli.cli_steps import good, refused
from db.keeping import KEY_ID, PASSPHRASE, RANDOM, rows, secrets, sql, use_db
from plugin.fake_backends import CA, configured, create_request, key_request, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin.key_backend import KeyBackend
    from conftest import Command

REFERENCE = 'encryption_key = { env = "DB_KEY" }'
OTHER = "b3RoZXItMzItcmFuZG9tLW9jdGV0cy1iYXNlNjQhISE="
WRONG: dict[str, tuple[str, str | None, tuple[str, ...], Any, tuple[str, ...]]] = {
    "no password": (REFERENCE, RANDOM, (), SecretMissingError, ("password is missing", "--password")),
    "empty password": (REFERENCE, RANDOM, ("--password=",), SecretMissingError, ("password is empty",)),
    "wrong password": (REFERENCE, RANDOM, ("--password=Right",), SecretWrongError, ("'Root'", "password is wrong")),
    "wrong encryption key": (REFERENCE, OTHER, ("--password=right",), SecretWrongError, ("encryption key is wrong",)),
    "passphrase instead": (REFERENCE, "x", ("--password=right",), SecretWrongError, ("encryption key is wrong",)),
    "no encryption key": (REFERENCE, None, ("--password=right",), SecretMissingError, ("encryption key is missing",)),
    "empty encryption key": (REFERENCE, "", ("--password=right",), SecretMissingError, ("encryption key is empty",)),
    "encryption key cleared": (
        REFERENCE,
        RANDOM,
        ("--password=right", "--encryption-key="),
        SecretMissingError,
        ("encryption key is empty", "--encryption-key"),
    ),
    "gone from the settings": (
        "",
        RANDOM,
        ("--password=right",),
        SecretMissingError,
        ("is sealed", "set key_backends.default.options.encryption_key"),
    ),
}


def _set(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("DB_KEY", raising=False)
    else:
        monkeypatch.setenv("DB_KEY", value)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_or_missing_secret_is_told_apart_and_nothing_is_lost(
    anchorhold: Command, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    options, encryption_key, given, error, words = WRONG[wrong]
    sign = ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example")
    use_db(tmp_path, monkeypatch, REFERENCE)
    _set(monkeypatch, RANDOM)
    good(anchorhold("init-ca", "Root", "CN=Root", "--password=right"))
    issued = anchorhold("list-certs").text
    use_db(tmp_path, monkeypatch, options)
    _set(monkeypatch, encryption_key)
    refused(anchorhold(*sign, *given), error, *words)
    assert anchorhold("list-certs").text == issued
    use_db(tmp_path, monkeypatch, REFERENCE)
    _set(monkeypatch, RANDOM)
    good(anchorhold(*sign, "--password=right"))


@pytest.mark.parametrize("value", [None, ""])
def test_no_plain_key_is_made_because_the_encryption_key_is_not_there(
    anchorhold: Command, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    use_db(tmp_path, monkeypatch, REFERENCE)
    _set(monkeypatch, value)
    refused(anchorhold("init-ca", "Root", "CN=Root"), SecretMissingError, "'default'", "options.encryption_key")
    assert rows(database) == {}
    good(anchorhold("recover"))


def test_a_person_is_asked_for_the_encryption_key_of_a_key_that_exists_and_not_for_a_new_one(
    database: str, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_db(tmp_path, monkeypatch, 'encryption_key = "prompt"')
    asked: list[str] = []

    def prompter(question: str) -> Secret:
        asked.append(question)
        return Secret(RANDOM)

    with open_installation(prompter=prompter) as installation:
        with pytest.raises(SecretMissingError, match="it is never prompted for when a key is created"):
            installation.authorities.create("Root", "CN=Root")
        assert (asked, rows(database)) == ([], {})
        installation.authorities.create("Root", "CN=Root", secrets={"encryption-key": RANDOM})
    with open_installation(prompter=prompter) as installation, installation.certificates.issuer("Root") as issuer:
        issuer.sign(Order(csr=csr_file.read_bytes(), names=["example.com"]))
    assert asked == ["encryption key of key backend 'default'"]


@pytest.mark.databases("sqlite", because="the secret is the same on all")
def test_an_encryption_key_can_come_from_a_file_and_serves_parent_and_child(
    anchorhold: Command, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text(PASSPHRASE + "\n")
    use_db(tmp_path, monkeypatch, f'encryption_key = {{ file = "{tmp_path}/key" }}')
    good(anchorhold("init-ca", "Root", "CN=Root"))
    (tmp_path / "key").write_text(RANDOM + "\n")
    given = ("--encryption-key", PASSPHRASE)  # for this run only; the one for the parent is the same
    good(anchorhold("init-ca", "Issuing", "CN=Issuing", "--parent=Root", *given))
    assert [sealing is None for _, sealing, _ in rows(database).values()] == [False, False]


@pytest.mark.databases("sqlite", because="the secret is the same on all")
@pytest.mark.parametrize(
    ("encryption_key", "stretched"),
    [
        (RANDOM, False),
        (RANDOM.rstrip("="), False),
        ("ab" * 32, False),
        ("ab" * 16, True),
        (PASSPHRASE, True),
        (RANDOM + "x", True),
    ],
)
def test_only_what_is_not_32_random_octets_is_stretched(
    own: KeyBackend, own_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encryption_key: str, stretched: bool
) -> None:
    use_db(tmp_path, monkeypatch, f'database = "{own_url}"\nencryption_key = "{encryption_key}"')
    backend = configured().get("default")
    created = backend.create_key(create_request(), secrets(encryption_key=encryption_key))
    ((_, sealing, _),) = rows(own_url).values()
    assert ("pbkdf2-sha256-600000" in str(sealing)) is stretched
    backend.load_signer(key_request(created), secrets(encryption_key=encryption_key)).close()


def test_a_key_sealed_twice_looks_different(own_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_db(tmp_path, monkeypatch, f'database = "{own_url}"\nencryption_key = "{RANDOM}"')
    backend = configured().get("default")
    for key_id in (bytes(20), KEY_ID):
        backend.create_key(create_request(key_id=key_id), secrets(encryption_key=RANDOM))
    (_, first, one), (_, second, two) = rows(own_url).values()
    assert first != second
    assert one != two


def _everything_in(url: str) -> str:
    """All rows of all tables, and on SQLite the files themselves."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        tables = sql(url, "SELECT name FROM sqlite_master WHERE type = 'table'")
        with open(path, "rb") as file:  # noqa: PTH123
            found = [file.read()]
    else:
        tables = sql(url, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        found = []
    return repr(found + [sql(url, f'SELECT * FROM "{name}"') for (name,) in tables])  # noqa: S608


def test_no_secret_is_in_output_tracebacks_logs_or_databases(
    anchorhold: Command,
    database: str,
    own_url: str,
    csr_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    password, encryption_key, url_password = "canary-Pa55-aaaa-bbbb", "canary-Key-cccc-dddd", "canary-Url-eeee-ffff"
    caplog.set_level(logging.DEBUG)
    if urlsplit(own_url).netloc:
        own_url = own_url.replace("anchorhold@", f"anchorhold:{url_password}@")
    monkeypatch.setenv("DB_KEY", encryption_key)
    monkeypatch.setenv("DB_URL", own_url)
    away = f"postgresql://ca:{url_password}@127.0.0.1:1/keys?connect_timeout=2"
    more = "".join(
        f'[key_backends.{alias}]\nbackend = "db"\noptions = {{ database = {url}, {REFERENCE} }}\n'
        for alias, url in (("own", '{ env = "DB_URL" }'), ("away", f'"{away}"'))
    )
    use_db(tmp_path, monkeypatch, more=more)
    sign = ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example")
    outcomes = [
        good(anchorhold("init-ca", "Root", "CN=Root", "--key-backend=own", f"--own-password={password}")),
        good(anchorhold(*sign, f"--own-password={password}")),
        anchorhold("--debug", *sign, f"--own-password={password}x"),
        anchorhold("--debug", *sign, f"--own-password={password}", f"--own-encryption-key={encryption_key}x"),
        anchorhold("--debug", "init-ca", "Away", "CN=Away", "--key-backend=away", f"--away-password={password}"),
        good(anchorhold("config", "show")),
        anchorhold("backends"),
        good(anchorhold("view-ca", "Root")),
    ]
    sql(own_url, "DROP TABLE anchorhold_db_key")
    outcomes.append(anchorhold("--debug", *sign, f"--own-password={password}"))
    assert [outcome.exit_code for outcome in outcomes[2:5]] == [21, 21, 35]
    assert outcomes[-1].exit_code == 35
    assert "Traceback" in outcomes[2].talk
    places = [f"{outcome.text}{outcome.talk}" for outcome in outcomes] + [caplog.text]
    places += [_everything_in(database), _everything_in(own_url)]
    assert [place for place in places if "canary" in place] == []


@pytest.mark.parametrize("password", [None, "x"])
def test_no_private_key_is_logged_with_the_statement_that_stores_it(
    own: KeyBackend, caplog: pytest.LogCaptureFixture, password: str | None
) -> None:
    caplog.set_level(logging.DEBUG)
    created = own.create_key(create_request(), secrets(password))
    own.load_signer(key_request(created), secrets(password)).close()
    own.delete_key(key_request(created), secrets())
    assert 'INTO "anchorhold_db_key"' in caplog.text
    assert "PRIVATE KEY" not in caplog.text


def test_a_responder_key_has_the_password_that_core_drew_and_not_that_of_authorities(
    own_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_file(
        tmp_path,
        monkeypatch,
        f'[ocsp_key_backends.default]\nbackend = "db"\noptions = {{ database = "{own_url}", {REFERENCE} }}\n',
    )
    environment = {"ANCHORHOLD_PASSWORD": "for authorities", "DB_KEY": RANDOM}
    backends = configured(environment)
    backend = backends.get("default", "ocsp")
    store = backend.ocsp_store()
    assert store.generated == {"password"}
    assert store.unattended == {"encryption-key"}
    resolver = secrets(encryption_key=RANDOM)
    drawn = GeneratedSecrets({"password": Secret("drawn at random")}, resolver)
    created = backend.create_key(create_request(role="ocsp", options=store.options), drawn)
    request = KeyRequest(handle=created.handle, public_key=created.public_key, ca=CA, role="ocsp")
    backend.load_signer(request, drawn).close()
    with pytest.raises(SecretWrongError, match="password is wrong"):
        backend.load_signer(request, secrets("for authorities", RANDOM))
    assert backend.delete_key(request, drawn) is True


@pytest.mark.databases("sqlite", because="the secret is the same on all")
@pytest.mark.parametrize("reference", ['"prompt"', '{ env = "NOT_SET" }', '""'])
def test_responder_keys_whose_encryption_key_somebody_would_have_to_type_are_refused(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    content = f'[ocsp_key_backends.default]\nbackend = "db"\noptions = {{ encryption_key = {reference} }}\n'
    settings_file(tmp_path, monkeypatch, content)
    told = anchorhold("config", "check")
    assert told.exit_code == SettingsError.exit_code, told.talk
    assert "ocsp_key_backends.default.options.encryption_key" in told.talk.splitlines()[-1]
