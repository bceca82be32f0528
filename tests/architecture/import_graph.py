"""Which module imports which, read from the source: type-only imports and those inside functions are imports too."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_DYNAMIC: Final = ("import_module", "importlib.import_module")


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name.

    Attributes:
        importer: The module in which the import stands.
        module: The module that is imported from.
        name: What is imported from it; None for the module itself.
        line: Where it stands.
    """

    importer: str
    module: str
    name: str | None
    line: int

    def __str__(self) -> str:
        """Importer, line, and what is imported."""
        return f"{self.importer}:{self.line} imports {'.'.join(filter(None, (self.module, self.name)))}"


def modules_below(source: Path) -> dict[str, Path]:
    """The modules in a folder of packages, by their dotted names."""
    return {_dotted(file.relative_to(source)): file for file in sorted(source.rglob("*.py"))}


def imports_of(name: str, file: Path) -> Iterator[Import]:
    """All that a module imports, wherever it says so.

    What is imported under a name that is put together when the program runs is not seen.
    """
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Import(names=names):
                for each in names:
                    yield Import(name, each.name, None, node.lineno)
            case ast.ImportFrom(module=module, names=names, level=level):
                origin = ".".join(filter(None, (_above(package, level), module)))
                for each in names:
                    yield Import(name, origin, each.name, node.lineno)
            case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]):
                if ast.unparse(function) in _DYNAMIC:
                    yield Import(name, module, None, node.lineno)


def graph_of(modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """Each module with those of the same mapping that it imports; importing a name of a package imports the package."""
    graph: dict[str, set[str]] = {}
    for name, file in modules.items():
        targets = (target_of(found, modules) for found in imports_of(name, file))
        graph[name] = {target for target in targets if target is not None}
    return graph


def target_of(found: Import, modules: Mapping[str, Path]) -> str | None:
    """The module of the mapping that is imported; None if it is none of them."""
    full = f"{found.module}.{found.name}"
    return next((name for name in (full, found.module) if name in modules), None)


def public_names(file: Path) -> set[str]:
    """What a module offers: its ``__all__``, else what it defines, or imports ``as`` itself, without an underscore."""
    defined: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return set(ast.literal_eval(value))
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                defined.add(name)
            case ast.ImportFrom(names=aliases):
                defined |= {alias.name for alias in aliases if alias.asname == alias.name}
            case ast.Assign(targets=targets):
                defined |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in defined if not name.startswith("_")}


def circle(graph: Mapping[str, set[str]]) -> list[str] | None:
    """A way from a module back to itself, each with the one it imports behind it; None if there is none."""
    done: set[str] = set()
    for start in sorted(graph):
        found = _way_back(graph, start, [], done)
        if found is not None:
            return found
    return None


def _way_back(graph: Mapping[str, set[str]], module: str, way: list[str], done: set[str]) -> list[str] | None:
    if module in way:
        return [*way[way.index(module) :], module]
    if module in done:
        return None
    for imported in sorted(graph[module]):
        found = _way_back(graph, imported, [*way, module], done)
        if found is not None:
            return found
    done.add(module)
    return None


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _above(package: str, level: int) -> str:
    """The package that so many dots mean, seen from a package; nothing for none."""
    parts = package.split(".")
    return ".".join(parts[: len(parts) - level + 1]) if level else ""
