"""Finding backends and wrappers among installed distributions, and what is said when that fails."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from anchorhold.cli.remedies import sentence
from anchorhold.errors import AnchorholdError, BackendContractError, BackendLoadError, UnknownBackendError
from anchorhold.plugin import API_VERSION, BACKENDS_GROUP, WRAPPERS_GROUP, discovery
from plugin.fake_backends import MemoryBackend, configured, offer, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

    Monkeypatch = pytest.MonkeyPatch


def test_one_offer_is_found_with_its_distribution_and_version(monkeypatch: Monkeypatch, tmp_path: Path) -> None:
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"vault": "plugin.fake_backends:MemoryBackend"})
    found = discovery.find(BACKENDS_GROUP, "vault", "key_backends.mine.backend")
    assert (found.name, found.distribution) == ("vault", "acme-keys 1.2")
    assert found.loaded is MemoryBackend
    assert str(found) == "key backend type 'vault' of acme-keys 1.2"


def test_finding_a_backend_does_not_import_it(monkeypatch: Monkeypatch, tmp_path: Path) -> None:
    source = {"lazy_vault": "class Vault: anchorhold_api = 1"}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"lazy": "lazy_vault:Vault"}, modules=source)
    found = discovery.find(BACKENDS_GROUP, "lazy", "here")
    assert "lazy_vault" not in sys.modules
    assert found.loaded.__name__ == "Vault"
    assert "lazy_vault" in sys.modules


@pytest.mark.parametrize(
    ("group", "name", "problem", "hint"),
    [
        (BACKENDS_GROUP, "storagse", "the key backend type 'storagse' is not installed", "did you mean 'storages'?"),
        (
            BACKENDS_GROUP,
            "kms",
            "the key backend type 'kms' is not installed",
            "install anchorhold-kms with `pip install anchorhold-kms`",
        ),
        (WRAPPERS_GROUP, "policy", "the wrapper 'policy' is not installed", "install the distribution that offers it"),
    ],
)
def test_no_offer_is_named_with_the_nearest_or_what_to_install(group: str, name: str, problem: str, hint: str) -> None:
    with pytest.raises(UnknownBackendError) as caught:
        discovery.find(group, name, "the.section")
    assert caught.value.problem == f"the.section: {problem}"
    assert hint in sentence(caught.value)


def test_two_offers_of_one_type_are_refused_naming_both(monkeypatch: Monkeypatch, tmp_path: Path) -> None:
    for number, distribution in enumerate(("acme-keys", "bcme-keys"), start=1):
        offer(
            monkeypatch,
            tmp_path / distribution,
            BACKENDS_GROUP,
            {"vault": "plugin.fake_backends:MemoryBackend"},
            distribution=distribution,
            version=f"{number}.0",
        )
    with pytest.raises(UnknownBackendError) as caught:
        discovery.find(BACKENDS_GROUP, "vault", "here")
    assert "acme-keys 1.0" in caught.value.problem
    assert "bcme-keys 2.0" in caught.value.problem
    assert caught.value.hint == "uninstall one of them, or name the one that is meant, such as 'bcme-keys:vault'"


def test_one_distribution_on_the_path_twice_is_one_offer(monkeypatch: Monkeypatch, tmp_path: Path) -> None:
    site = offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"vault": "plugin.fake_backends:MemoryBackend"})
    monkeypatch.syspath_prepend(f"{site}/../site")
    assert discovery.find(BACKENDS_GROUP, "vault", "here").loaded is MemoryBackend


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        (
            "import a_library_that_is_not_there",
            BackendLoadError,
            ("ModuleNotFoundError", "a_library_that_is_not_there"),
        ),
        ("raise RuntimeError('boom')", BackendLoadError, ("RuntimeError", "boom", "reinstall")),
        ("other = 1", BackendLoadError, ("AttributeError", "cannot be imported")),
        ("def Vault(options, context): ...", BackendContractError, ("is not a class",)),
        ("class Vault: ...", BackendContractError, ("does not say which version", "anchorhold_api = 1")),
        ("class Vault: anchorhold_api = '1'", BackendContractError, ("does not say which version",)),
        ("class Vault: anchorhold_api = 0", BackendContractError, ("version 0", "upgrade acme-keys")),
        ("class Vault: anchorhold_api = 99", BackendContractError, ("version 99", "upgrade anchorhold")),
    ],
    ids=["missing-library", "raises", "no-such-name", "function", "no-version", "text-version", "older", "newer"],
)
def test_what_cannot_be_used_names_type_distribution_version_and_what_to_do(
    monkeypatch: Monkeypatch, tmp_path: Path, source: str, kind: type[AnchorholdError], words: tuple[str, ...]
) -> None:
    module = f"broken_vault_{abs(hash(source))}"
    offers = {"vault": f"{module}:Vault"}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, offers, modules={module: source})
    with pytest.raises(kind) as caught:
        _ = discovery.find(BACKENDS_GROUP, "vault", "here").loaded
    for word in ("'vault'", "acme-keys 1.2", *words):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_hint_to_upgrade_names_exactly_the_side_that_is_behind(monkeypatch: Monkeypatch, tmp_path: Path) -> None:
    versions = {"old_side": API_VERSION - 1, "new_side": API_VERSION + 1}
    sources = {name: f"class Vault: anchorhold_api = {version}" for name, version in versions.items()}
    offers = {name.replace("_", "-"): f"{name}:Vault" for name in sources}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, offers, modules=sources)
    hints = {}
    for name in offers:
        with pytest.raises(BackendContractError) as caught:
            _ = discovery.find(BACKENDS_GROUP, name, "here").loaded
        hints[name] = caught.value.hint
    assert hints == {"old-side": "upgrade acme-keys", "new-side": "upgrade anchorhold"}


def test_a_module_that_ends_the_process_when_imported_does_not_end_the_command(
    monkeypatch: Monkeypatch, tmp_path: Path, anchorhold: Command
) -> None:
    source = {"exits_at_import": "import sys; sys.exit('licence missing')"}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"rude": "exits_at_import:Vault"}, modules=source)
    settings_file(
        tmp_path,
        monkeypatch,
        '[key_backends.default]\nbackend = "storages"\n[key_backends.rude]\nbackend = "rude"\n',
    )
    listed = anchorhold("backends")
    assert listed.exit_code == 0, listed.talk
    assert "broken" in listed.text
    created = anchorhold("init-ca", "Root", "CN=Root")
    assert created.exit_code == 0, created.talk


def test_the_settings_are_named_when_a_backend_type_is_unknown(monkeypatch: Monkeypatch, tmp_path: Path) -> None:
    settings_file(tmp_path, monkeypatch, '[key_backends.mine]\nbackend = "storage"\n')
    with pytest.raises(UnknownBackendError, match=r"key_backends\.mine\.backend") as caught:
        configured().get("mine")
    assert caught.value.hint == "did you mean 'storages'?"


def test_the_command_backends_lists_what_is_installed_with_versions(
    monkeypatch: Monkeypatch, tmp_path: Path, anchorhold: Command
) -> None:
    offer(
        monkeypatch,
        tmp_path / "site",
        BACKENDS_GROUP,
        {"vault": "plugin.fake_backends:MemoryBackend", "gone": "no_such_module:Vault"},
    )
    listed = anchorhold("backends")
    assert listed.exit_code == 0, listed.talk
    good, bad = (next(line for line in listed.text.splitlines() if f" {name} " in line) for name in ("vault", "gone"))
    assert "acme-keys 1.2" in good
    assert "loads" in good
    assert "broken" in bad
    assert "no_such_module" in bad
