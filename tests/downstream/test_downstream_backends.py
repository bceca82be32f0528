"""Each example backend from its wheel, used by the real command; the chain is verified by openssl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from anchorhold import errors
from combinations import ALL
from examples.kms_places import CREDENTIALS
from examples.kms_stand_in import Fault, kms_stand_in
from examples.vault_stand_in import TOKEN, vault_stand_in
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from downstream.wheel_environment import Downstream
    from examples.kms_stand_in import KmsStandIn

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="no more is installed than the wheels need"),
]

PLACES: Final = ("minimal", "aws_kms", "vault_transit")
KINDS: Final = (("--key-type", "EC"), ("--key-size", "2048", "--rsa-padding", "pss"))
PAIRS: Final = {("minimal", KINDS[1]), ("aws_kms", KINDS[0]), ("vault_transit", KINDS[1])}
"""Each place and each kind; the contract, which they keep, has each kind for each place."""


@pytest.fixture
def minimal(tmp_path: Path) -> str:
    """Settings for a folder that is there."""
    (tmp_path / "keys").mkdir()
    return f'backend = "minimal"\noptions = {{ folder = "{tmp_path / "keys"}" }}\n'


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[KmsStandIn]:
    """The stand-in of KMS, and credentials for it."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with kms_stand_in() as running:
        yield running


@pytest.fixture
def aws_kms(kms: KmsStandIn) -> str:
    """Settings for it."""
    return f'backend = "aws-kms"\noptions = {{ region = "eu-central-1", endpoint_url = "{kms.url}" }}\n'


@pytest.fixture
def vault_transit(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Settings for the stand-in of Vault."""
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    with vault_stand_in() as vault:
        yield f'backend = "vault-transit"\noptions = {{ address = "{vault.url}", token = {{ env = "VAULT_TOKEN" }} }}\n'


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file with the backend that the test names."""
    path = tmp_path / "config.toml"
    path.write_text(f"[key_backends.default]\n{request.getfixturevalue(request.param)}")
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(path))
    return path


@pytest.mark.parametrize(
    ("settings", "kind"),
    [(place, kind) for place in PLACES for kind in KINDS if ALL or (place, kind) in PAIRS],
    indirect=["settings"],
    ids=lambda value: value if isinstance(value, str) else value[-1],
)
@pytest.mark.usefixtures("settings")
def test_a_root_signs_and_revokes_with_its_key_there(
    downstream: Downstream, tmp_path: Path, csr_file: Path, kind: tuple[str, ...]
) -> None:
    sign = ("sign-cert", "--ca", "Root", "--csr", str(csr_file), "--alt", "www.example.com", "--out", "leaf.pem")
    for command in (("init-ca", "Root", "CN=Root", *kind, "--out", "root.pem"), sign, ("generate-crls", "Root")):
        ended = downstream.anchorhold(*command)
        assert ended.exit_code == 0, ended.talk
    (tmp_path / "root.crl").write_text(downstream.anchorhold("dump-crl", "Root").data)
    lists = ("-crl_check", "-CRLfile", "root.crl")
    assert openssl("verify", "-x509_strict", "-CAfile", "root.pem", *lists, "leaf.pem") == "leaf.pem: OK\n"


@pytest.mark.parametrize("settings", ["minimal"], indirect=True)
@pytest.mark.usefixtures("settings")
def test_a_folder_that_is_not_mounted_is_one_line_and_leaves_nothing(downstream: Downstream, tmp_path: Path) -> None:
    (tmp_path / "keys").rmdir()
    ended = downstream.anchorhold("init-ca", "Root", "CN=Root")
    assert ended.exit_code == errors.BackendFailedError.exit_code
    assert ended.talk.count("\n") == 1
    assert "name a folder that this account can read and write" in ended.talk
    assert downstream.anchorhold("list-cas", "-f", "json").json == []


@pytest.mark.parametrize("settings", ["aws_kms"], indirect=True)
@pytest.mark.usefixtures("settings")
def test_a_key_that_was_made_in_vain_is_scheduled_for_deletion_and_the_command_says_so(
    downstream: Downstream, kms: KmsStandIn
) -> None:
    kms.faults["Sign"] = [Fault("AccessDeniedException")]
    ended = downstream.anchorhold("init-ca", "Root", "CN=Root")
    assert ended.exit_code == errors.BackendFailedError.exit_code
    (key,) = kms.keys.values()
    deleted, refused = ended.talk.splitlines()
    assert deleted == f"key backend 'default': KMS destroys {key.arn} in 30 days; until then it can be brought back"
    assert "AWS does not permit Sign; allow kms:Sign for this account's role" in refused
    assert key.state == "PendingDeletion"
    assert kms.alive("eu-central-1") == 0
