"""The file that tells the contract of a backend: what is not as it must be is one sentence, before any rule runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import tomli_w

from anchorhold.plugin import Capabilities
from anchorhold.testing import options_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.databases(because="a file is read")


def _read(path: Path, content: dict[str, Any]) -> Capabilities:
    path.write_text(tomli_w.dumps(content))
    return options_file.offered(options_file.read(path).get("offers", {}), Capabilities(), path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"options": 3}, "[options] has not the shape it must have; write one name and its value in each line"),
        ({"settings": []}, "[settings] has not the shape it must have"),
        ({"secrets": "a"}, "[secrets] has not the shape it must have; give each secret as text, { env ="),
        ({"secrets": {"password": 4}}, "[secrets] has not the shape it must have"),
        ({"secrets": {"password": {"env": "NOT_SET_AT_ALL"}}}, "secrets.password: is not set or empty"),
        ({"secrets": {"password": {"enf": "MY_PASSWORD"}}}, "secrets.password: "),
        (
            {"old-handles": {"x": {"file": "a"}}},
            "[old-handles] has not the shape it must have; write [old-handles.1]",
        ),
        ({"old-handles": {"1": "a"}}, "[old-handles] has not the shape it must have"),
        ({"vanish": {"command": "rm"}}, '[vanish] has not the shape it must have; write command = ["PROGRAM"'),
        ({"stored": {"comand": ["ls"]}}, "[stored] has not the shape it must have"),
        ({"offers": 1}, "[offers] has not the shape it must have"),
        ({"offers": {"curve": []}}, "offers.curve is not known; did you mean 'curves'?"),
        (
            {"offers": {"rsa_sizes": 4096}},
            "offers.rsa_sizes is not what it must be; write the smallest and the largest",
        ),
        ({"offers": {"rsa_sizes": [4096, 2048]}}, "offers.rsa_sizes is not what it must be"),
        (
            {"offers": {"key_types": "EC"}},
            "offers.key_types is not what it must be; write a list of at least one of: EC",
        ),
        ({"offers": {"key_types": ["EX"]}}, "offers.key_types is not what it must be"),
        ({"offers": {"key_types": []}}, "offers.key_types is not what it must be"),
    ],
)
def test_what_is_not_as_it_must_be_is_refused(content: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(pytest.UsageError) as refused:
        _read(tmp_path / "mine.toml", content)
    assert complaint in str(refused.value)


@pytest.mark.parametrize("content", [b"[options", b"\xff", None])
def test_a_file_that_cannot_be_read_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(pytest.UsageError, match=r"mine\.toml: (is not valid TOML|cannot be read)"):
        options_file.read(path)


def test_what_is_offered_is_less_than_what_is_declared(tmp_path: Path) -> None:
    found = _read(tmp_path / "mine.toml", {"offers": {"key_types": ["RSA"], "rsa_sizes": [2048, 4096]}})
    assert (found.key_types, found.rsa_sizes) == (("RSA",), (2048, 4096))
    assert found.hashes == Capabilities().hashes
