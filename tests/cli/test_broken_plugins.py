"""Plugins that do not work: unused they never stop a command, used they are one clear line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from anchorhold import errors
from cli.cli_steps import good, left_behind, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Command

WORKS = (
    "import anchorhold_storages.backend\n\n\nclass Backend(anchorhold_storages.backend.StoragesBackend):\n    pass\n"
)


class Broken(NamedTuple):
    """The source of a plugin, the error of using it, and words of its line."""

    source: str
    error: type[errors.AnchorholdError]
    words: tuple[str, ...]


BROKEN = {
    "missing import": Broken("import no_such_library", errors.BackendLoadError, ("no_such_library",)),
    "syntax error": Broken("class Backend", errors.BackendLoadError, ("SyntaxError",)),
    "error of several lines": Broken(
        "raise ImportError('first line\\n\\nsecond line')", errors.BackendLoadError, ("first line",)
    ),
    "an odd exception at import": Broken(
        "class Odd(BaseException): pass\nraise Odd('gone')", errors.BackendLoadError, ("gone",)
    ),
    "exit at import": Broken("raise SystemExit(3)", errors.BackendLoadError, ("SystemExit",)),
    "no such class": Broken("", errors.BackendLoadError, ("Backend",)),
    "not a class": Broken("Backend = 7", errors.BackendContractError, ("not a class",)),
    "no API version": Broken("class Backend:\n    pass", errors.BackendContractError, ("anchorhold_api = 1",)),
    "later API version": Broken(
        "class Backend:\n    anchorhold_api = 99", errors.BackendContractError, ("99", "upgrade anchorhold")
    ),
    "no hooks": Broken(
        "class Backend:\n    anchorhold_api = 1\n    def __init__(self, options, context): ...",
        errors.BackendContractError,
        ("create_key",),
    ),
    "constructor fails": Broken(
        "class Backend:\n    anchorhold_api = 1\n"
        "    def __init__(self, options, context): raise RuntimeError('no\\ndevice')",
        errors.BackendLoadError,
        ("RuntimeError",),
    ),
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a made-up distribution ``acme-fault 2.5`` that offers the backend type and wrapper ``fault``."""

    def write(source: str, distribution: str = "acme_fault") -> None:
        site = tmp_path / f"site-{distribution}"
        info = site / f"{distribution}-2.5.dist-info"
        info.mkdir(parents=True)
        name = distribution.replace("_", "-")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.5\n")
        groups = [
            f"[anchorhold.{group}]\nfault = {distribution}_{tmp_path.name}:Backend\n"
            for group in ("backends", "wrappers")
        ]
        (info / "entry_points.txt").write_text("\n".join(groups))
        (site / f"{distribution}_{tmp_path.name}.py").write_text(source + "\n")
        monkeypatch.syspath_prepend(site)

    return write


@pytest.fixture
def configured(tmp_path: Path, ca_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings with the alias ``default`` that works and ``odd`` of the type ``fault``."""
    path = tmp_path / "config.toml"
    path.write_text(
        f'[storages.default]\noptions = {{ location = "{ca_dir}" }}\n'
        '[key_backends.default]\nbackend = "storages"\n[key_backends.odd]\nbackend = "fault"\n'
    )
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(path))
    return path


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.usefixtures("configured")
def test_a_broken_backend_stops_nothing_until_it_is_used(
    broken: Broken, install: Callable[..., None], anchorhold: Command, csr_file: Path, tmp_path: Path
) -> None:
    install(broken.source)
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example"))
    good(anchorhold("list-cas"))
    assert "--password" in good(anchorhold("init-ca", "--help")).text
    before = left_behind(tmp_path)
    words = ("fault", "acme-fault 2.5", *broken.words)
    refused(anchorhold("init-ca", "Odd", "CN=Odd", "--key-backend=odd"), broken.error, *words)
    refused(anchorhold("config", "check"), broken.error, *words)
    assert left_behind(tmp_path) == before


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.usefixtures("configured")
def test_backends_shows_what_is_broken_and_why(
    broken: Broken, install: Callable[..., None], anchorhold: Command
) -> None:
    install(broken.source)
    shown = json.loads(good(anchorhold("backends", "--output-format=json")).data)
    states = {found["alias"]: found["state"] for found in shown["configured"] if found["section"] == "key_backends"}
    assert states["default"] == "configured"
    assert states["odd"].startswith("broken: ")
    assert all(word in states["odd"] for word in broken.words)
    (installed,) = [
        found for found in shown["installed"] if found["name"] == "fault" and found["kind"] == "key backend"
    ]
    assert installed["from"] == "acme-fault 2.5"
    good(anchorhold("backends"))


@pytest.mark.parametrize(
    "broken", [BROKEN["missing import"], BROKEN["constructor fails"]], ids=["import", "constructor"]
)
def test_an_enabled_wrapper_that_does_not_load_always_stops(
    broken: Broken, install: Callable[..., None], anchorhold: Command, configured: Path, tmp_path: Path
) -> None:
    install(broken.source)
    configured.write_text(configured.read_text() + "[wrappers.fault]\n")
    before = left_behind(tmp_path)
    refused(anchorhold("init-ca", "Root", "CN=Root"), broken.error, "wrapper 'fault'", "acme-fault 2.5")
    assert left_behind(tmp_path) == before


@pytest.mark.usefixtures("configured")
def test_a_broken_backend_shows_its_traceback_with_debug(install: Callable[..., None], anchorhold: Command) -> None:
    install("import no_such_library")
    outcome = anchorhold("--debug", "init-ca", "Odd", "CN=Odd", "--key-backend=odd")
    assert outcome.exit_code == errors.BackendLoadError.exit_code
    assert "ModuleNotFoundError" in outcome.talk


@pytest.mark.usefixtures("configured")
def test_a_type_that_is_not_installed_is_named_with_what_to_install(anchorhold: Command, configured: Path) -> None:
    refused(
        anchorhold("init-ca", "Odd", "CN=Odd", "--key-backend=odd"),
        errors.UnknownBackendError,
        "key_backends.odd",
        "'fault'",
        "pip install anchorhold-fault",
        "storages",
    )
    configured.write_text(configured.read_text().replace('"fault"', '"storage"'))
    refused(
        anchorhold("init-ca", "Odd", "CN=Odd", "--key-backend=odd"),
        errors.UnknownBackendError,
        "'storage'",
        "did you mean 'storages'?",
    )
    configured.write_text(configured.read_text() + "[wrappers.polcy]\n")
    refused(anchorhold("init-ca", "Root", "CN=Root"), errors.UnknownBackendError, "wrappers.polcy", "'polcy'")


@pytest.mark.usefixtures("configured")
def test_two_distributions_with_one_type_are_both_named(install: Callable[..., None], anchorhold: Command) -> None:
    install(WORKS)
    install(WORKS, "acme_other")
    refused(
        anchorhold("init-ca", "Odd", "CN=Odd", "--key-backend=odd"),
        errors.UnknownBackendError,
        "acme-fault 2.5",
        "acme-other 2.5",
        "uninstall one of them",
    )


def test_one_of_two_distributions_with_one_type_can_be_named(
    install: Callable[..., None], anchorhold: Command, configured: Path
) -> None:
    install(WORKS)
    install("raise ImportError('the wrong one')", "acme_other")
    configured.write_text(configured.read_text().replace('"fault"', '"Acme_Fault:fault"'))
    good(anchorhold("init-ca", "Odd", "CN=Odd", "--key-backend=odd"))
    assert json.loads(good(anchorhold("view-ca", "Odd", "--output-format=json")).data)["key_backend_type"] == "fault"
    good(anchorhold("config", "check"))
    configured.write_text(configured.read_text().replace('"Acme_Fault:fault"', '"acme-other:fault"'))
    refused(anchorhold("init-ca", "Two", "CN=Two", "--key-backend=odd"), errors.BackendLoadError, "acme-other 2.5")
    configured.write_text(configured.read_text().replace('"acme-other:fault"', '"acme-none:fault"'))
    refused(anchorhold("init-ca", "Two", "CN=Two", "--key-backend=odd"), errors.UnknownBackendError, "acme-none")


@pytest.mark.usefixtures("configured")
def test_a_stranger_that_works_is_used(install: Callable[..., None], anchorhold: Command) -> None:
    install(WORKS)
    good(anchorhold("init-ca", "Odd", "CN=Odd", "--key-backend=odd", "--odd-password=x"))


def test_a_distribution_that_cannot_be_read_hides_no_other(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "path" / "damaged-1.0.dist-info"
    damaged.mkdir(parents=True)
    (damaged / "METADATA").write_text("nothing of the kind")
    (damaged / "entry_points.txt").write_bytes(b"\xff\xfe = = [[[\n")
    monkeypatch.syspath_prepend(str(damaged.parent))
    shown = good(anchorhold("backends")).text
    assert "storages" in shown
    problem = "distribution damaged 1.0: its entry points cannot be read (UnicodeDecodeError)"
    assert problem in shown
    assert problem[1:] in good(anchorhold("config", "check")).talk
    good(anchorhold("init-ca", "Root", "CN=Root"))
    settings = tmp_path / "config.toml"
    settings.write_text('[key_backends.odd]\nbackend = "lost"\n')
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(settings))
    refused(anchorhold("init-ca", "Odd", "CN=Odd", "--key-backend=odd"), errors.UnknownBackendError, "'lost'", problem)
