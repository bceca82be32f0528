"""Blocks of the guide that no command of their page uses: they are what the text around them says, too."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from anchorhold.backends import BackendRegistry
from anchorhold.installation_check import CHECKS_GROUP
from anchorhold.plugin import BACKENDS_GROUP, WRAPPERS_GROUP
from anchorhold.settings import load_settings
from guide.running import shell

DOCS = Path(__file__).parents[2] / "docs"
WALK = DOCS.parent / "tests" / "architecture" / "walk.py"
MOST_FILES, MOST_STAYS = 55, 165
"""Of the walk of one request: what a command enters, and how often it changes from one to another."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""One without a title; those with one are files that the commands of their page use."""
TOML = [
    (str(page.relative_to(DOCS)), number, body)
    for page in sorted(DOCS.rglob("*.md"))
    for number, body in enumerate(body for kind, body in BLOCK.findall(page.read_text()) if kind == "toml")
]

ISSUE = """
import sys
import anchorhold
from anchorhold import software_keys
from anchorhold.errors import RefusedError
from cryptography import x509
from cryptography.hazmat.primitives import hashes

csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
csr = csr.sign(software_keys.generate(anchorhold.key_spec("EC")), hashes.SHA256())
with anchorhold.open_installation() as installation:
    installation.authorities.create("Root", "CN=Root")
    with installation.certificates.issuer("Root") as issuer:
        print(issuer.sign(anchorhold.Order(csr=csr, names=["www.example.com"])).certificate.subject.rfc4514_string())
        try:
            issuer.sign(anchorhold.Order(csr=csr, names=["www.example.org"]))
        except RefusedError as refusal:
            print(refusal)
"""


def _blocks(page: str, kind: str) -> list[str]:
    return [body for found, body in BLOCK.findall((DOCS / page).read_text()) if found == kind]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("number", range(3), ids=["stored", "remote", "hooks alone"])
def test_each_backend_and_the_wrapper_on_the_page_of_the_plugin_api_work(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *backends, wrapper = _blocks("authors/plugin-api.md", "python")
    assert len(backends) == 3
    backend = backends[number]
    (project,) = _blocks("authors/plugin-api.md", "toml")
    points = tomllib.loads(project)["project"]["entry-points"]
    if "class InMemory" not in backend:
        points[BACKENDS_GROUP]["memory"] = "anchorhold_memory:InService"
    points[WRAPPERS_GROUP] = {"only-our-names": "only_our_names:OnlyOurNames"}
    (tmp_path / "anchorhold_memory.py").write_text(backend)
    (tmp_path / "only_our_names.py").write_text(wrapper)
    installed = tmp_path / "anchorhold_memory-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: anchorhold-memory\nVersion: 1.0\n")
    lines = (line for group, found in points.items() for line in (f"[{group}]", *map(" = ".join, found.items())))
    (installed / "entry_points.txt").write_text("\n".join(lines))
    (tmp_path / "config.toml").write_text('[key_backends.default]\nbackend = "memory"\n[wrappers.only-our-names]\n')
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    done = subprocess.run([sys.executable, "-c", ISSUE], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == [
        "CN=www.example.com",
        "only-our-names: www.example.org is not ours; leave it out",
    ], done.stderr


@pytest.mark.databases(because="settings are read, and nothing is opened")
@pytest.mark.parametrize(("page", "body"), [pytest.param(page, body, id=f"{page}-{n}") for page, n, body in TOML])
def test_what_is_shown_in_toml_is_taken_as_it_stands(page: str, body: str, tmp_path: Path) -> None:
    content = tomllib.loads(body)
    if "dependencies" in content:
        content = {"project": content}
    if "project" in content:
        _check_project(content["project"])
        return
    path = tmp_path / "config.toml"
    path.write_text(body)
    backends = BackendRegistry(
        load_settings(path, {"ANCHORHOLD_LEDGER": "postgresql://db.example.com/ca"}), pytest.fail, {}
    )
    for alias in backends.aliases():
        backends.get(alias)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the walk of a request prints."""
    command, place = [sys.executable, str(WALK)], shell(tmp_path_factory.mktemp("walk"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=place)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.databases(because="the walk makes an installation of its own")
@pytest.mark.slow(because="a command is run under a trace")
def test_the_page_of_the_steps_of_issuing_names_each_module_that_a_request_visits(walked: str) -> None:
    page = (DOCS / "explanation" / "order-to-certificate.md").read_text()
    named = re.findall(r"`(anchorhold(?:_storages)?\.[a-z0-9_.]+)`", page)
    assert [name for name in named if find_spec(name) is None] == []
    visited = [found.replace("/", ".") for found in re.findall(r"^ *\d+ (anchorhold\w*/\S+)\.py ", walked, re.M)]
    assert len(visited) > 20
    assert [name for name in visited if name not in named] == []


@pytest.mark.databases(because="the walk makes an installation of its own")
@pytest.mark.slow(because="a command is run under a trace")
def test_a_request_visits_no_more_files_than_a_reader_can_follow(walked: str) -> None:
    (found,) = re.findall(r"(\d+) files, (\d+) stays$", walked.strip())
    files, stays = map(int, found)
    assert 20 < files <= MOST_FILES
    assert files <= stays <= MOST_STAYS


@pytest.mark.databases(because="nothing is opened")
@pytest.mark.parametrize(
    "readme", ["README.md", *(f"plugins/{name}/README.md" for name in ("db", "hsm", "server", "storages"))]
)
def test_links_of_a_readme_lead_to_files(readme: str) -> None:
    page = DOCS.parent / readme
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link.partition("#")[0]).exists()] == []


def _check_project(project: dict[str, Any]) -> None:
    """What a package says of itself leads to core: its entry points, and a range with the present version in it."""
    assert set(project.get("entry-points", {})) <= {BACKENDS_GROUP, WRAPPERS_GROUP, CHECKS_GROUP}
    for line in project.get("dependencies", ()):
        requirement = Requirement(line)
        assert requirement.name == "anchorhold"
        assert requirement.specifier.contains(version("anchorhold"))
    assert {"entry-points", "dependencies"} & set(project)
