"""Settings as people bring them from Django and django-ca get a sentence that says what is written here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from cli.cli_steps import good, refused

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", because="no ledger is opened")

_CLASS = "django_ca.key_backends.{0}.{0}Backend"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[CA_KEY_BACKENDS.default]\nBACKEND = "x"', ("CA_KEY_BACKENDS is not known", "write key_backends")),
        ("[CA_OCSP_KEY_BACKENDS.default]\n", ("write ocsp_key_backends",)),
        ('CA_DIR = "/srv"', ("write ca_dir",)),
        ('CA_DEFAULT_PROFILE = "client"', ("write default_profile",)),
        ("[CA_PROFILES.x]\n", ("write profiles",)),
        ("[DATABASES.default]\n", ("write database",)),
        ("[STORAGES.default]\n", ("write storages",)),
        ('[key_backends.default]\nBACKEND = "storages"', ("key_backends.default.BACKEND", "write backend")),
        ('[key_backends.default]\nbackend = "storages"\n[key_backends.default.OPTIONS]', ("write options",)),
        ('[storages.default]\nBACKEND = "local"', ("storages.default.BACKEND", "write backend")),
    ],
)
def test_names_in_capitals_are_said_as_they_are_here(
    tmp_path: Path, anchorhold: Command, text: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "config.toml").write_text(text)
    refused(anchorhold("--config", "config.toml", "config", "check"), errors.SettingsError, *words)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_in_another_encoding_is_said_to_be(tmp_path: Path, anchorhold: Command, encoding: str) -> None:
    (tmp_path / "config.toml").write_bytes('default_profile = "client"\n'.encode(encoding))
    refused(anchorhold("--config", "config.toml", "config", "check"), errors.SettingsError, "save it as UTF-8")


def test_a_byte_order_mark_is_read_over(tmp_path: Path, anchorhold: Command) -> None:
    (tmp_path / "config.toml").write_bytes('default_profile = "client"\r\n'.encode("utf-8-sig"))
    assert 'default_profile = "client"' in good(anchorhold("--config", "config.toml", "config", "show")).text


@pytest.mark.parametrize(
    ("text", "kind"),
    [("---\nca_dir: x\n", "YAML"), ("# mine\n\nCA_DIR: /srv\n", "YAML"), ('{"ca_dir": "x"}', "JSON")],
)
def test_another_format_is_known_whatever_the_file_is_called(
    tmp_path: Path, anchorhold: Command, text: str, kind: str
) -> None:
    (tmp_path / "anchorhold.conf").write_text(text)
    refused(anchorhold("--config", "anchorhold.conf", "config", "check"), errors.SettingsError, f"not {kind}")


@pytest.mark.parametrize(
    ("path", "backend"),
    [
        (_CLASS.format("storages"), "storages"),
        (_CLASS.format("hsm"), "hsm"),
        (_CLASS.format("db"), "db"),
        ("django_ca.key_backends.db_ocsp.X", "db"),
    ],
)
def test_a_class_is_said_as_the_name_of_a_backend(tmp_path: Path, anchorhold: Command, path: str, backend: str) -> None:
    (tmp_path / "config.toml").write_text(f'[key_backends.default]\nbackend = "{path}"')
    refused(
        anchorhold("--config", "config.toml", "config", "check"),
        errors.UnknownBackendError,
        f"write '{backend}'",
        "not a class",
    )


@pytest.mark.parametrize(
    ("name", "kind"), [("c.yaml", "YAML"), ("c.yml", "YAML"), ("c.json", "JSON"), ("c.py", "Python")]
)
def test_a_file_of_another_format_is_said_to_be_one(tmp_path: Path, anchorhold: Command, name: str, kind: str) -> None:
    (tmp_path / name).write_text("CA_KEY_BACKENDS:\n  default:\n    BACKEND: x\n")
    refused(anchorhold("--config", name, "config", "check"), errors.SettingsError, f"TOML here, not {kind}")
