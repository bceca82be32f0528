"""No module imports itself through others, and who imports what; the layers of core are in pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from architecture.celery_exceptions import CELERY_EXCEPTIONS
from architecture.desk_exceptions import DESK_EXCEPTIONS
from architecture.import_graph import Import, circle, graph_of, imports_of, modules_below, public_names
from architecture.server_exceptions import SERVER_EXCEPTIONS
from databases import FOLDERS

ROOT: Final = Path(__file__).parents[2]
CORE: Final = ROOT / "core/src"
DISTRIBUTIONS: Final = {
    folder.parent.name: folder
    for folder in (CORE, *sorted(ROOT.glob("plugins/*/src")), *sorted(ROOT.glob("examples/*/src")))
}
TEMPLATES: Final = {name: CORE / "anchorhold" / name / "src" for name in ("template", "wrapper_template")}
OUTSIDE: Final = {name: folder for name, folder in DISTRIBUTIONS.items() if name != "core"} | TEMPLATES
"""All that is written with what core promises."""
EXCEPTIONS: Final = {"celery": CELERY_EXCEPTIONS, "desk": DESK_EXCEPTIONS, "server": SERVER_EXCEPTIONS}
"""What plugins with commands import beside that."""
MAX_LINES: Final = 400
"""Of a module."""
KNOWS_PEEWEE: Final = (
    "anchorhold.ledger.",
    "anchorhold.databases.",
    "anchorhold_db.",
    "anchorhold_desk.migrations.",
    "anchorhold_desk.schema.",
    "anchorhold_desk.store.",
)
CORE_MODULES: Final = {
    name: file
    for name, file in modules_below(CORE).items()
    if not name.startswith(("anchorhold.template", "anchorhold.wrapper_template"))
}


@cache
def promised() -> dict[str, set[str]]:
    """The modules that the page promises, each with the names of it that are."""
    page = (ROOT / "docs/authors/compatibility.md").read_text()
    rows = re.findall(r"^\| `(anchorhold[\w.]*)` \| (.+?) \|", page, flags=re.MULTILINE)
    return {
        module: public_names(CORE_MODULES[module]) if names.startswith("all") else set(re.findall(r"`(\w+)`", names))
        for module, names in rows
    }


def unpromised(folder: Path) -> list[Import]:
    """Imports of names of core that are not promised."""
    names = promised()
    return [
        found
        for name, file in modules_below(folder).items()
        for found in imports_of(name, file)
        if found.module.split(".")[0] == "anchorhold" and not _is_promised(found, names)
    ]


def _is_promised(found: Import, names: dict[str, set[str]]) -> bool:
    if found.name is None or f"{found.module}.{found.name}" in CORE_MODULES:
        return ".".join(filter(None, (found.module, found.name))) in names
    return found.name in names.get(found.module, ())


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_no_module_is_too_long_to_have_one_job(distribution: str) -> None:
    modules = modules_below(DISTRIBUTIONS[distribution])
    assert modules
    lines = {name: len(file.read_text().splitlines()) for name, file in modules.items()}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_no_module_imports_itself_through_others(distribution: str) -> None:
    modules = modules_below(DISTRIBUTIONS[distribution])
    assert modules
    found = circle(graph_of(modules))
    assert found is None, f"a circle of imports: {' -> '.join(found or ())}"


@pytest.mark.parametrize(
    "back",
    [
        "from made_up.first import value",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from made_up.first import Kind",
        "def late():\n    from made_up import first\n    return first",
        "from importlib import import_module\ndef late():\n    return import_module('made_up.first')",
        "from . import first",
    ],
    ids=["plain", "type-only", "in a function", "import_module", "relative"],
)
def test_a_circle_is_found_and_its_path_is_told(tmp_path: Path, back: str) -> None:
    package = tmp_path / "made_up"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "apart.py").write_text("import made_up.first\n")
    (package / "first.py").write_text("import made_up.second\n")
    (package / "second.py").write_text("from made_up.third import value\n")
    (package / "third.py").write_text(f"{back}\n")
    path = ["made_up.first", "made_up.second", "made_up.third", "made_up.first"]
    assert circle(graph_of(modules_below(tmp_path))) == path
    (package / "third.py").write_text("value = 1\n")
    assert circle(graph_of(modules_below(tmp_path))) is None


def test_settings_and_x509_do_not_import_each_other() -> None:
    sides = ("anchorhold.settings", "anchorhold.x509")
    across = [
        str(found)
        for here, there in (sides, sides[::-1])
        for name, file in CORE_MODULES.items()
        if name.startswith(here)
        for found in imports_of(name, file)
        if f"{found.module}.{found.name}".startswith(there)
    ]
    assert across == []


def test_reading_the_settings_imports_no_cryptography() -> None:
    program = (
        "import sys; from anchorhold.settings import load_settings; load_settings(None, {})\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'cryptography', 'peewee', 'typer'}))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_only_the_ledger_and_databases_know_peewee() -> None:
    knowing = [
        str(found)
        for folder in DISTRIBUTIONS.values()
        for name, file in modules_below(folder).items()
        if not f"{name}.".startswith(KNOWS_PEEWEE)
        for found in imports_of(name, file)
        if found.module.split(".")[0] in ("peewee", "playhouse")
    ]
    assert knowing == []


def test_the_promised_names_exist() -> None:
    missing = {
        module: absent for module, names in promised().items() if (absent := names - public_names(CORE_MODULES[module]))
    }
    assert missing == {}
    assert len(promised()) > 10


@pytest.mark.parametrize("distribution", [name for name in OUTSIDE if name not in EXCEPTIONS])
def test_plugins_examples_and_the_template_import_promised_names_only(distribution: str) -> None:
    assert modules_below(OUTSIDE[distribution])
    assert [str(found) for found in unpromised(OUTSIDE[distribution])] == []


@pytest.mark.parametrize("distribution", EXCEPTIONS)
def test_commands_of_plugins_import_promised_names_and_a_list_that_shrinks(distribution: str) -> None:
    used: dict[str, set[str | None]] = {}
    for found in unpromised(OUTSIDE[distribution]):
        used.setdefault(found.module, set()).add(found.name)
    allowed = {module: set(names) for module, (names, _) in EXCEPTIONS[distribution].items()}
    assert used == allowed, "nothing new; what is not imported any more leaves the list"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "from anchorhold.plugin.refused_secrets import RefusedSecrets",
            "anchorhold.plugin.refused_secrets.RefusedSecrets",
        ),
        ("from anchorhold.errors import _restored", "anchorhold.errors._restored"),
        ("import anchorhold.ledger", "anchorhold.ledger"),
        ("def late():\n    from anchorhold import backends", "anchorhold.backends"),
    ],
)
def test_a_name_that_is_not_promised_is_found(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "plugin.py").write_text(
        f"from anchorhold import pkcs8\nfrom anchorhold.plugin import hookimpl\n{line}\n"
    )
    (found,) = unpromised(tmp_path)
    assert str(found).endswith(f"imports {told}")


def test_the_lists_of_tests_name_what_exists() -> None:
    """A folder that was renamed would silently run on fewer databases or Pythons."""
    named = [f"tests/{name}" for name in FOLDERS]
    named += re.findall(r'"(tests/[\w/.]+)"', (ROOT / "noxfile.py").read_text("utf-8"))
    assert len(named) > len(FOLDERS)
    assert [name for name in named if not (ROOT / name).exists()] == []
