"""``config show``, ``config check``, ``config init``, and where settings are found."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from anchorhold.secret import MASK
from anchorhold.settings import load_settings
from cli.cli_steps import good, listed, refused, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", because="where the ledger is follows from the settings that are shown")


def _shown(anchorhold: Command, *options: str) -> dict[str, tuple[str, str]]:
    """What ``config show`` says: for each key its value and its origin."""
    lines = [line.partition(" = ") for line in good(anchorhold(*options, "config", "show")).text.splitlines()]
    return {key: (rest.rpartition("  # ")[0], rest.rpartition("  # ")[2]) for key, _, rest in lines}


def test_show_says_where_each_value_came_from(anchorhold: Command, tmp_path: Path) -> None:
    path = str(settings_file(tmp_path, 'default_profile = "client"\n'))
    shown = _shown(anchorhold, "--config", path)
    assert shown["default_profile"] == ('"client"', path)
    assert shown["ca_dir"] == (f'"{tmp_path / "ca"}"', "ANCHORHOLD_CA_DIR")
    assert shown["key_backends.default.backend"] == ('"storages"', "default")


def test_show_without_a_file_says_so_and_shows_the_defaults(anchorhold: Command) -> None:
    outcome = good(anchorhold("config", "show"))
    assert "none (defaults)" in outcome.talk
    assert all(line.endswith(("# default", "# ANCHORHOLD_CA_DIR")) for line in outcome.text.splitlines())


MASKED = """
database = "postgresql://me:{0}@db.example/ca?password={0}"
[storages.default]
backend = "s3://bucket"
options = {{ key = "{0}", secret = "{0}", token = "{0}", client_kwargs = {{ aws_session_token = "{0}" }} }}
[storages.sftp]
backend = "sftp://me:{0}@files.example/keys"
options = {{ password = "{0}", passphrase = "{0}", account_key = "{0}", connection_string = "AccountKey={0}" }}
[key_backends.default]
backend = "storages"
options = {{ password = "{0}" }}
[key_backends.by-variable]
backend = "storages"
options = {{ password = {{ env = "MY_VARIABLE" }} }}
[key_backends.by-file]
backend = "storages"
options = {{ password = {{ file = "/run/secrets/pin" }} }}
[key_backends.asked]
backend = "storages"
options = {{ password = "prompt" }}
[key_backends.hsm]
backend = "hsm"
options = {{ user_pin = "{0}", so_pin = "{0}", token = "my token" }}
"""


@pytest.mark.parametrize("secret", ["Canary-7f3a9c51d2e8b", "p@ss/w:rd-7f3a9c51d2", "123456789012345"])
def test_show_masks_every_secret(secret: str, anchorhold: Command, tmp_path: Path) -> None:
    path = settings_file(tmp_path, MASKED.format(secret))
    outcome = good(anchorhold("--config", str(path), "config", "show"))
    leaks = [line for line in outcome.text.splitlines() if secret in line]
    assert leaks == []
    shown = _shown(anchorhold, "--config", str(path))
    assert shown["key_backends.by-variable.options.password"][0] == '{ env = "MY_VARIABLE" }'
    assert shown["key_backends.by-file.options.password"][0] == '{ file = "/run/secrets/pin" }'
    assert shown["key_backends.asked.options.password"][0] == '"prompt"'
    assert shown["key_backends.hsm.options.token"][0] == '"my token"'


SHAPES = {
    "a misspelt option": "[key_backends.default]\nbackend = 'hsm'\noptions = { user_pim = '{0}', library_path = 'x' }",
    "a number": "[key_backends.default]\nbackend = 'hsm'\noptions = { library_path = 'x', pin = 9753186420 }",
    "a table": "[key_backends.default]\nbackend = 'storages'\noptions = { password = { value = '{0}' } }",
    "an array": "[key_backends.default]\nbackend = 'storages'\noptions = { password = ['{0}', { a = '{0}' }] }",
    "pin-value": "[key_backends.default]\nbackend = 'hsm'\noptions = { uri = 'pkcs11:token=t?pin-value={0}' }",
    "PIN in the path": "[key_backends.default]\nbackend = 'hsm'\noptions = { uri = 'pkcs11:pin-value={0};token=t' }",
    "headers": "[storages.a]\nbackend = 'https://a'\noptions = { headers = { Authorization = 'Bearer {0}' } }",
    "sas": "[storages.a]\nbackend = 'abfs://a'\noptions = { sas = '{0}' }",
    "a parameter": "[storages.a]\nbackend = 'https://a/b?sig={0}&x={0}'",
    "a user": "[storages.a]\nbackend = 'https://{0}@a/b'",
    "a URL in an option": "[storages.a]\nbackend = 's3://a'\noptions = { endpoint_url = 'https://a:{0}@b' }",
    "a password behind a user": "[storages.a]\nbackend = 'sftp://a'\noptions = { username = 'me:{0}' }",
    "a URL for a place": "[storages.a]\nbackend = 'abfs://a'\noptions = { location = 'https://a?sig={0}' }",
    "a proxy": "[storages.a]\nbackend = 's3://a'\noptions = { proxies = { https = 'http://a:{0}@b' } }",
    "a chain of URLs": "[storages.a]\nbackend = 'simplecache::ftp://me:{0}@a/b'",
    "an option of another's": "[key_backends.default]\nbackend = 'vault'\noptions = { token = '{0}', path = '{0}' }",
    "a wrapper": "[wrappers.w]\noptions = { colour = '{0}' }",
    "a database": "database = 'postgresql://me:{0}@a/b?sslpassword={0}&sslmode=require'",
    "a parameter of a database": "database = 'postgresql://a/b?token={0}'",
    "no URL": "database = '{0}'",
    "a key in a database": "[key_backends.default]\nbackend = 'db'\noptions = { encryption_key = '{0}' }",
    "a password for keys": "[key_backends.default]\nbackend = 'db'\noptions = { database = 'postgresql://a:{0}@b/c' }",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_not_known_to_be_harmless_is_masked(shape: str, anchorhold: Command, tmp_path: Path) -> None:
    path = settings_file(tmp_path, SHAPES[shape].replace("{0}", "Canary-7f3a9c51d2e8b") + "\n")
    outcome = good(anchorhold("--config", str(path), "config", "show"))
    assert "Canary" not in outcome.text
    assert "9753186420" not in outcome.text
    assert MASK in outcome.text
    tomllib.loads(outcome.text)
    for command in (("list-cas",), ("config", "check"), ("init-ca", "R", "CN=R")):
        told = anchorhold("--debug", "--config", str(path), *command)
        assert "Canary" not in told.talk + told.text


PASTED = """
default_profile = "mine"
[storages."default"]
options = { location = "kéys \\"here\\" 😀" }
[key_backends.default]
backend = "storages"
options = { password = { env = "MY_VARIABLE" } }
[key_backends.hsm]
backend = "hsm"
options = { library_path = "/usr/lib/x.so", token = "my token", user_pin = { file = "/run/pin" }, max_sessions = 3 }
[ocsp_key_backends.default]
backend = "storages"
[wrappers.other]
[profiles.mine]
days = 10
key_usage = ["digitalSignature"]
extensions = [{ oid = "1.2.3.4", der = "0500", critical = false }]
copy = { subject = true, alt = ["DNS"] }
"""


def test_what_is_shown_can_be_put_into_a_file(anchorhold: Command, tmp_path: Path) -> None:
    path = settings_file(tmp_path, PASTED)
    pasted = tmp_path / "pasted.toml"
    pasted.write_bytes(good(anchorhold("--config", str(path), "config", "show")).data)
    assert load_settings(pasted).settings == load_settings(path).settings


def test_a_masked_password_is_never_taken_for_one(anchorhold: Command, tmp_path: Path) -> None:
    path = settings_file(tmp_path, '[key_backends.default]\nbackend = "storages"\noptions = { password = "Canary" }\n')
    pasted = tmp_path / "pasted.toml"
    pasted.write_bytes(good(anchorhold("--config", str(path), "config", "show")).data)
    assert MASK in pasted.read_text()
    assert "password" not in load_settings(pasted).settings.key_backends["default"].options


def test_what_config_init_writes_is_valid_and_equals_the_defaults(anchorhold: Command, tmp_path: Path) -> None:
    written = good(anchorhold("config", "init", "written.toml"))
    assert written.data == b""
    path = tmp_path / "written.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    good(anchorhold("--config", str(path), "config", "check"))
    assert load_settings(path).settings == load_settings().settings
    content = tomllib.loads(path.read_text())
    assert set(content) == {"key_backends", "ocsp_key_backends", "default_profile"}
    for derived in ("# ca_dir = ", "# database = ", "# [storages.default]"):
        assert derived in path.read_text(), "what follows from the account or from ca_dir is shown, and not fixed"
    sections = [line for line in path.read_text().splitlines() if line and not line.startswith(("#", "["))]
    assert path.read_text().count("\n# ") >= len(content)
    assert sections


def test_config_init_leaves_an_existing_file_alone(anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("mine")
    refused(anchorhold("config", "init", "mine.toml"), errors.OutputError, "mine.toml", "exists")
    assert (tmp_path / "mine.toml").read_text() == "mine"


def test_config_init_writes_where_settings_are_looked_for(anchorhold: Command, tmp_path: Path) -> None:
    good(anchorhold("config", "init"))
    assert (tmp_path / "home/.config/anchorhold/config.toml").is_file()
    assert _shown(anchorhold)["ca_dir"][0] == f'"{tmp_path / "ca"}"'
    assert "home/.config/anchorhold/config.toml" in good(anchorhold("config", "check")).talk


def test_the_option_wins_over_the_variable_and_that_over_the_users_folder(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANCHORHOLD_CA_DIR")
    user = tmp_path / "home/.config/anchorhold/config.toml"
    user.parent.mkdir(parents=True)
    named = {}
    for name, path in {"option": tmp_path / "o.toml", "variable": tmp_path / "v.toml", "user": user}.items():
        path.write_text(f'ca_dir = "of-{name}"\n')
        named[name] = (f'"{path.parent / f"of-{name}"}"', str(path))  # relative to the folder of the file
    assert _shown(anchorhold)["ca_dir"] == named["user"]
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "v.toml"))
    assert _shown(anchorhold)["ca_dir"] == named["variable"]
    assert _shown(anchorhold, "--config", str(tmp_path / "o.toml"))["ca_dir"] == named["option"]
    monkeypatch.setenv("ANCHORHOLD_CA_DIR", str(tmp_path / "moved"))
    shown = _shown(anchorhold)
    assert shown["ca_dir"] == (f'"{tmp_path / "moved"}"', "ANCHORHOLD_CA_DIR")
    assert shown["storages.default.options.location"][0] == f'"{tmp_path / "moved"}"'
    assert shown["database"][0] == f'"sqlite:///{tmp_path / "moved/ledger.sqlite3"}"'


def test_check_says_that_nothing_is_wrong(anchorhold: Command) -> None:
    outcome = good(anchorhold("config", "check"))
    assert outcome.data == b""
    assert "no problems found" in outcome.talk


@pytest.mark.parametrize("option", ["--config", "-c"])
def test_every_command_works_with_the_file_that_the_option_names(
    option: str, anchorhold: Command, tmp_path: Path, csr_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only ``config``: an authority must not end up in another installation than the one that was named."""
    monkeypatch.delenv("ANCHORHOLD_CA_DIR")
    named = (option, str(settings_file(tmp_path, 'ca_dir = "elsewhere"\n[key_backends.eu]\nbackend = "storages"\n')))
    good(anchorhold(*named, "init-ca", "Root", "CN=Root", "--key-backend=eu", "--eu-path=keys"))
    good(anchorhold(*named, "sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example"))
    assert len(list((tmp_path / "elsewhere/keys").glob("*.key"))) == 1
    assert "a.example" in good(anchorhold(*named, "list-certs")).text
    assert "--eu-path" in good(anchorhold(*named, "init-ca", "--help")).text
    assert "eu" in good(anchorhold(*named, "backends")).text
    assert listed(anchorhold) == []
    assert not list((tmp_path / "home").rglob("*.key"))
