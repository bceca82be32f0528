"""The examples as their authors released them stay green on a newer core: the plugin API is only added to.

The wheels were built from the examples as they were when the plugin API got its first additions for distant keys.
"""

from __future__ import annotations

import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from downstream.kept_contract import keep, shared
from examples.kms_places import CREDENTIALS
from examples.kms_stand_in import kms_stand_in
from examples.vault_stand_in import TOKEN, vault_stand_in

if TYPE_CHECKING:
    from downstream.wheel_environment import Downstream

WHEELS: Final = Path(__file__).with_name("wheels")
FULL: Final = pytest.mark.only_in_full(because="the smallest one is tried")
BACKENDS: Final = (
    "anchorhold_minimal",
    pytest.param("anchorhold_vault_transit", marks=FULL),
    pytest.param("anchorhold_aws_kms", marks=FULL),
)


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """The released wheels in a folder that can be put before what is installed; they are what was released."""
    folder = tmp_path / "released"
    for line in (WHEELS / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert sha256((WHEELS / name).read_bytes()).hexdigest() == digest
        with zipfile.ZipFile(WHEELS / name) as wheel:
            wheel.extractall(folder)
    return folder


@pytest.mark.databases(because="the contract opens ledgers of its own")
@pytest.mark.slow(because="half of all rules in one process, many of which start processes")
@pytest.mark.parametrize("package", BACKENDS)
@shared
def test_released_backends_keep_the_contract_of_today(
    downstream: Downstream,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    released: Path,
    package: str,
    rules: list[str],
) -> None:
    for name, value in (*CREDENTIALS.items(), ("VAULT_TOKEN", TOKEN)):
        monkeypatch.setenv(name, value)
    with kms_stand_in() as kms, vault_stand_in() as vault:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", kms.url)
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        keep(downstream, tmp_path, package, rules, instead=released)


@pytest.mark.databases("sqlite", because="no more is installed than the wheels need")
@pytest.mark.usefixtures("database")
def test_a_released_wrapper_sees_what_a_released_backend_signs(
    downstream: Downstream, tmp_path: Path, csr_file: Path, released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").mkdir()
    settings = tmp_path / "config.toml"
    settings.write_text(
        f'[key_backends.default]\nbackend = "minimal"\noptions = {{ folder = "{tmp_path / "keys"}" }}\n'
        '[wrappers.suffix-policy]\noptions = { suffixes = ["example.com"] }\n'
    )
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(settings))

    def run(*arguments: str) -> tuple[int, str]:
        ended = downstream.python("-m", "anchorhold", *arguments, path=released)
        return ended.exit_code, ended.data + ended.talk

    imported = downstream.python("-c", "import anchorhold_minimal as m; print(m.__file__)", path=released)
    assert imported.data.startswith(str(released))
    assert run("init-ca", "Root", "CN=Root")[0] == 0
    sign = ("sign-cert", "--ca", "Root", "--csr", str(csr_file), "-f", "json", "--alt")
    code, said = run(*sign, "www.outside.net")
    assert (code, "www.outside.net is outside .example.com" in said) == (58, True), said
    code, said = run(*sign, "www.example.com")
    assert code == 0, said
    assert json.loads(said[said.index("{") : said.rindex("}") + 1])["serial"]
