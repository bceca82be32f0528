"""The rules of the contract: one table, a test for each, a rule for each test, and a guide that explains them all."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from anchorhold.testing import GUIDE, RULES, BackendContract, Rule, RuleBrokenError
from anchorhold.testing.contract import contract_tests
from anchorhold.testing.rules import EXPLAINED, expect, rule

pytestmark = pytest.mark.databases(because="rules are text")

REPOSITORY = Path(__file__).parents[2]


def test_every_test_of_the_contract_has_a_rule_and_every_rule_has_a_test() -> None:
    tests = dict(contract_tests())
    assert [name for name, found in tests.items() if found is None] == []
    assert {found.id for found in tests.values() if found is not None} == set(RULES)


@pytest.mark.parametrize("found", RULES.values(), ids=RULES)
def test_a_rule_is_one_sentence_with_a_good_name(found: Rule) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", found.id)
    assert re.fullmatch(r"[A-Za-z][^.]*\.", found.sentence), found.sentence


@pytest.mark.parametrize("name", RULES)
def test_the_guide_explains_the_rule_where_failures_say_so(name: str) -> None:
    guide = (REPOSITORY / GUIDE).read_text()
    anchor = RULES[name].anchor.partition("#")[2]
    explained = guide.partition(f"{{ #{anchor} }}")[2].partition("\n#")[0]
    assert RULES[name].sentence in explained.replace("\n", " ")


def test_whoever_has_no_guide_has_its_text_about_the_rules() -> None:
    page = (REPOSITORY / GUIDE).read_text()
    told = files("anchorhold.testing").joinpath(EXPLAINED).read_text()
    assert told in page, f"copy the rules of {GUIDE} to {EXPLAINED}"
    assert [name for name, found in RULES.items() if not found.explanation] == []
    assert not [name for name, found in RULES.items() if "**" in found.explanation or "{ #" in found.explanation]


def test_a_failure_begins_with_its_rule_and_says_what_was_found_and_what_the_guide_says() -> None:
    @rule("create.fresh")
    def broken() -> None:
        expect(False, "two creations answered the same key")

    with pytest.raises(RuleBrokenError) as failure:
        broken()
    lines = str(failure.value).splitlines()
    assert lines[0] == f"create.fresh: {RULES['create.fresh'].sentence}"
    assert lines[1] == "Found: two creations answered the same key"
    assert lines[2].startswith("The guide says: Two requests make two keys")


def test_whatever_a_test_runs_into_is_told_under_its_rule() -> None:
    @rule("find.by-id")
    def surprised() -> None:
        raise TypeError("not what anybody foresaw")

    with pytest.raises(RuleBrokenError, match=r"(?s)^find\.by-id: .*TypeError: not what anybody foresaw") as failure:
        surprised()
    assert isinstance(failure.value.__cause__, TypeError)


def test_the_contract_is_not_collected_where_it_is_imported() -> None:
    assert not BackendContract.__name__.startswith("Test")
