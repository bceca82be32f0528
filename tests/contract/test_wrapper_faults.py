"""The contract of wrappers catches what it is for: each seeded fault by its rule, and nothing where there is none."""

from __future__ import annotations

import inspect
import re
from importlib.resources import files
from pathlib import Path

import pytest

from anchorhold.testing import RULES, WRAPPER_RULES
from anchorhold.testing.wrappers.contract import wrapper_tests
from anchorhold.testing.wrappers.rules import WRAPPER_EXPLAINED, WRAPPER_GUIDE
from combinations import ALL
from contract.faulting import VARIABLE, in_batches, one_for_each_rule, pytest_run
from contract.right_wrapper import RightWrapper
from contract.wrapper_faulting import BATCH, RIGHT, install_wrappers, judge_wrappers
from contract.wrapper_faults import guests, judging
from contract.wrapper_faults.wrapper_table import WRAPPER_FAULTS

pytestmark = pytest.mark.databases(because="each run has a ledger of its own")

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder for the path, in which all wrappers of these tests are installed."""
    install_wrappers(tmp_path / "site")
    return tmp_path / "site"


def test_a_wrapper_without_a_fault_keeps_every_rule(tmp_path: Path, site: Path) -> None:
    verdict = judge_wrappers([RIGHT], tmp_path / "run", site)[RIGHT]
    assert verdict.broken == {}
    assert verdict.kept == set(WRAPPER_RULES)


@pytest.mark.slow(because="all quick rules against each of five wrappers")
@pytest.mark.parametrize(
    "batch",
    in_batches(WRAPPER_FAULTS if ALL else one_for_each_rule(WRAPPER_FAULTS), BATCH),
    ids=lambda batch: batch[0],
)
def test_each_faulty_wrapper_is_caught_by_the_rule_meant_for_it_and_by_no_other(
    batch: list[str], tmp_path: Path, site: Path
) -> None:
    for name, verdict in judge_wrappers(batch, tmp_path / "run", site).items():
        fault = WRAPPER_FAULTS[name]
        assert set(verdict.broken) == {fault.rule, *fault.also}, f"{name}: {verdict.broken}"
        for rule, message in verdict.broken.items():
            assert f"{rule}: {WRAPPER_RULES[rule].sentence}" in message
            assert f"The guide says: {WRAPPER_RULES[rule].explanation.splitlines()[0]}" in message


def test_every_faulty_wrapper_is_in_the_table_and_every_rule_has_a_fault() -> None:
    classes = {
        f"{module.__name__}:{name}"
        for module in (guests, judging)
        for name, found in vars(module).items()
        if inspect.isclass(found) and issubclass(found, RightWrapper) and not name.startswith(("_", "RightWrapper"))
    }
    heavy = {"contract.wrapper_faults.heavy_wrapper:HeavyWrapper"}
    assert classes | heavy == {fault.backend for fault in WRAPPER_FAULTS.values()}
    assert {fault.rule for fault in WRAPPER_FAULTS.values()} == set(WRAPPER_RULES)


def test_every_test_for_wrappers_has_a_rule_and_every_rule_a_test_and_a_name_of_its_own() -> None:
    tests = dict(wrapper_tests())
    assert [name for name, found in tests.items() if found is None] == []
    assert {found.id for found in tests.values() if found is not None} == set(WRAPPER_RULES)
    assert not set(RULES) & set(WRAPPER_RULES)


@pytest.mark.parametrize("name", WRAPPER_RULES)
def test_the_guide_explains_the_rule_for_wrappers_where_failures_say_so(name: str) -> None:
    found = WRAPPER_RULES[name]
    assert re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", found.id)
    assert re.fullmatch(r"[A-Za-z][^.]*\.", found.sentence), found.sentence
    explained = (REPOSITORY / WRAPPER_GUIDE).read_text().partition(f"{{ #{found.anchor.partition('#')[2]} }}")[2]
    assert found.sentence in explained.partition("\n#")[0].replace("\n", " ")


def test_whoever_has_no_guide_has_its_text_about_the_rules_for_wrappers() -> None:
    page = (REPOSITORY / WRAPPER_GUIDE).read_text()
    told = files("anchorhold.testing").joinpath(WRAPPER_EXPLAINED).read_text()
    assert told in page, f"copy the rules of {WRAPPER_GUIDE} to {WRAPPER_EXPLAINED}"
    assert page.count("\n### ") == len(WRAPPER_RULES)
    assert [name for name, found in WRAPPER_RULES.items() if not found.explanation] == []


def run_named(tmp_path: Path, site: Path, wrapper: str, *arguments: str, told: str = "") -> tuple[int, str]:
    """The contract without any code: ``pytest --anchorhold-wrapper=NAME --anchorhold-options=FILE``."""
    path = tmp_path / "mine.toml"
    path.write_text(told)
    named = [f"--anchorhold-wrapper={wrapper}", f"--anchorhold-options={path}", *arguments]
    ran = pytest_run(tmp_path / "run", site, named, **{VARIABLE: ""})
    return ran.returncode, ran.stdout + ran.stderr


TOLD = '[options]\nsuffix = ".example.com"\n[refused]\nnames = ["www.example.net"]\n'


def test_a_file_tells_of_a_wrapper_and_one_rule_can_be_run_alone(tmp_path: Path, site: Path) -> None:
    code, said = run_named(tmp_path, site, RIGHT, "--anchorhold-rule=refuse.before", told=TOLD)
    assert code == 0, said
    assert "1 passed" in said


def test_a_broken_rule_is_told_by_its_sentence(tmp_path: Path, site: Path) -> None:
    code, said = run_named(tmp_path, site, "refuses-afterwards", "--anchorhold-rule=refuse.before", told=TOLD)
    assert code == pytest.ExitCode.TESTS_FAILED, said
    assert f"refuse.before: {WRAPPER_RULES['refuse.before'].sentence}" in said
    assert "Found: the key has signed what was refused" in said


def test_a_wrapper_of_which_no_refusal_is_told_is_noted(tmp_path: Path, site: Path) -> None:
    code, said = run_named(tmp_path, site, RIGHT, "--anchorhold-rule=refuse.before")
    assert code == 0, said
    assert "names: refuses nothing, as far as the contract was told; write [refused] into the file" in said


@pytest.mark.parametrize(
    ("wrapper", "told", "arguments", "complaint"),
    [
        ("nmes", "", (), "the wrapper 'nmes' is not installed; did you mean 'names'?"),
        (RIGHT, "[option]\n", (), "[option] is not known; did you mean 'options'?"),
        (RIGHT, "[allowed]\nname = 'x'\n", (), "[allowed] has not the shape it must have"),
        (RIGHT, "passes = ['signatures']\n", (), "write a list of at least one of: certificate, crl, ocsp, csr, probe"),
        (RIGHT, "slowest = 0\n", (), "write a number of seconds"),
        (RIGHT, "", ("--anchorhold-rule=pass.onec",), "there is no such rule; did you mean 'pass.once'?"),
        (RIGHT, "", ("--anchorhold-backend=db",), "run each on its own"),
    ],
)
def test_what_is_not_known_of_a_wrapper_is_refused(
    wrapper: str, told: str, arguments: tuple[str, ...], complaint: str, tmp_path: Path, site: Path
) -> None:
    code, said = run_named(tmp_path, site, wrapper, *arguments, told=told)
    assert code == pytest.ExitCode.USAGE_ERROR, said
    assert complaint in said
