"""The tables of docs/relying-parties.md and the table of the package say the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from anchorhold.advice import features
from anchorhold.advice.programs import PROGRAMS
from anchorhold.advice.rows import row_of
from anchorhold.x509.name_constraints import name_constraints
from relying.artefacts import CONSTRAINTS, KINDS
from relying.documented import begins, measured, refusals, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchorhold.advice.row import Case

TITLES: Final = {
    "Python's ssl": "python-ssl",
    "pyhanko-certvalidator": "pyhanko",
    "rtls (rustls)": "rustls",
    "rtls": "rustls",
    "GnuTLS certtool": "gnutls",
}
"""Names of programs on the page, where those of the package are not the same in small letters."""
KEYS: Final = {
    "EC P-256": "EC secp256r1",
    "EC P-521": "EC secp521r1",
    "RSA-PSS": "RSA with PSS",
    "RSA-PSS with SHA3-256": "RSA with PSS and SHA3-256",
    "brainpoolP256r1": "EC brainpoolP256r1",
    "secp256k1": "EC secp256k1",
}
"""Kinds of keys, likewise."""
UNDER_ANOTHER_NAME: Final = {"keytool", "curl-gnutls"}
"""Programs that the page names in passing: their versions are those of Java and of curl."""
WAYS: Final = ("--permit-name", "--exclude-name")
_PROGRAM: Final = re.compile(r"(?P<name>.+?)(?: (?P<versions>\d[\d., ]*))?")


def members(title: str, versions: Iterable[str] = ()) -> set[str]:
    """Programs of the package that a name and beginnings of versions on the page stand for."""
    family = TITLES.get(title, title.lower())
    found = {
        name
        for name, program in PROGRAMS.items()
        if program.family == family and (not versions or any(map(one_of(versions), numbers(program.version))))
    }
    assert found, (title, versions)
    return found


def numbers(text: str) -> list[str]:
    """The versions in a text."""
    return re.findall(r"\d[\d.]*", text)


def one_of(beginnings: Iterable[str]) -> Callable[[str], bool]:
    """Whether a version begins with one of these."""
    known = list(beginnings)
    return lambda version: any(begins(version, each) for each in known)


def named_in(cell: str) -> set[str]:
    """Programs of the package that the first cell of a row names: ``OpenSSL, Python's ssl`` or ``Java 21, 25``."""
    if cell.startswith("`"):
        cell = cell.replace("`", "")
    plain = re.sub(r",? `.*`", "", cell)
    found: set[str] = set()
    for part in re.split(r", (?=\D)", plain):
        read = _PROGRAM.fullmatch(part)
        assert read, cell
        found |= members(read["name"], numbers(read["versions"] or ""))
    return found


def on_the_page(heading: str, what: str) -> dict[str, str]:
    """By the name in the package of each program that refuses it: the words that the page quotes."""
    rows = [row for row in refusals(heading) if row.what == what]
    return {name: row.says for row in rows for name in members(row.program, row.versions)}


def in_the_package(case: Case, *things: str) -> dict[str, str]:
    """By the name of each program that refuses one of these things: what it says."""
    rows = [row for row in (row_of(case, what) for what in things) if row is not None]
    said: dict[str, str] = {}
    for row in rows:
        said |= {name: f"{said.get(name, '')} {says}" for name, says in row.refused.items()}
    return said


def agree(page: dict[str, str], package: dict[str, str]) -> None:
    """Fail if they do not name the same programs, or the page quotes words that the package does not have."""
    assert set(page) == set(package)
    assert {name: package[name] for name, words in page.items() if words not in package[name]} == {}


def test_of_programs_and_their_versions() -> None:
    families = {program.family for program in PROGRAMS.values()}
    assert {TITLES.get(title, title.lower()) for title in measured()} == families - UNDER_ANOTHER_NAME
    for title, cells in measured().items():
        page = numbers(" ".join(cells))
        package = numbers(" ".join(PROGRAMS[name].version for name in members(title)))
        assert [each for each in package if not one_of(page)(each)] == [], title
        assert [each for each in page if not any(begins(known, each) for known in package)] == [], title


@pytest.mark.parametrize("kind", KINDS)
def test_of_keys_and_signatures(kind: str) -> None:
    agree(on_the_page("Keys and signatures", kind), in_the_package("authority", KEYS.get(kind, kind)))


@pytest.mark.parametrize("kind", KINDS)
def test_of_answers_of_responders(kind: str) -> None:
    agree(on_the_page("OCSP", kind), in_the_package("responder", KEYS.get(kind, kind)))


@pytest.mark.parametrize("kind", CONSTRAINTS)
def test_of_name_constraints(kind: str) -> None:
    words = CONSTRAINTS[kind]
    given = list(zip(words[::2], words[1::2], strict=True))
    permitted, excluded = ([name for flag, name in given if flag == wanted] for wanted in WAYS)
    constraints = name_constraints(permitted, excluded)
    assert constraints is not None
    things = [feature.what for feature in features.of_constraints(constraints, None)]
    agree(on_the_page("Name constraints", kind), in_the_package("authority", *things))


def test_of_certificates_without_an_end() -> None:
    (row,) = (cells for cells in table("Other certificates") if cells[0] == "notAfter 99991231235959Z")
    assert named_in(row[1]) == set(in_the_package("certificate", features.ENDLESS.what))


def test_of_partial_lists() -> None:
    row = row_of(features.PARTIAL_LISTS.case, features.PARTIAL_LISTS.what)
    assert row is not None
    page = {name: cells[1] == "read" for cells in table("Partitioned CRLs") for name in named_in(cells[0])}
    assert page == {name: name not in row.refused for name in row.tried}


@pytest.mark.parametrize(("column", "kind"), [(1, "EC"), (2, "RSA"), (3, "Ed25519")])
def test_of_encrypted_key_files(column: int, kind: str) -> None:
    rows = [(named_in(cells[0]), cells[column]) for cells in table("Key files")]
    refused = {name for names, cell in rows for name in names if cell != "yes"}
    assert refused == set(in_the_package("key file", "encryption with PBES2", f"encrypted {kind} key"))
