"""Settings that are wrong: one line with the path to the key, the nearest known one, and never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from cli.cli_steps import left_behind, refused, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", because="where the ledger is may be among the settings that are wrong")

BAD_SETTINGS = {
    "unknown section": ("[storage.default]", ("storage is not known", "did you mean 'storages'?")),
    "unknown top key": ('ca_dri = "/x"', ("ca_dri is not known", "did you mean 'ca_dir'?")),
    "unknown key of an alias": (
        '[key_backends.default]\nbackend = "storages"\noption = {}',
        ("key_backends.default.option is not known", "did you mean 'options'?"),
    ),
    "unknown option of an alias": (
        '[key_backends.default]\nbackend = "storages"\noptions = { storage_alis = "x" }',
        ("key_backends.default.options.storage_alis is not known", "did you mean 'storage_alias'?"),
    ),
    "unknown option of an alias for OCSP": (
        '[ocsp_key_backends.default]\nbackend = "storages"\noptions = { encrypt_privat_key = true }',
        ("ocsp_key_backends.default.options.encrypt_privat_key", "did you mean 'encrypt_private_key'?"),
    ),
    "unknown key of a profile": (
        "[profiles.mine]\ndys = 4",
        ("profiles.mine.dys is not known", "did you mean 'days'?"),
    ),
    "unknown key with nothing near": ("zzz = 1", ("zzz is not known", "known here: ca_dir, database")),
    "wrong type of a section": ("storages = 3", ("storages:", "dictionary")),
    "a table that is a text": ('[key_backends]\ndefault = "storages"', ("key_backends.default: is not a table",)),
    "a file of a secret with a NUL": (
        '[key_backends.default]\nbackend = "storages"\noptions = { password = { file = "a\\u0000b" } }',
        ("key_backends.default.options.password: expected a text",),
    ),
    "a file of a secret without a name": (
        '[key_backends.default]\nbackend = "storages"\noptions = { password = { file = "" } }',
        ("key_backends.default.options.password: expected a text",),
    ),
    "a variable without a name": ('database = { env = "" }', ("database: expected a text",)),
    "arrays without end": ("a = " + "[" * 3000, ("nests tables or arrays too deeply",)),
    "wrong type of a value": ('[profiles.mine]\ndays = "many"', ("profiles.mine.days:", "span 'many'")),
    "default profile of authorities": ('default_profile = "root"', ("default_profile:", "'root'", "authorities")),
    "default profile that was made one of authorities": (
        '[profiles.webserver]\nca = true\nkey_usage = ["keyCertSign"]',
        ("default_profile:", "'webserver'", "authorities"),
    ),
    "copied attribute that is none": (
        '[profiles.mine]\ncopy = { subject = ["foo"] }',
        ("profiles.mine.copy.subject: attribute 'foo': is not known; correct the value",),
    ),
    "copied attribute that is no list": (
        '[profiles.mine]\ncopy = { subject = "CN" }',
        ('profiles.mine.copy.subject: is not true, and not a list of attributes such as ["CN"]',),
    ),
    "copied extension that has a setting": (
        '[profiles.mine]\ncopy = { extensions = ["basicConstraints"] }',
        ("profiles.mine.copy.extensions.0: basicConstraints has a setting of its own",),
    ),
    "extension that is not hex": (
        '[profiles.mine]\nextensions = [{ oid = "1.2.3.4", der = "zz" }]',
        ("profiles.mine.extensions.0.der: is not hex, such as 30:03:02:01:2a",),
    ),
    "value out of range": ("[profiles.mine]\ndays = 0", ("profiles.mine.days:", "1")),
    "unknown key usage": ('[profiles.mine]\nkey_usage = ["sign"]', ("profiles.mine.key_usage.0:", "digitalSignature")),
    "wrong type of ca_dir": ("ca_dir = 3", ("ca_dir", "path")),
    "wrong type of the database": ("database = 3", ("database:", "expected a text")),
    "missing backend type": ("[key_backends.default]\noptions = {}", ("key_backends.default.backend is missing",)),
    "bad alias": ('[key_backends.Default]\nbackend = "storages"', ("key_backends.Default", "lower-case")),
    "wrong type of an option": (
        '[key_backends.default]\nbackend = "storages"\noptions = { storage_alias = 3 }',
        ("key_backends.default.options.storage_alias:", "string"),
    ),
    "path that leaves the storage": (
        '[key_backends.default]\nbackend = "storages"\noptions = { path = "../x" }',
        ("key_backends.default.options.path:", ".."),
    ),
    "reference of no known kind": (
        '[key_backends.default]\nbackend = "storages"\noptions = { password = { vault = "x" } }',
        ("key_backends.default.options.password:", "env", "file"),
    ),
    "bad TOML": ("ca_dir = ", ("not valid TOML", "line 1")),
    "duplicate key": ('ca_dir = "a"\nca_dir = "b"', ("not valid TOML", "line 2")),
}
BAD_WHEN_CHECKED = {
    "a place that is a number": (
        '[storages.default]\nbackend = "local"\noptions = { location = 4 }',
        ("storages.default.options.location: is not the path of a file or folder",),
    ),
    "unknown option of a storage": (
        '[storages.default]\noptions = { location = "x", file_permission_mode = 0o600 }',
        ("storages.default.options.file_permission_mode", "did you mean 'file_permissions_mode'?"),
    ),
    "mode that is none": (
        '[storages.default]\noptions = { location = "x", file_permissions_mode = "rw" }',
        ("storages.default.options.file_permissions_mode:", "0o600"),
    ),
    "storage without a location": (
        "[storages.default]\noptions = {}",
        ("storages.default.options.location is missing",),
    ),
    "storage of no known kind": ('[storages.default]\nbackend = "lcoal"', ("storages.default.backend", "'lcoal'")),
    "storage that is not there": (
        '[key_backends.default]\nbackend = "storages"\noptions = { storage_alias = "defualt" }',
        ("'defualt'", "did you mean 'default'?"),
    ),
    "default profile that is not there": ('default_profile = "webservr"', ("webservr", "did you mean 'webserver'?")),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_wrong_settings_are_one_line_with_the_path_to_the_key(
    case: str, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANCHORHOLD_CA_DIR")
    text, words = BAD_SETTINGS[case]
    path = str(settings_file(tmp_path, text + "\n"))
    before = left_behind(tmp_path)
    refused(anchorhold("--config", path, "config", "check"), errors.SettingsError, "config.toml", *words)
    assert left_behind(tmp_path) == before


@pytest.mark.parametrize("case", [case for case in BAD_SETTINGS if "OCSP" not in case])
def test_wrong_settings_stop_the_commands_that_use_them(
    case: str, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANCHORHOLD_CA_DIR")
    text, words = BAD_SETTINGS[case]
    path = str(settings_file(tmp_path, text + "\n"))
    before = left_behind(tmp_path)
    refused(anchorhold("--config", path, "init-ca", "Root", "CN=Root"), errors.SettingsError, "config.toml", *words)
    assert left_behind(tmp_path) == before


@pytest.mark.parametrize("case", BAD_WHEN_CHECKED)
def test_config_check_finds_what_would_fail_later(case: str, anchorhold: Command, tmp_path: Path) -> None:
    text, words = BAD_WHEN_CHECKED[case]
    path = str(settings_file(tmp_path, text + "\n"))
    outcome = anchorhold("--config", path, "config", "check")
    error = errors.UnknownProfileError if "profile" in case else errors.SettingsError
    refused(outcome, error, *words)


def test_several_problems_are_counted(anchorhold: Command, tmp_path: Path) -> None:
    path = str(settings_file(tmp_path, "aaa = 1\nbbb = 2\n"))
    refused(anchorhold("--config", path, "config", "show"), errors.SettingsError, "aaa is not known", "1 more")


@pytest.mark.parametrize("variable", ["--config", "ANCHORHOLD_CONFIG"])
def test_a_named_file_that_is_not_there_is_refused_with_who_named_it(
    variable: str, anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = ("--config", "none.toml") if variable == "--config" else ()
    if not option:
        monkeypatch.setenv(variable, "none.toml")
    refused(anchorhold(*option, "list-cas"), errors.SettingsError, "none.toml", variable)


def test_a_file_that_is_not_text_is_one_line(anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"ca_dir = '\xff'")
    refused(anchorhold("--config", "config.toml", "list-cas"), errors.SettingsError, "config.toml", "not valid TOML")


@pytest.mark.parametrize("debug", [(), ("--debug",)], ids=["quiet", "debug"])
def test_a_wrong_database_url_does_not_show_its_password(
    debug: tuple[str, ...], anchorhold: Command, tmp_path: Path
) -> None:
    path = str(settings_file(tmp_path, 'database = "postgers://me:Canary-7f3a9c51d2e8b@db/ca"\n'))
    outcome = anchorhold("--config", path, *debug, "list-cas")
    assert outcome.exit_code == errors.SettingsError.exit_code
    assert "Canary" not in outcome.talk


@pytest.mark.parametrize("debug", [(), ("--debug",)], ids=["quiet", "debug"])
def test_a_secret_of_the_wrong_type_is_not_shown(debug: tuple[str, ...], anchorhold: Command, tmp_path: Path) -> None:
    text = '[key_backends.default]\nbackend = "storages"\noptions = { password = { value = "Canary-7f3a9c51d2e8b" } }\n'
    outcome = anchorhold("--config", str(settings_file(tmp_path, text)), *debug, "config", "check")
    assert outcome.exit_code == errors.SettingsError.exit_code
    assert "Canary" not in outcome.talk
